"""Where the voxels of a scan lie, and whether two scans lie voxel on voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, get_args

import numpy as np

from bench.data.images.orientations import axis_codes, canonical_affine, orientation
from bench.errors import DataError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

SpacingFrom = Literal["", "pixdim", "sform"]
"""Which voxel size holds where pixdim and sform of a NIfTI header contradict each other; empty: neither."""

CLOSE = 0.01  # of a voxel, at any corner: affines that differ by less say the same place
ALIKE = 1e-3  # relative: voxel sizes that differ by less are said to be equal


def spacing_of(text: str) -> SpacingFrom:
    """The voxel size that holds where headers contradict themselves, from a word.

    Raises:
        UsageError: Neither pixdim nor sform.
    """
    if text not in get_args(SpacingFrom):
        raise unknown("spacing", text, [word for word in get_args(SpacingFrom) if word])
    return cast("SpacingFrom", text)


class Remark(NamedTuple):
    """A remark on a header: an error is refused, a warning said on stderr, a note by `data check`."""

    severity: Literal["error", "warning", "note"]
    check: str  # of `bench data check`
    sentence: str  # begins with the path of the file


class Qform(NamedTuple):
    """The second affine of a NIfTI header, which disagrees with the sform that is taken."""

    affine: NDArray[np.float64]
    code: int
    sform_code: int


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A scan's own voxel grid: enough to lay a label map exactly where the scan lies."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    zooms_mm: tuple[float, float, float] | None = None  # voxel size as the header says it, if it does
    remarks: tuple[Remark, ...] = ()
    qform: Qform | None = None  # where it says another place than the affine
    placed: bool = True  # whether the header says a place at all

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along the scan's own axes, mm.

        The header's own numbers, as other tools take them, unless the affine contradicts them: the columns
        of a turned affine have these lengths only up to the rounding of float32.
        """
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        if self.zooms_mm is not None and np.allclose(self.zooms_mm, sizes, rtol=1e-5, atol=0):
            return self.zooms_mm
        return float(sizes[0]), float(sizes[1]), float(sizes[2])

    @property
    def canonical_spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size in mm along the canonical axes."""
        sizes = dict(zip(self._axes, self.spacing_mm, strict=True))
        return sizes[0], sizes[1], sizes[2]

    @property
    def canonical_shape(self) -> tuple[int, int, int]:
        """Voxels along the canonical axes."""
        sizes = dict(zip(self._axes, self.shape, strict=True))
        return sizes[0], sizes[1], sizes[2]

    @property
    def canonical_affine(self) -> NDArray[np.float64]:
        """The affine of the voxels once they are turned to the canonical axes."""
        return canonical_affine(self.affine, self.shape)

    @property
    def warnings(self) -> list[str]:
        """The sentences that a command says on stderr."""
        return [one.sentence for one in self.remarks if one.severity == "warning"]

    @property
    def _axes(self) -> list[int]:
        return [int(axis) for axis in orientation(self.affine)[:, 0]]


def check_same_grid(one: Grid, other: Grid, path: Path) -> None:
    """Refuse two files that do not lie voxel on voxel once both are turned to the canonical axes.

    Raises:
        DataError: Shapes differ, or affines differ by more than a hundredth of a voxel at any corner; the
            sentence says in what.
    """
    if one.canonical_shape != other.canonical_shape:
        raise DataError(f"{path} has the shape {_shapes(one, other)}.")
    ours, theirs = one.canonical_affine, other.canonical_affine
    if farthest_mm(ours, theirs, one.canonical_shape) > CLOSE * min(one.spacing_mm):
        raise DataError(f"{path} has another affine than its partner: {'; '.join(_differences(one, other))}.")


def farthest_mm(one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, int, int]) -> float:
    """The largest distance in mm between a corner of a scan under two affines, along an axis of the world."""
    corners = np.array(np.meshgrid(*[(0, n) for n in shape], indexing="ij")).reshape(3, -1)
    shift = (one - other) @ np.vstack([corners, np.ones(8)])
    return float(np.abs(shift).max())


def sizes_in_words(sizes: Iterable[float]) -> str:
    """Voxel sizes as ``0.5 x 0.5 x 2 mm``."""
    return " x ".join(f"{size:.4g}" for size in sizes) + " mm"


def _shapes(one: Grid, other: Grid) -> str:
    """The two shapes along axes that can be compared."""
    if np.array_equal(orientation(one.affine), orientation(other.affine)):
        return f"{other.shape}, its partner {one.shape}"
    return f"{other.canonical_shape} once it is turned to RAS, its partner {one.canonical_shape}"


def _differences(one: Grid, other: Grid) -> list[str]:
    """In what two grids of one canonical shape differ: voxel size, direction of the axes, first voxel."""
    ours, theirs = one.canonical_affine, other.canonical_affine
    found = []
    sizes, own = np.asarray(other.canonical_spacing_mm), np.asarray(one.canonical_spacing_mm)
    if not np.allclose(sizes, own, rtol=ALIKE, atol=0):
        found.append(f"its voxels have {sizes_in_words(sizes)}, its partner's {sizes_in_words(own)}")
    cosines = np.sum((ours[:3, :3] / own) * (theirs[:3, :3] / sizes), axis=0)
    degrees = float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())
    if degrees > 0.01:
        found.append(f"its axes are rotated by up to {degrees:.3g} degrees against its partner's")
    shift = theirs[:3, 3] - ours[:3, 3]
    if np.abs(shift).max() > CLOSE * min(one.spacing_mm) or not found:
        codes = axis_codes(other.affine), axis_codes(one.affine)
        along = "" if codes[0] == codes[1] else f" (stored along {codes[0]}, its partner along {codes[1]})"
        away = f"{np.linalg.norm(shift):.4g} mm"
        found.append(f"once turned to RAS{along}, its first voxel lies {away} from its partner's")
    which = [name for name, grid in (("its header", other), ("its partner's", one)) if not grid.placed]
    return found + [f"{name} has neither a qform nor a sform and says no place" for name in which]
