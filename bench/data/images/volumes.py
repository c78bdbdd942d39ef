"""One scan on disk <-> arrays: canonical orientation (RAS+) inside, the scan's own outside.

``bench.data.images.nifti`` and ``bench.data.images.metaimage`` know the formats.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.data.content import content_of
from bench.data.images.grids import Grid, SpacingFrom, check_same_grid
from bench.data.images.metaimage import is_metaimage, metaimage_files, open_metaimage
from bench.data.images.nifti import nifti_files, open_nifti, write_nifti, write_on
from bench.data.images.orientations import K, from_canonical, orientation, to_canonical
from bench.data.images.resampling import Number, resampled_map, zoomed_image
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.content import Kind
    from bench.data.images.stored import Stored

MAX_MM = 1e25  # of an entry of an affine: what is beyond float32 once multiplied is no place


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image in canonical orientation, as a network is shown it: zoomed where the data set says so.

    Label maps lie on the scan everywhere but at a network: ``on_image`` and ``on_scan`` go there and back.
    """

    image_cijk: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]  # of the scan, not of the zoomed image
    own: Grid
    mask_ijk: NDArray[np.bool_] | None = None  # the voxels that the image is normalised by

    def on_image(self, label_ijk: NDArray[Number]) -> NDArray[Number]:
        """A label map of the scan where the image lies."""
        return resampled_map(label_ijk, self.image_cijk.shape[1:])

    def on_scan(self, label_ijk: NDArray[Number]) -> NDArray[Number]:
        """A label map, or one of weights, of the image where the scan lies."""
        return resampled_map(label_ijk, canonical_shape(self.own))


def open_stored(path: Path, spacing_from: SpacingFrom = "") -> Stored:
    """A scan of either format as its header says it is; nothing is allocated for its voxels yet.

    Raises:
        DataError: The file is missing, no image, or promises what cannot be.
    """
    return open_metaimage(path) if is_metaimage(path) else open_nifti(path, spacing_from)


def files_of(path: Path) -> tuple[Path, ...]:
    """All files that an image lies in: header and voxels may be apart.

    Raises:
        DataError: One of them is missing, or the header does not say where the voxels are.
    """
    return metaimage_files(path) if is_metaimage(path) else nifti_files(path)


def why_singular(affine: NDArray[np.float64]) -> str:
    """What is wrong with an affine that cannot be inverted; nothing where it can."""
    if not np.isfinite(affine).all():
        return "holds NaN or infinite numbers"
    if not np.abs(affine).max() < MAX_MM or not abs(np.linalg.det(affine[:3, :3])) >= 1e-12:
        return "cannot be inverted"
    return "cannot be inverted" if np.isnan(orientation(affine)).any() else ""


def _load(path: Path, spacing_from: SpacingFrom = "") -> Stored:
    stored = open_stored(path, spacing_from)
    if why := why_singular(stored.affine):
        raise DataError(f"{path} has an affine that {why}.")
    for remark in stored.grid.remarks:
        if remark.severity == "error":
            raise DataError(remark.sentence)
    return stored


def _canonical(array: NDArray[K], grid: Grid) -> NDArray[K]:
    return to_canonical(array, grid.affine)


def canonical_spacing_mm(grid: Grid) -> tuple[float, float, float]:
    """Voxel size in mm along the canonical axes of the arrays that are read here."""
    return grid.canonical_spacing_mm


def canonical_shape(grid: Grid) -> tuple[int, int, int]:
    """Voxels along the canonical axes of the arrays that are read here."""
    return grid.canonical_shape


def read_grid(path: Path, *, spacing_from: SpacingFrom = "") -> Grid:
    """Shape, affine and voxel size from the header alone."""
    return _load(path, spacing_from).grid


def _float32(voxels: NDArray[np.number], path: Path) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        made = voxels.astype(np.float32)
    if not np.isfinite(made).all():
        raise DataError(f"{path} holds intensities that float32 cannot.")
    return made


def read_image(
    paths: Sequence[Path],
    mask: Path | None = None,
    zoom: tuple[float, float, float] = (1, 1, 1),
    *,
    spacing_from: SpacingFrom = "",
) -> Volume:
    """Read one image: one file (channels on a fourth axis) or one file a channel.

    Args:
        paths: The files.
        mask: Of the voxels that the image is normalised by, if there is one.
        zoom: More voxels along the canonical axes I, J, K by this factor.
        spacing_from: Which voxel size holds where pixdim and sform of a header contradict each other.

    Returns:
        Float32 (C, I, J, K) in canonical orientation.

    Raises:
        DataError: A file is missing, damaged, holds NaN, is constant, or lies on another grid.
    """
    channels: list[NDArray[np.float32]] = []
    own: Grid | None = None
    for path in paths:
        stored = _load(path, spacing_from)
        grid = stored.grid
        own = own or grid
        check_same_grid(own, grid, path)
        voxels = stored.voxels()
        for channel in np.moveaxis(voxels, -1, 0) if voxels.ndim == 4 else [voxels]:
            if not np.isfinite(channel).all():
                raise DataError(f"{path} holds NaN or infinite intensities.")
            if channel.min() == channel.max():
                raise DataError(f"{path} is constant ({channel.flat[0]}): there is nothing to see in it.")
            channels.append(_float32(_canonical(channel, grid), path))
    if own is None:
        raise DataError("an image needs at least one file.")
    image_cijk = zoomed_image(np.ascontiguousarray(np.stack(channels)), zoom)
    inside_ijk = None
    if mask is not None:
        inside_ijk = resampled_map(_read_mask(mask, own, spacing_from), image_cijk.shape[1:]) > 0
    return Volume(image_cijk, canonical_spacing_mm(own), own, inside_ijk)


