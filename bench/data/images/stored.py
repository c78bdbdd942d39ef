"""A scan as its file says it is, before any voxel of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.data.images.grids import Grid, Qform, Remark, sizes_in_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SIZES_MM = (0.01, 50.0)  # of a voxel: what lies outside is odd for a scan of a body
SHEARED = 0.002  # cosine between two axes that should be perpendicular: a tenth of a degree
ROUNDING = 2.0**-17  # of a number that went through float32 a few times, relative: 64 times its precision
COARSE = 0.5  # slope from which on every number would lie within half a step of an integer


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a header says that the voxels lie, in mm."""

    affine: NDArray[np.float64]  # to RAS mm; may be one that cannot be inverted
    zooms_mm: tuple[float, float, float]
    remarks: tuple[Remark, ...] = ()
    qform: Qform | None = None
    placed: bool = True
    unit: str = "mm"  # of the lengths in the header; unknown where it says none


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a checked header says; ``voxels`` reads them, and raises DataError where they are damaged."""

    path: Path
    shape: tuple[int, ...]  # three axes, and the channels last where there are any
    place: Place
    kind: np.dtype[np.generic]
    voxels: Callable[[], NDArray[np.number]]
    slope: float = 1.0  # that integers on disk are multiplied by

    @property
    def affine(self) -> NDArray[np.float64]:
        """To RAS mm; may be one that cannot be inverted."""
        return self.place.affine

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        i, j, k = self.shape[:3]
        x, y, z = (abs(size) for size in self.place.zooms_mm)
        said = (x, y, z) if min(x, y, z) > 0 and np.isfinite([x, y, z]).all() else None
        remarks = (*self.place.remarks, *_of_affine(self.path, self.place))
        return Grid((i, j, k), self.affine, said, remarks, self.place.qform, self.place.placed)

    def settled(self, values: NDArray[np.number]) -> NDArray[np.number]:
        """The numbers of a label map, with those that stand for an integer made that integer.

        Within rounding of float32 (0.99999994) every number stands for the nearest integer. Integers that
        are stored scaled by a slope can be no nearer to a label than half a slope: nibabel stores the labels
        0, 1, 2 of a float array as 0, 127, 255 of a uint8 with the slope 2/255, so a 1 comes back as
        0.99607843. Such a number stands for a label where no other stored number lies nearer to it, as long
        as steps are small (slope below 0.5); all other numbers stay as they are.
        """
        if values.dtype.kind in "biu":
            return values
        step = abs(self.slope)
        half = step / 2 if self.kind.kind in "iu" and step < COARSE else 0.0
        with np.errstate(all="ignore"):
            nearest = np.round(values)
            within = half + ROUNDING * np.maximum(1.0, np.abs(nearest))
            return np.asarray(np.where(np.abs(values - nearest) <= within, nearest, values))


def _of_affine(path: Path, place: Place) -> list[Remark]:
    """Odd voxel sizes, and axes that are not perpendicular; nothing where there is no place."""
    affine = place.affine
    with np.errstate(all="ignore"):
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        if not np.isfinite(sizes).all() or not sizes.min() > 0:
            return []
        columns = affine[:3, :3] / sizes
        cosine = float(np.abs(np.triu(columns.T @ columns, 1)).max())
    found = []
    if sizes.min() < SIZES_MM[0] or sizes.max() > SIZES_MM[1]:
        assumed = "" if place.unit == "mm" else f" (its header says lengths in {place.unit})"
        if place.unit == "unknown":
            assumed = " (its header says no unit, so mm is assumed)"
        what = f"has voxels of {sizes_in_words(sizes)}{assumed}; expected {SIZES_MM[0]} to {SIZES_MM[1]:g} mm"
        found.append(Remark("warning", "spacing", f"{path} {what}."))
    if cosine > SHEARED:
        degrees = np.degrees(np.arccos(min(cosine, 1.0)))
        what = f"has two axes at {degrees:.1f} degrees to each other; distances in mm are taken as if at 90"
        found.append(Remark("warning", "affine", f"{path} {what}."))
    return found
