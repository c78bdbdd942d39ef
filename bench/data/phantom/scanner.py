"""The scanner: a body's signal -> the quantised image that an MR scanner makes of it."""

# C channels, I J K voxel axes; K is the direction across slices.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid

Array = NDArray[np.float64]

# Where well-filled blood lies on the scanner's scale.
_BLOOD_LEVEL = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """How good a scan is.

    Attributes:
        shading: Standard deviation of the coil's slow shading, as the logarithm of its gain.
        slope: Of the logarithm of the gain, from one end of each axis to the other.
        blur: Standard deviation along each axis, in voxels.
        ghost: The strongest ghost, relative to the image.
        snr: The lowest and the highest ratio of well-filled blood to the noise's standard deviation.
    """

    shading: float = 0.11
    slope: tuple[float, float, float] = (0.0, 0.0, 0.0)
    blur: tuple[float, float, float] = (0.35, 0.35, 0.6)
    ghost: float = 0.035
    snr: tuple[float, float] = (14.0, 20.0)


GOOD = Scanner()


def scan(
    signal_ijk: Array, grid: Grid, rng: np.random.Generator, scanner: Scanner = GOOD
) -> NDArray[np.int16]:
    """Image a body: coil shading, blur, a faint ghost and Rician noise.

    Args:
        signal_ijk: Relative to blood, shape (I, J, K).
        grid: Where it was evaluated.
        rng: Draws shading, ghost and noise.
        scanner: How good the scan is.

    Returns:
        Intensities from 0 to 4095, shape (1, I, J, K).
    """
    from scipy.ndimage import gaussian_filter1d

    bias_ijk = np.exp(
        scanner.shading * smooth(rng, grid.shape, grid.extent_mm, 90.0) + _sloped(grid, scanner)
    )
    gain = _BLOOD_LEVEL * rng.uniform(0.85, 1.15)
    image_ijk = gain * bias_ijk * np.clip(signal_ijk, 0.0, None)
    for axis, sigma in enumerate(scanner.blur):
        image_ijk = gaussian_filter1d(image_ijk, sigma, axis=axis)
    # Breathing leaves a shifted copy along the phase-encoding direction.
    image_ijk += rng.uniform(0.0, scanner.ghost) * np.roll(image_ijk, grid.shape[1] // 2, axis=1)
    sd = gain / rng.uniform(*scanner.snr)
    real_ijk = image_ijk + sd * rng.standard_normal(grid.shape)
    imaginary_ijk = sd * rng.standard_normal(grid.shape)
    noisy_ijk = np.sqrt(real_ijk**2 + imaginary_ijk**2)
    return np.clip(np.rint(noisy_ijk), 0, 4095).astype(np.int16)[None]


def _sloped(grid: Grid, scanner: Scanner) -> Array:
    """The logarithm of the gain that a coil on one side adds, 0 in the middle of the view."""
    i, j, k = (
        slope * ((np.arange(num) + 0.5) / num - 0.5)
        for num, slope in zip(grid.shape, scanner.slope, strict=True)
    )
    sloped: Array = i[:, None, None] + j[:, None] + k
    return sloped