def _read_mask(path: Path, own: Grid, spacing_from: SpacingFrom) -> NDArray[np.uint8]:
    """1 where the mask is above 0: scaled storage makes 0.99999997 of a 1."""
    voxels, stored = _one_number_a_voxel(path, spacing_from)
    grid = stored.grid
    check_same_grid(own, grid, path)
    mask_ijk = np.ascontiguousarray(_canonical((voxels > 0).astype(np.uint8), grid))
    if not mask_ijk.any():
        raise DataError(f"{path} is an empty mask: no voxel in it is above 0.")
    return mask_ijk


def _one_number_a_voxel(path: Path, spacing_from: SpacingFrom) -> tuple[NDArray[np.number], Stored]:
    """Voxels as stored, on three axes, and what the header says."""
    stored = _load(path, spacing_from)
    if len(stored.shape) != 3 and stored.shape[3] != 1:
        raise DataError(f"{path} has the shape {stored.shape}; a label map or mask has three axes.")
    voxels = stored.voxels()
    return (voxels[..., 0] if voxels.ndim == 4 else voxels), stored


def read_label(
    path: Path, *, classes: int | None = None, spacing_from: SpacingFrom = ""
) -> tuple[NDArray[np.uint8], Grid]:
    """Read a label map, canonical orientation (I, J, K), with its own grid.

    A number that stands for an integer (``Stored.settled``) is that label.

    Raises:
        DataError: Not three axes, not integers, or labels outside 0..``classes`` - 1.
    """
    voxels, stored = _one_number_a_voxel(path, spacing_from)
    voxels = stored.settled(voxels)
    found = np.unique(voxels)
    top = 255 if classes is None else classes - 1
    if not np.isfinite(found).all():
        count = int(voxels.size - np.isfinite(voxels).sum())
        raise DataError(f"{path} holds NaN or infinity in {count} voxels; expected the labels 0..{top}.")
    if (odd := found[found != np.round(found)]).size:
        raise DataError(f"{path} holds labels that are not integers, such as {odd[0]:g}; expected 0..{top}.")
    if found.min() < 0 or found.max() > top:
        bad = found[(found < 0) | (found > top)][0]
        raise DataError(f"{path} holds the label {int(bad)}; expected 0..{top}.")
    grid = stored.grid
    return np.ascontiguousarray(_canonical(voxels.astype(np.uint8), grid)), grid


def write_label(label_ijk: NDArray[np.uint8], own: Grid, path: Path) -> None:
    """Write a canonical label map (I, J, K) on the scan's own grid, with the voxel size of its header."""
    write_on(own, from_canonical(label_ijk, own.affine), path, np.uint8)


def write_weights(weight_ijk: NDArray[np.float32], own: Grid, path: Path) -> None:
    """Write a canonical map (I, J, K) of numbers in [0, 1] on the scan's own grid, to about 1/255."""
    write_on(own, from_canonical(weight_ijk, own.affine), path, np.uint8)


def read_weights(path: Path) -> NDArray[np.float32]:
    """The canonical map (I, J, K) that ``write_weights`` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    stored = _load(path)
    return np.ascontiguousarray(_canonical(_float32(stored.voxels(), path), stored.grid))


def write_scan(voxels: NDArray[np.number], affine: NDArray[np.float64], path: Path) -> None:
    """Write voxels that already lie on the grid of ``affine``."""
    write_nifti(voxels, affine, path)


def fingerprint(path: Path, spacing_from: SpacingFrom = "") -> str:
    """A hash of voxels as stored and affine in mm; the same however the file was compressed."""
    stored = _load(path, spacing_from)
    return _fingerprint(stored.voxels(), stored.affine)


def fingerprint_and_content(path: Path, kind: Kind, spacing_from: SpacingFrom = "") -> tuple[str, str]:
    """The fingerprint, and what the file holds as ``content_of`` says it of canonical voxels."""
    stored = _load(path, spacing_from)
    voxels = stored.voxels()
    numbers = stored.settled(voxels) if kind == "label" else voxels
    return _fingerprint(voxels, stored.affine), content_of(to_canonical(numbers, stored.affine), kind)


def _fingerprint(voxels: NDArray[np.number], affine: NDArray[np.float64]) -> str:
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{little.shape}{little.dtype.str}".encode())
    digest.update(np.round(np.asarray(affine, np.float64), 4).astype("<f8").tobytes())
    digest.update(np.ascontiguousarray(little).tobytes())
    return digest.hexdigest()[:24]
