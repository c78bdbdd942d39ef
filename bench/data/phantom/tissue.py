"""Tissue: the heart's shapes -> the signal that they give, and that of the fat about them."""

# I J K voxel axes.

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.chambers import Chambers
from bench.data.phantom.contrast import Contrast, paint
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid

Array = NDArray[np.float64]


def heart_on(
    signal_ijk: Array,
    grid: Grid,
    body: Chambers,
    contrast: Contrast,
    rng: np.random.Generator,
    *,
    filling: Sequence[float] = (1.0,) * 7,
) -> Array:
    """Lay the heart, and the fat about it, over a chest's signal.

    Args:
        signal_ijk: The chest, relative to blood, shape (I, J, K); not changed.
        grid: Where it was evaluated.
        body: The heart's signed distances.
        contrast: The tissues' brightness.
        rng: Draws fat, inflow and trabeculae.
        filling: How bright the blood of each of the body's pools is, relative to well-filled blood.

    Returns:
        Signal relative to blood, shape (I, J, K).
    """
    signal_ijk, width = signal_ijk.copy(), grid.voxel_mm
    fine_ijk = smooth(rng, grid.shape, grid.extent_mm, 5.0)
    fat_mm = np.clip(3.0 + 3.0 * smooth(rng, grid.shape, grid.extent_mm, 18.0), 0, 8)
    covered_ijk = np.minimum(body.muscle - fat_mm, body.blood - 0.3 * fat_mm - 1)
    # The pericardium shows as a dark line around the fat.
    paint(signal_ijk, covered_ijk - 1.2, 0.5 * contrast.muscle, width)
    paint(signal_ijk, covered_ijk, contrast.fat * (1 + 0.1 * fine_ijk), width)
    paint(signal_ijk, body.blood - 1.2, 0.75 * contrast.myocardium, width)
    paint(signal_ijk, body.muscle, contrast.myocardium * (1 + 0.05 * fine_ijk), width)
    inflow_ijk = _inflow(grid, body, rng, filling)
    paint(signal_ijk, body.blood, contrast.blood * inflow_ijk, width)
    paint(signal_ijk, body.distal, contrast.blood * 0.95, width)

    # Trabeculae: muscle strands in the outermost millimetres of the ventricles' blood.
    ventricles_ijk = np.minimum(body.pools[0], body.pools[1])
    strands_ijk = np.maximum(np.maximum(ventricles_ijk, -4 - body.blood), 2.5 * (0.9 - fine_ijk))
    paint(signal_ijk, strands_ijk, 1.3 * contrast.myocardium, 2 * width)
    paint(signal_ijk, body.leaflets, 1.1 * contrast.myocardium, width)
    paint(signal_ijk, body.papillary, 1.05 * contrast.myocardium, width)
    return signal_ijk


def _inflow(grid: Grid, body: Chambers, rng: np.random.Generator, filling: Sequence[float]) -> Array:
    """Blood's brightness: each pool its own, and slow shading within."""
    inflow_ijk = np.ones(grid.shape)
    nearest_ijk = np.full(grid.shape, 0.0)
    for pool_ijk, filled in zip(body.pools, filling, strict=True):
        np.copyto(inflow_ijk, filled * (1 + 0.05 * rng.standard_normal()), where=pool_ijk < nearest_ijk)
        np.minimum(nearest_ijk, pool_ijk, out=nearest_ijk)
    return inflow_ijk + 0.06 * smooth(rng, grid.shape, grid.extent_mm, 22.0)
