"""The great vessels of a congenital heart: roots of the arteries, sides of the arch, extra veins."""

# A the body's directions, N points of a centreline.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class _Patient:
    """The grid, heart and forms that vessels are laid in."""

    grid: Grid
    heart: Anatomy
    has: Mapping[str, str]
    rng: np.random.Generator

    def laid(self, points_na: Array, radii: Sequence[float], wander_mm: float = 2.5) -> Array:
        """Signed distance to a vessel whose control points wander."""
        moved_na = self.heart.at(points_na + self.rng.normal(0, wander_mm, points_na.shape))
        return tube(self.grid, *curve(moved_na, np.multiply(radii, self.heart.scale).tolist()))


def arteries(grid: Grid, heart: Anatomy, has: Mapping[str, str], rng: np.random.Generator) -> Vessels:
    """Lay the great vessels; every control point wanders by some millimetres.

    Args:
        grid: Where to evaluate them.
        heart: The patient's sizes.
        has: The form of each part, as ``variants_of`` gives it.
        rng: Draws the wandering.
    """
    patient = _Patient(grid, heart, has, rng)
    into_aorta, into_trunk, outflow_na = _roots(heart, has["arteries"])
    aorta = _aorta(patient, into_aorta)
    pulmonary = _pulmonary(patient, into_trunk)
    caval = _caval(patient)
    lung_veins = np.full(grid.shape, FAR_MM)
    for vein_na in LUNG_VEINS:
        np.minimum(lung_veins, patient.laid(vein_na, [6.5, 5.5, 4.0]), out=lung_veins)
    outflow = patient.laid(outflow_na, [12.0, 12.0, 11.0], 1.0)
    return Vessels(aorta, pulmonary, caval, lung_veins, outflow, distal(grid, heart, rng))


def _aorta(patient: _Patient, root_na: Array) -> Array:
    aorta = np.full(patient.grid.shape, FAR_MM)
    for arch_na, down_na, share in _arches(patient.has["arch"]):
        wide = share * patient.heart.aorta_radius
        arch = patient.laid(np.vstack([root_na, arch_na]), _along_arch(patient.has, wide))
        np.minimum(aorta, arch, out=aorta)
        down = patient.laid(down_na, [0.8 * wide, 0.76 * wide, 0.73 * wide, 0.7 * wide], 1.0)
        np.minimum(aorta, down, out=aorta)
    return aorta


def _pulmonary(patient: _Patient, root_na: Array) -> Array:
    """The trunk, which has no root of its own where it leaves a common trunk, and its two branches."""
    lung = patient.heart.pulmonary_radius
    if len(root_na):
        pulmonary = patient.laid(np.vstack([root_na, TRUNK]), [lung, lung, 1.05 * lung, lung, 0.85 * lung])
    else:
        pulmonary = patient.laid(_FROM_TRUNCUS, [lung, 0.9 * lung, 0.85 * lung])
    for branch_na in (RIGHT_BRANCH, LEFT_BRANCH):
        branch = patient.laid(branch_na, np.linspace(0.76 * lung, 0.52 * lung, len(branch_na)).tolist())
        np.minimum(pulmonary, branch, out=pulmonary)
    return pulmonary


def _caval(patient: _Patient) -> Array:
    caval = patient.laid(SUPERIOR_CAVA, [7.5, 8.0, 8.5, 9.0])
    np.minimum(caval, patient.laid(INFERIOR_CAVA, [10.0, 10.0, 9.5]), out=caval)
    if patient.has["veins"] == "left_cava":
        np.minimum(caval, patient.laid(_LEFT_CAVA, [6.5, 6.5, 7.0, 7.5, 8.0]), out=caval)
    if patient.has["veins"] == "conduit":
        np.minimum(caval, patient.laid(_CONDUIT, [9.5, 9.5, 9.5, 8.0]), out=caval)
    return caval


def _roots(heart: Anatomy, form: str) -> tuple[Array, Array, Array]:
    """The roots of aorta and pulmonary trunk (empty: it has none), and the right outflow tract."""
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
    return [float(radius) for radius in radii]
