"""Smooth random fields that are the same function of place whatever the number of voxels."""

# I J K voxel axes, N voxels and L knots along one axis, A the three directions of the body.

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The mean over an interval of the sum of the squared cubic B-spline weights.
_WEIGHT_POWER = 151 / 315


def smooth(
    rng: np.random.Generator, shape: Sequence[int], extent_mm: Sequence[float], knot_mm: float
) -> Array:
    """Draw a field of mean 0 and standard deviation about 1 that varies over `knot_mm`.

    Args:
        rng: Where the knots' values come from; their number depends on `extent_mm` alone.
        shape: Voxels along each axis.
        extent_mm: Length of each axis.
        knot_mm: Distance of the cubic B-spline's knots.

    Returns:
        The field at the voxel centres, shape (I, J, K).
    """
    num_intervals = [max(1, int(np.ceil(length / knot_mm))) for length in extent_mm]
    field: Array = rng.standard_normal([num + 3 for num in num_intervals])
    field /= _WEIGHT_POWER**1.5
    for num_voxels, num in zip(shape, num_intervals, strict=True):
        # Each pass contracts the first axis and appends it as the last: three passes restore the order.
        field = np.tensordot(field, _basis(num_voxels, num), axes=([0], [1]))
    return field


def displacement(
    rng: np.random.Generator, shape: Sequence[int], extent_mm: Sequence[float], sd_mm: float
) -> Array:
    """Draw a smooth deformation, coarse plus a little fine, shape (3, I, J, K), in mm."""
    return np.stack(
        [
            sd_mm * smooth(rng, shape, extent_mm, 48.0) + 0.3 * sd_mm * smooth(rng, shape, extent_mm, 20.0)
            for _ in range(3)
        ]
    )


def _basis(num_voxels: int, num_intervals: int) -> Array:
    """Cubic B-spline weights of the voxel centres of one axis, shape (N, L)."""
    at = (np.arange(num_voxels) + 0.5) / num_voxels * num_intervals
    first = np.minimum(at.astype(int), num_intervals - 1)
    t = at - first
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    basis_nl = np.zeros((num_voxels, num_intervals + 3))
    for offset, weight in enumerate(weights):
        basis_nl[np.arange(num_voxels), first + offset] = weight / 6
    return basis_nl
