"""Structures about the heart that look like blood or muscle: effusions, large organs."""

# I J K voxel axes, A the body's directions.

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.chambers import Chambers
from bench.data.phantom.contrast import Contrast, paint
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import ellipsoid_in

Array = NDArray[np.float64]


def lookalikes_on(
    signal_ijk: Array,
    grid: Grid,
    body: Chambers,
    contrast: Contrast,
    has: Mapping[str, str],
    rng: np.random.Generator,
) -> None:
    """Lay effusions and organs over a chest's signal, in place, before the heart is laid."""
    width, field = grid.voxel_mm, partial(smooth, rng, grid.shape, grid.extent_mm)
    side = float(rng.choice([-1.0, 1.0]))
    if has["abdomen"] == "large_liver":
        _organ(
            signal_ijk, grid, (8.0, 8.0, -84.0), (88.0, 66.0, 42.0), contrast.liver * (1 + 0.06 * field(8.0))
        )
    if has["abdomen"] == "large_spleen":
        value = contrast.blood * rng.uniform(0.65, 0.8) * (1 + 0.05 * field(7.0))
        _organ(signal_ijk, grid, (-64.0, -34.0, -72.0), (26.0, 30.0, 32.0), value)
    if has["effusion"] == "pleural":
        x, y, z = grid.place_aijk
        bright = contrast.blood * rng.uniform(1.2, 1.4)
        level_ijk = np.maximum(y + rng.uniform(42, 50) + 0.25 * z, 26 - side * x) + 3 * field(16.0)
        paint(signal_ijk, level_ijk, bright, width)
    if has["effusion"] == "pericardial":
        thick_ijk = rng.uniform(2.5, 5) + 2 * field(24.0)
        bright = contrast.blood * rng.uniform(1.2, 1.4)
        paint(signal_ijk, body.muscle - np.clip(thick_ijk, 0, None) - 4, bright, width)


def _organ(
    signal_ijk: Array,
    grid: Grid,
    centre: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
    value_ijk: Array,
) -> None:
    distance_ijk = ellipsoid_in(grid.place_aijk, np.array(centre), np.eye(3), radii_mm)
    paint(signal_ijk, distance_ijk, value_ijk, grid.voxel_mm)
