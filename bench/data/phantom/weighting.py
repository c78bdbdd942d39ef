"""Weighting: how bright FLAIR, T1, T1 with contrast agent and T2 show each tissue, laid over one another."""

# C channels (FLAIR, T1, T1c, T2), I J K voxel axes.

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.brain import Brain
from bench.data.phantom.contrast import paint
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Box, Grid
from bench.data.phantom.lesion import Tissues

Array = NDArray[np.float64]

CHANNELS = ("Flair", "T1", "T1c", "T2")

# Relative to white matter in T1. Each row is FLAIR, T1, T1c, T2.
_WHITE = (0.70, 1.00, 1.00, 0.70)
_GREY = (0.84, 0.74, 0.76, 0.98)
_DEEP = (0.80, 0.84, 0.86, 0.86)
_FLUID = (0.18, 0.32, 0.32, 1.80)
_FALX = (0.60, 0.60, 1.30, 0.60)
_VESSEL = (0.40, 0.55, 1.80, 0.40)
_CHOROID = (0.75, 0.60, 1.60, 1.10)
_SPOT = (1.18, 0.80, 0.80, 1.20)
_OEDEMA = (1.28, 0.76, 0.78, 1.20)
_ENHANCING = (1.15, 0.68, 2.10, 1.20)
_DULL = (1.06, 0.44, 0.48, 1.70)
_NECROSIS = (0.46, 0.26, 0.28, 2.10)


def weighted(grid: Grid, body: Brain, tumour: Tissues, rng: np.random.Generator) -> Array:
    """The signal of one patient's head.

    Args:
        grid: Where to evaluate it.
        body: The brain's signed distances.
        tumour: The tumour's.
        rng: Draws this patient's contrast and texture.

    Returns:
        Signal relative to white matter in T1, shape (C, I, J, K).
    """
    width = grid.voxel_mm
    signal_cijk = np.empty((len(CHANNELS), *grid.shape))
    signal_cijk[:] = _drawn(rng, _WHITE, 0.02)
    for distance_ijk, row, vary in (
        (body.deep, _DEEP, 0.03),
        (body.spots, _SPOT, 0.06),
        (body.cortex, _GREY, 0.02),
        (body.hind, _GREY, 0.02),
        (body.hind_core, _WHITE, 0.02),
        (body.fluid, _FLUID, 0.06),
        (body.ventricles, _FLUID, 0.06),
        (body.choroid, _CHOROID, 0.1),
        (body.falx, _FALX, 0.1),
        (body.vessels, _VESSEL, 0.1),
    ):
        box = _around(distance_ijk, width)
        paint(signal_cijk[:, *box], distance_ijk[box], _drawn(rng, row, vary), width)
    _lay_tumour(signal_cijk, grid, tumour, rng)
    signal_cijk *= 1 + 0.03 * smooth(rng, grid.shape, grid.extent_mm, 5.0)
    return signal_cijk


def _lay_tumour(signal_cijk: Array, grid: Grid, tumour: Tissues, rng: np.random.Generator) -> None:
    """Lay the tumour; the edge of its oedema is the softest, and no tissue of it is even."""
    for distance_ijk, row, vary, uneven, soft_mm in (
        (tumour.oedema, _OEDEMA, 0.05, 0.05, 3.0),
        (tumour.enhancing, _ENHANCING, 0.08, 0.10, 1.0),
        (tumour.dull, _DULL, 0.05, 0.05, 1.0),
        (tumour.necrosis, _NECROSIS, 0.10, 0.08, 1.0),
    ):
        texture_ijk = 1 + uneven * smooth(rng, grid.shape, grid.extent_mm, 6.0)
        width = float(np.hypot(grid.voxel_mm, soft_mm))
        box = _around(distance_ijk, width)
        value_cijk = _drawn(rng, row, vary) * texture_ijk[box]
        paint(signal_cijk[:, *box], distance_ijk[box], value_cijk, width)


def _around(distance_ijk: Array, width_mm: float) -> Box:
    """The smallest box that holds all that a tissue fills, and none where it fills nothing."""
    from scipy.ndimage import find_objects

    found = find_objects((distance_ijk < width_mm / 2).astype(np.uint8))
    i, j, k = found[0] if found else (slice(0),) * 3
    return i, j, k


def _drawn(rng: np.random.Generator, row: tuple[float, ...], vary: float) -> Array:
    """One patient's brightness of a tissue, shape (C, 1, 1, 1)."""
    drawn: Array = np.array(row) * np.exp(vary * rng.standard_normal(len(row)))
    return drawn[:, None, None, None]
