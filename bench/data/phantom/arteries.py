"""The great vessels of a congenital heart: roots of the arteries, sides of the arch, extra veins."""

# A the body's directions, N points of a centreline.

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.anatomy import Anatomy
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import FAR_MM, curve, tube
from bench.data.phantom.vessels import (
    ARCH,
    DESCENDING,
    INFERIOR_CAVA,
    LEFT_BRANCH,
    LEFT_ROOT,
    LUNG_VEINS,
    RIGHT_BRANCH,
    RIGHT_ROOT,
    SUPERIOR_CAVA,
    TRUNK,
    Vessels,
    distal,
)

Array = NDArray[np.float64]

# Nominal points in body mm: x to the right, y to the front, z upwards.
_RIGHT_ARCH = np.array([[12, 5, 26], [18, 4, 44], [25, -10, 57], [25, -26, 58], [17, -40, 46], [12, -46, 28]])
_RIGHT_DESCENDING = np.array([[12, -46, 28], [9, -46, 0], [2, -46, -40], [-6, -46, -100]])
_AHEAD_ROOT = np.array([[14.0, 30.0, -14.0], [16.0, 22.0, 8.0]])
_BESIDE_ROOT = np.array([[-9.0, 34.0, -12.0], [-15.0, 29.0, 6.0]])
_FROM_TRUNCUS = np.array([[4.0, -2.0, 30.0], [-3.0, -9.0, 36.0], [-10.0, -12.0, 40.0]])
_LEFT_CAVA = np.array([[-29, 0, 100], [-32, -4, 48], [-31, -18, 10], [-14, -34, -12], [16, -22, -14]])
# Past the right atrium, from the inferior vena cava to the right pulmonary artery (Fontan's operation).
_CONDUIT = np.array([[27, -12, -44], [42, -12, -18], [46, -16, 8], [34, -20, 32]])


def arteries(grid: Grid, heart: Anatomy, has: Mapping[str, str], rng: np.random.Generator) -> Vessels:
    """Lay the great vessels; every control point wanders by some millimetres.

    Args:
        grid: Where to evaluate them.
        heart: The patient's sizes.
        has: The form of each part, as ``variants`` gives it.
        rng: Draws the wandering.
    """

    def laid(points_na: Array, radii: list[float], wander_mm: float = 2.5) -> Array:
        moved_na = heart.at(points_na + rng.normal(0, wander_mm, points_na.shape))
        return tube(grid, *curve(moved_na, np.multiply(radii, heart.scale).tolist()))

    into_aorta, into_trunk, outflow_na = _roots(heart, has["arteries"])
    wide = heart.aorta_radius
    aorta = np.full(grid.shape, FAR_MM)
    for arch_na, down_na, share in _arches(has["arch"]):
        points_na = np.vstack([into_aorta, arch_na])
        np.minimum(aorta, laid(points_na, _along_arch(has, share * wide)), out=aorta)
        np.minimum(
            aorta, laid(down_na, (share * wide * np.array([0.8, 0.76, 0.73, 0.7])).tolist(), 1.0), out=aorta
        )
    lung = heart.pulmonary_radius
    trunk_radii = (
        np.array([1, 1, 1.05, 1, 0.85]) * lung if len(into_trunk) else np.array([1, 0.9, 0.85]) * lung
    )
    trunk_na = np.vstack([into_trunk, TRUNK]) if len(into_trunk) else _FROM_TRUNCUS
    pulmonary = laid(trunk_na, trunk_radii.tolist())
    for branch_na in (RIGHT_BRANCH, LEFT_BRANCH):
        branch = laid(branch_na, np.linspace(0.76 * lung, 0.52 * lung, len(branch_na)).tolist())
        np.minimum(pulmonary, branch, out=pulmonary)
    caval = laid(SUPERIOR_CAVA, [7.5, 8.0, 8.5, 9.0])
    np.minimum(caval, laid(INFERIOR_CAVA, [10.0, 10.0, 9.5]), out=caval)
    if has["veins"] == "left_cava":
        np.minimum(caval, laid(_LEFT_CAVA, [6.5, 6.5, 7.0, 7.5, 8.0]), out=caval)
    if has["veins"] == "conduit":
        np.minimum(caval, laid(_CONDUIT, [9.5, 9.5, 9.5, 8.0]), out=caval)
    lung_veins = np.full(grid.shape, FAR_MM)
    for vein_na in LUNG_VEINS:
        np.minimum(lung_veins, laid(vein_na, [6.5, 5.5, 4.0]), out=lung_veins)
    outflow = laid(outflow_na, [12.0, 12.0, 11.0], 1.0)
    return Vessels(aorta, pulmonary, caval, lung_veins, outflow, distal(grid, heart, rng))


def _roots(heart: Anatomy, form: str) -> tuple[Array, Array, Array]:
    """Where the aorta and the pulmonary trunk (empty: it has no root) leave, and the right outflow tract."""
    left_na = LEFT_ROOT + heart.override * np.array([4.0, 8.0, -2.0])
    ends = {
        "normal": (left_na, RIGHT_ROOT),
        "transposed": (RIGHT_ROOT, left_na),
        "side_by_side": (_AHEAD_ROOT, _BESIDE_ROOT),
        "truncus": (left_na, np.empty((0, 3))),
    }
    into_aorta, into_trunk = ends[form]
    ahead_na = {"side_by_side": _AHEAD_ROOT, "truncus": left_na}.get(form, RIGHT_ROOT)
    return into_aorta, into_trunk, np.vstack([[2.0, 30.0, -24.0], ahead_na])


def _arches(form: str) -> list[tuple[Array, Array, float]]:
    """Arch, descending aorta and share of the calibre."""
    left, right = (ARCH, DESCENDING), (_RIGHT_ARCH, _RIGHT_DESCENDING)
    if form == "right":
        return [(*right, 1.0)]
    if form == "double":
        joined_na = np.vstack([_RIGHT_ARCH[:-1], [[0, -46, 30]]])
        return [
            (*left, 0.85),
            (joined_na, np.array([[0, -46, 30], [-8, -46, 18], [-16, -46, 4], [-16, -46, -10]]), 0.8),
        ]
    return [(*left, 1.0)]


def _along_arch(has: Mapping[str, str], wide: float) -> list[float]:
    """Radii from the root to the isthmus."""
    radii = np.linspace(wide, 0.8 * wide, 8)
    if has["calibre"] == "aneurysm":
        radii[1:5] *= [1.35, 1.7, 1.7, 1.3]
    if has["arch"] == "coarctation":
        radii[5:7] *= [0.6, 0.4]
    return radii.tolist()
