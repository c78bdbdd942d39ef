"""The scanner: a body's signal -> the quantised image that an MR scanner makes of it."""

# C channels, I J K voxel axes; K is the direction across slices.

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid

Array = NDArray[np.float64]

# Where well-filled blood lies on the scanner's scale.
_BLOOD_LEVEL = 700.0


def scan(signal_ijk: Array, grid: Grid, rng: np.random.Generator) -> NDArray[np.int16]:
    """Image a body: coil shading, blur, a faint ghost and Rician noise.

    Args:
        signal_ijk: Relative to blood, shape (I, J, K).
        grid: Where it was evaluated.
        rng: Draws shading, ghost and noise.

    Returns:
        Intensities from 0 to 4095, shape (1, I, J, K).
    """
    from scipy.ndimage import gaussian_filter1d

    bias_ijk = np.exp(0.11 * smooth(rng, grid.shape, grid.extent_mm, 90.0))
    gain = _BLOOD_LEVEL * rng.uniform(0.85, 1.15)
    image_ijk = gain * bias_ijk * np.clip(signal_ijk, 0.0, None)
    for axis, sigma in ((0, 0.35), (1, 0.35), (2, 0.6)):
        image_ijk = gaussian_filter1d(image_ijk, sigma, axis=axis)
    # Breathing leaves a shifted copy along the phase-encoding direction.
    image_ijk += rng.uniform(0.0, 0.035) * np.roll(image_ijk, grid.shape[1] // 2, axis=1)
    sd = gain / rng.uniform(14, 20)
    real_ijk = image_ijk + sd * rng.standard_normal(grid.shape)
    imaginary_ijk = sd * rng.standard_normal(grid.shape)
    noisy_ijk = np.sqrt(real_ijk**2 + imaginary_ijk**2)
    return np.clip(np.rint(noisy_ijk), 0, 4095).astype(np.int16)[None]
