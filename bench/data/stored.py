"""A scan as its file says it is, before any voxel of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.grids import Grid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a checked header says; ``voxels`` reads them, and raises DataError where they are damaged."""

    path: Path
    shape: tuple[int, ...]  # three axes, and the channels last where there are any
    affine: NDArray[np.float64]  # to RAS mm; may be one that cannot be inverted
    zooms_mm: tuple[float, float, float]
    kind: np.dtype[Any]
    voxels: Callable[[], NDArray[Any]]

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        i, j, k = self.shape[:3]
        x, y, z = (abs(size) for size in self.zooms_mm)
        said = (x, y, z) if min(x, y, z) > 0 and np.isfinite([x, y, z]).all() else None
        return Grid((i, j, k), self.affine, said)
