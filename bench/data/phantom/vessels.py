"""The great vessels: their centrelines in a nominal body, and the signed distances to their blood."""

# A the body's directions, N points of a centreline, I J K voxel axes.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.anatomy import Anatomy
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import FAR_MM, curve, tube

Array = NDArray[np.float64]

# Nominal points in body mm: x to the right, y to the front, z upwards.
LEFT_ROOT = np.array([[0.0, -4.0, -6.0], [3.0, 0.0, 8.0]])
RIGHT_ROOT = np.array([[-2.0, 34.0, -12.0], [-12.0, 30.0, 6.0]])
ARCH = np.array([[12, 5, 26], [14, 2, 44], [6, -10, 58], [-8, -26, 61], [-17, -40, 50], [-19, -46, 28]])
DESCENDING = np.array([[-19, -46, 28], [-17, -46, 0], [-14, -46, -40], [-10, -46, -100]])
TRUNK = np.array([[-15, 16, 24], [-13, 2, 36], [-10, -12, 40]])
RIGHT_BRANCH = np.array([[-10, -12, 40], [8, -17, 39], [28, -22, 35], [44, -26, 30]])
LEFT_BRANCH = np.array([[-10, -12, 40], [-26, -24, 42], [-40, -34, 36]])
SUPERIOR_CAVA = np.array([[25, 6, 100], [28, 2, 62], [29, -4, 30], [30, -4, -2]])
INFERIOR_CAVA = np.array([[30, -6, -14], [27, -12, -44], [24, -16, -62]])
LUNG_VEINS = (
    np.array([[8, -28, 2], [30, -34, 10], [46, -36, 18]]),
    np.array([[8, -28, -2], [30, -38, -8], [46, -44, -14]]),
    np.array([[4, -28, 4], [-22, -34, 14], [-38, -36, 22]]),
    np.array([[4, -28, 0], [-22, -40, -6], [-38, -46, -12]]),
)


@dataclass(frozen=True, slots=True, eq=False)
class Vessels:
    """Signed distances in mm, each of shape (I, J, K).

    Attributes:
        aorta: From its root to the bottom of the field of view.
        pulmonary: The pulmonary trunk and its first branches.
        caval: Superior and inferior vena cava.
        lung_veins: The four veins that enter the left atrium.
        outflow: The right ventricle's part of whichever artery leaves it.
        distal: What goes on where the labelled vessels end.
    """

    aorta: Array
    pulmonary: Array
    caval: Array
    lung_veins: Array
    outflow: Array
    distal: Array


def vessels(grid: Grid, heart: Anatomy, rng: np.random.Generator) -> Vessels:
    """Lay the great vessels; every control point wanders by some millimetres."""
    wide, lung = heart.aorta_radius, heart.pulmonary_radius
    left, right = LEFT_ROOT + heart.override * np.array([4.0, 8.0, -2.0]), RIGHT_ROOT
    into_aorta, into_trunk = (right, left) if heart.transposed else (left, right)

    def laid(points_na: Array, radii: list[float], wander_mm: float = 2.0) -> Array:
        moved_na = heart.at(points_na + rng.normal(0, wander_mm, points_na.shape))
        return tube(grid, *curve(moved_na, np.multiply(radii, heart.scale).tolist()))

    aorta = laid(np.vstack([into_aorta, ARCH]), np.linspace(wide, 0.8 * wide, 8).tolist())
    np.minimum(aorta, laid(DESCENDING, [0.8 * wide, 0.76 * wide, 0.73 * wide, 0.7 * wide], 1.0), out=aorta)
    pulmonary = laid(np.vstack([into_trunk, TRUNK]), [lung, lung, 1.05 * lung, lung, 0.85 * lung])
    for branch_na in (RIGHT_BRANCH, LEFT_BRANCH):
        radii = np.linspace(0.76 * lung, 0.52 * lung, len(branch_na)).tolist()
        np.minimum(pulmonary, laid(branch_na, radii), out=pulmonary)
    caval = laid(SUPERIOR_CAVA, [7.5, 8.0, 8.5, 9.0])
    np.minimum(caval, laid(INFERIOR_CAVA, [10.0, 10.0, 9.5]), out=caval)
    lung_veins = np.full(grid.shape, FAR_MM)
    for vein_na in LUNG_VEINS:
        np.minimum(lung_veins, laid(vein_na, [6.5, 5.5, 4.0]), out=lung_veins)
    outflow = laid(np.vstack([[2.0, 30.0, -24.0], right]), [12.0, 12.0, 11.0], 1.0)
    return Vessels(aorta, pulmonary, caval, lung_veins, outflow, distal(grid, heart, rng))


def distal(grid: Grid, heart: Anatomy, rng: np.random.Generator) -> Array:
    """The branches beyond the last labelled point, which look the same and are background."""
    distance_ijk = np.full(grid.shape, FAR_MM)
    ends = (RIGHT_BRANCH, LEFT_BRANCH, *LUNG_VEINS)
    for end_na in ends:
        ahead_a = end_na[-1] - end_na[-2]
        for _ in range(2):
            step_a = 14 * ahead_a / np.linalg.norm(ahead_a) + rng.normal(0, 6, 3)
            points_na = heart.at(np.stack([end_na[-1], end_na[-1] + step_a, end_na[-1] + 2.4 * step_a]))
            piece_ijk = tube(grid, points_na, heart.scale * np.array([4.0, 3.2, 1.8]), reach_mm=4)
            np.minimum(distance_ijk, piece_ijk, out=distance_ijk)
    cava_na = heart.at(np.array([INFERIOR_CAVA[-1], [23.0, -20.0, -82.0], [20.0, -24.0, -104.0]]))
    cava_ijk = tube(grid, cava_na, heart.scale * np.array([9.5, 9.5, 9.0]), reach_mm=4)
    np.minimum(distance_ijk, cava_ijk, out=distance_ijk)
    return distance_ijk
