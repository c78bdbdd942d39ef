"""The content of a file apart from its header: a hash by which copies are known, and the labels there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["image", "label"]


@dataclass(frozen=True, slots=True)
class Content:
    """The content of the files of one case.

    Attributes:
        images: A hash of the voxels of each image file; empty for one that tells nothing, being constant.
        label: A hash of the voxels of the label map; empty where there is none.
        labels: The labels above 0 that the label map has, ascending.
    """

    images: tuple[str, ...] = ()
    label: str = ""
    labels: tuple[int, ...] = ()


def voxel_hash(voxels: NDArray[np.generic]) -> str:
    """Equal numbers give equal hashes, whatever type they are stored as."""
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(voxels.astype("<f4"))
    return hashlib.sha256(str(numbers.shape).encode() + numbers.tobytes()).hexdigest()[:24]


def varies(voxels: NDArray[np.generic]) -> bool:
    """True if no channel of an image (the channels on the fourth axis) is constant."""
    channels = np.moveaxis(voxels, -1, 0) if voxels.ndim == 4 else voxels[None]
    finite = (channel[np.isfinite(channel)] for channel in channels)
    return all(one.size and one.min() < one.max() for one in finite)


def content_of(voxels: NDArray[np.generic], kind: Kind) -> str:
    """Canonical voxels as one line of text: a hash, and of a label map the labels above 0 too."""
    if kind == "image":
        return voxel_hash(voxels) if varies(voxels) else ""
    found = np.unique(voxels[np.isfinite(voxels)])
    labels = sorted({int(label) for label in np.round(found) if 0 < label < 256})
    return " ".join([voxel_hash(voxels), *map(str, labels)])


def content_from(images: tuple[str, ...], label: str) -> Content:
    """The content of a case from the lines that ``content_of`` gave of its files; no label is empty text."""
    word, *labels = label.split() or [""]
    return Content(images, word, tuple(int(label) for label in labels if label.isdecimal()))
