"""Where the voxels of a scan lie, and whether two scans lie voxel on voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A scan's own voxel grid: enough to lay a label map exactly where the scan lies."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    zooms_mm: tuple[float, float, float] | None = None  # voxel size as the header says it, if it does

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


def check_same_grid(one: Grid, other: Grid, path: Path) -> None:
    """Refuse two files that should lie voxel on voxel and do not.

    Raises:
        DataError: Shapes differ, or affines differ by more than a hundredth of a voxel at any corner.
    """
    if one.shape != other.shape:
        raise DataError(f"{path} has the shape {other.shape}, its partner {one.shape}.")
    corners = np.array(np.meshgrid(*[(0, n) for n in one.shape], indexing="ij")).reshape(3, -1)
    shift = (one.affine - other.affine) @ np.vstack([corners, np.ones(8)])
    if np.abs(shift).max() > 0.01 * min(one.spacing_mm):
        raise DataError(f"{path} has another affine than its partner: they do not lie on the same place.")
