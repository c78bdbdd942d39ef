"""Signed distances to simple bodies, negative inside, in mm."""

# I J K voxel axes, A the body's directions, N points of a centreline.

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.grid import Box, Grid

Array = NDArray[np.float64]

# The distance given to voxels too far away for the exact one to matter.
FAR_MM = 1e3


def ellipsoid_in(place_aijk: Array, centre_a: Array, frame: Array, radii_mm: Sequence[float]) -> Array:
    """Signed distance, first order, to an ellipsoid with its axes in the columns of `frame`."""
    unit_aijk = np.tensordot(frame.T / np.asarray(radii_mm)[:, None], place_aijk, axes=1)
    unit_aijk -= (frame.T @ centre_a / radii_mm)[:, None, None, None]
    squared_aijk = unit_aijk * unit_aijk
    length_ijk = np.sqrt(squared_aijk.sum(axis=0))
    slope_ijk = np.sqrt(np.tensordot(1 / np.square(radii_mm), squared_aijk, axes=1)) + 1e-9
    distance: Array = length_ijk * (length_ijk - 1) / slope_ijk
    return distance


def ellipsoid(
    grid: Grid, centre_a: Array, frame: Array, radii_mm: Sequence[float], reach_mm: float = 14
) -> Array:
    """Signed distance to an ellipsoid on the whole grid, exact only within `reach_mm` of it."""
    distance_ijk = np.full(grid.shape, FAR_MM)
    # Along the voxels' axes, whichever way the view is turned, a tilted ellipsoid reaches to its rows' norms.
    to_index = grid.to_index[:, :3]
    reach_ijk = np.sqrt(np.square(to_index @ (frame * np.asarray(radii_mm))).sum(axis=1))
    half_a = np.linalg.solve(to_index, reach_ijk)
    box = grid.around(np.stack([centre_a - half_a, centre_a + half_a]), reach_mm + 4)
    distance_ijk[box] = ellipsoid_in(grid.place(box), centre_a, frame, radii_mm)
    return distance_ijk


def segment_in(place_aijk: Array, ends_na: Array, radii_mm: Sequence[float]) -> Array:
    """Signed distance to a rounded cone between two points."""
    along_a = ends_na[1] - ends_na[0]
    offset_aijk = place_aijk - ends_na[0][:, None, None, None]
    share_ijk = np.clip(np.tensordot(along_a / (along_a @ along_a), offset_aijk, axes=1), 0, 1)
    offset_aijk -= along_a[:, None, None, None] * share_ijk
    np.square(offset_aijk, out=offset_aijk)
    distance: Array = np.sqrt(offset_aijk.sum(axis=0)) - radii_mm[0] - (radii_mm[1] - radii_mm[0]) * share_ijk
    return distance


def segments(grid: Grid, points_na: Array, radii_n: Array, reach_mm: float) -> list[tuple[Box, Array]]:
    """The pieces of a tube, each as a box of the grid and the signed distance in it."""
    pieces = []
    for n in range(len(points_na) - 1):
        box = grid.around(points_na[n : n + 2], float(radii_n[n : n + 2].max()) + reach_mm)
        if all(side.stop > side.start for side in box):
            distance_ijk = segment_in(grid.place(box), points_na[n : n + 2], radii_n[n : n + 2].tolist())
            pieces.append((box, distance_ijk))
    return pieces


def tube(grid: Grid, points_na: Array, radii_n: Array, reach_mm: float = 12) -> Array:
    """Signed distance to a tube on the whole grid, exact only within `reach_mm` of it."""
    distance_ijk = np.full(grid.shape, FAR_MM)
    for box, piece_ijk in segments(grid, points_na, radii_n, reach_mm):
        np.minimum(distance_ijk[box], piece_ijk, out=distance_ijk[box])
    return distance_ijk


def curve(points_na: Array, radii_n: Sequence[float], per_span: int = 2) -> tuple[Array, Array]:
    """Round a centreline's corners: a Catmull-Rom spline through it, and radii to match."""
    padded = np.vstack([2 * points_na[0] - points_na[1], points_na, 2 * points_na[-1] - points_na[-2]])
    t = (np.arange(per_span) + 1.0)[:, None] / per_span
    fine = [points_na[:1]]
    for n in range(len(points_na) - 1):
        a, b, c, d = padded[n : n + 4]
        fine.append(
            b + ((c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        )
    fine_na = np.vstack(fine)
    at = np.linspace(0, len(points_na) - 1, len(fine_na))
    return fine_na, np.interp(at, np.arange(len(points_na)), radii_n)


def rounded_max(one_ijk: Array, other_ijk: Array, round_mm: float) -> Array:
    """The intersection of two bodies, its edge rounded over `round_mm`."""
    near_ijk = np.clip(round_mm - np.abs(one_ijk - other_ijk), 0, None)
    rounded: Array = np.maximum(one_ijk, other_ijk) + np.square(near_ijk) / (4 * round_mm)
    return rounded
