"""A data set looked at whole: what each of its files holds, or why it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.data.content import voxel_hash
from bench.data.images.orientations import to_canonical
from bench.data.images.volumes import open_stored, why_singular
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.images.grids import Grid, SpacingFrom
    from bench.data.sources.listing import Files, Listing

Kind = Literal["image", "label", "mask"]
Role = Literal["train", "test", "unlabelled"]
MOST_VALUES = 300  # different numbers of a label map that are counted one by one


@dataclass(frozen=True, slots=True, eq=False)
class FileFacts:
    """What one file holds; where it cannot be read, ``trouble`` says why, and what was not found is empty."""

    path: Path
    kind: Kind
    trouble: str = ""
    shape: tuple[int, ...] = ()
    grid: Grid | None = None
    singular: str = ""  # what is wrong with an affine that cannot be inverted
    voxels: str = ""  # a hash of the canonical voxels, whatever place the affine gives them
    ranges: tuple[tuple[float, float], ...] = ()  # lowest and highest number of each channel
    num_not_finite: int = 0
    counts: Mapping[float, int] = field(default_factory=dict)  # of a label map: number -> voxels


@dataclass(frozen=True, slots=True, eq=False)
class CaseFacts:
    """The files of one case."""

    name: str
    role: Role
    images: tuple[FileFacts, ...]
    label: FileFacts | None
    mask: FileFacts | None

    def __iter__(self) -> Iterator[FileFacts]:
        """All files that the case should have."""
        yield from self.images
        yield from (one for one in (self.label, self.mask) if one is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A listing and the facts of all its cases."""

    listing: Listing
    complaints: tuple[str, ...]  # what the listing itself contradicts
    cases: tuple[CaseFacts, ...]


def survey(listing: Listing, complaints: list[str]) -> Survey:
    """Read every file of every case, one at a time."""
    cases = [
        _case(name, files, _role(name, listing))
        for name, files in {**listing.cases, **listing.unlabelled}.items()
    ]
    return Survey(listing, tuple(complaints), tuple(sorted(cases, key=lambda case: case.name)))


def _role(name: str, listing: Listing) -> Role:
    if name in listing.unlabelled:
        return "unlabelled"
    return "test" if name in listing.test else "train"


def _case(name: str, files: Files, role: Role) -> CaseFacts:
    held = files.spacing_from
    images = tuple(_facts(path, "image", held) for path in files.images)
    label = None if files.label is None else _facts(files.label, "label", held)
    mask = None if files.mask is None else _facts(files.mask, "mask", held)
    return CaseFacts(name, role, images, label, mask)


def _facts(path: Path, kind: Kind, spacing_from: SpacingFrom) -> FileFacts:
    try:
        stored = open_stored(path, spacing_from)
    except DataError as error:
        return FileFacts(path, kind, trouble=str(error))
    singular = why_singular(stored.affine)
    found = FileFacts(path, kind, shape=stored.shape, grid=stored.grid, singular=singular)
    try:
        voxels = stored.voxels()
    except DataError as error:
        return replace(found, trouble=str(error))
    if kind == "label":
        voxels = stored.settled(voxels)
    return _with_voxels(found, voxels if singular else to_canonical(voxels, stored.affine))


def _with_voxels(found: FileFacts, voxels: NDArray[np.generic]) -> FileFacts:
    channels = np.moveaxis(voxels, -1, 0) if voxels.ndim == 4 else voxels[None]
    finite = [channel[np.isfinite(channel)] for channel in channels]
    return replace(
        found,
        voxels=voxel_hash(voxels),
        ranges=tuple((float(one.min()), float(one.max())) for one in finite if one.size),
        num_not_finite=sum(channel.size - one.size for channel, one in zip(channels, finite, strict=True)),
        counts=_counted(voxels) if found.kind == "label" else {},
    )


def _counted(voxels: NDArray[np.generic]) -> dict[float, int]:
    values, counts = np.unique(voxels[np.isfinite(voxels)], return_counts=True)
    return {float(value): int(count) for value, count in zip(values[:MOST_VALUES], counts, strict=False)}
