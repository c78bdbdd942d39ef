"""Phantom: what every recipe of a synthetic patient returns, and where its chance comes from."""

# C channels, I J K voxel axes.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """One synthetic patient, quantised so that it is equal on every machine.

    Attributes:
        image_cijk: Scanner intensities, at least 0, shape (C, I, J, K).
        label_ijk: The true class of each voxel, shape (I, J, K).
        affine: Voxel index to RAS world in mm, shape (4, 4).
    """

    image_cijk: NDArray[np.int16]
    label_ijk: NDArray[np.uint8]
    affine: NDArray[np.float64]


def stream(seed: int, purpose: int) -> np.random.Generator:
    """A stream of its own for each purpose, so that changing one leaves the others as they are."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose,))))
