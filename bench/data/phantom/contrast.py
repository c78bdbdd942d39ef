"""Contrast: how bright one scan shows each tissue, and how a tissue is laid into a signal."""

# I J K voxel axes.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Signal of each tissue, relative to well-filled blood."""

    blood: float
    myocardium: float
    fat: float
    muscle: float
    liver: float
    bone: float
    lung: float


def contrast(rng: np.random.Generator) -> Contrast:
    """Draw one scan's contrast: fat differs most, for scans suppress it more or less."""
    myocardium = rng.uniform(0.38, 0.52)
    return Contrast(
        blood=1.0,
        myocardium=myocardium,
        fat=rng.uniform(0.45, 0.68),
        muscle=myocardium * rng.uniform(0.8, 1.1),
        liver=rng.uniform(0.4, 0.6),
        bone=rng.uniform(0.3, 0.5),
        lung=rng.uniform(0.05, 0.1),
    )


def paint(signal_ijk: Array, distance_ijk: Array, value: Array | float, voxel_mm: float) -> None:
    """Lay a tissue over `signal_ijk`, in place, sharing the boundary's voxels by their filled part."""
    filled_ijk = np.clip(0.5 - distance_ijk / voxel_mm, 0, 1)
    signal_ijk += filled_ijk * (value - signal_ijk)
