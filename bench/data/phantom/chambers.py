"""The heart itself: four chambers and their walls, with the great vessels let in."""

# I J K voxel axes, A the body's directions.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.anatomy import Anatomy
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import FAR_MM, ellipsoid, rounded_max, tube
from bench.data.phantom.vessels import Vessels

Array = NDArray[np.float64]

_LV_CENTRE = np.array([-20.0, 6.0, -30.0])
_LA_CENTRE = np.array([5.0, -27.0, 0.0])
_RA_CENTRE = np.array([33.0, 3.0, -8.0])
# The auricles: the atria's blind pouches beside the great arteries.
_LEFT_EAR = np.array([[-16.0, -20.0, 8.0], [-29.0, -8.0, 12.0], [-34.0, 4.0, 12.0]])
_RIGHT_EAR = np.array([[28.0, 8.0, 4.0], [22.0, 19.0, 14.0], [12.0, 24.0, 20.0]])
_APEX = np.array([-0.62, 0.52, -0.58])
_SEPTAL = np.array([0.62, 0.74, -0.1])
# The plane of the valves, along the axis to the apex, in mm from the left ventricle's centre.
_BASE_MM = -22.0
_VESSEL_WALL_MM = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Chambers:
    """Signed distances in mm, each of shape (I, J, K).

    Attributes:
        muscle: To the outside of all muscle; what lies in the blood is not muscle.
        myocardium: The same of the ventricles alone, the part that is labelled: HVSMR 2016 labels the
            ventricles' muscle, and the atria's walls are thinner than a voxel.
        blood: To all labelled blood.
        pools: To each pool of blood by itself, for its own brightness.
        leaflets: To the mitral and tricuspid valve, labelled as the blood around them.
        papillary: To the papillary muscles, which are labelled as the blood around them.
        distal: To vessels that go on unlabelled.
    """

    muscle: Array
    myocardium: Array
    blood: Array
    pools: tuple[Array, ...]
    leaflets: Array
    papillary: Array
    distal: Array


def chambers(grid: Grid, heart: Anatomy, great: Vessels) -> Chambers:
    """Build one patient's heart on a grid, with its great vessels let in."""
    frame, lv_a = _frame(heart), heart.at(_LV_CENTRE)
    rv_a = lv_a + frame @ (heart.scale * np.array([heart.lv_radii[0] + 11.0, 0.0, -4.0]))
    base_ijk = _plane(grid, lv_a, frame[:, 2], _BASE_MM * heart.scale)

    pushed_a = lv_a - frame[:, 0] * (heart.scale * heart.septal_mm)
    lv_ijk = ellipsoid(grid, pushed_a, frame, _sized(heart, heart.lv_radii))
    lv_outer_ijk = ellipsoid(grid, lv_a, frame, _sized(heart, heart.lv_radii, heart.lv_wall))
    lv_outer_ijk = rounded_max(lv_outer_ijk, base_ijk, 8.0)
    rv_ijk = rounded_max(ellipsoid(grid, rv_a, frame, _sized(heart, heart.rv_radii)), base_ijk + 3, 10.0)
    np.minimum(rv_ijk, great.outflow, out=rv_ijk)
    muscle_ijk = np.minimum(lv_outer_ijk, np.maximum(rv_ijk - heart.scale * heart.rv_wall, base_ijk - 8))
    np.maximum(rv_ijk, -lv_outer_ijk, out=rv_ijk)
    np.maximum(lv_ijk, base_ijk, out=lv_ijk)

    # Vessels that touch keep a wall between them: the arteries' shape wins.
    arteries_ijk = np.minimum(great.aorta, great.pulmonary) - _VESSEL_WALL_MM
    veins_ijk = np.maximum(np.minimum(great.caval, great.lung_veins), -arteries_ijk)
    la_ijk, ra_ijk = _atria(grid, heart, keep_out_ijk=np.minimum(muscle_ijk, arteries_ijk))
    ventricles_ijk = muscle_ijk.copy()
    np.minimum(muscle_ijk, np.minimum(la_ijk, ra_ijk) - heart.scale * heart.atrial_wall, out=muscle_ijk)
    inlets_ijk = _inlets(grid, heart, lv_a, rv_a - frame[:, 2] * 12 * heart.scale)
    aorta_ijk = np.maximum(great.aorta, -(great.pulmonary - _VESSEL_WALL_MM))
    pools = (lv_ijk, rv_ijk, la_ijk, ra_ijk, aorta_ijk, great.pulmonary, veins_ijk)
    blood_ijk = np.minimum(inlets_ijk, _defects(grid, heart, lv_a, rv_a, frame[:, 2]))
    for pool_ijk in pools:
        np.minimum(blood_ijk, pool_ijk, out=blood_ijk)
    leaflets_ijk = np.maximum(np.abs(base_ijk + 1.5) - 0.6, inlets_ijk)
    papillary_ijk = _papillary(grid, heart, lv_a, frame)
    return Chambers(muscle_ijk, ventricles_ijk, blood_ijk, pools, leaflets_ijk, papillary_ijk, great.distal)


def _frame(heart: Anatomy) -> Array:
    """The left ventricle's axes as columns: towards the septum, across, towards the apex."""
    along_a = _APEX / np.linalg.norm(_APEX)
    septal_a = _SEPTAL - (_SEPTAL @ along_a) * along_a
    septal_a /= np.linalg.norm(septal_a)
    frame: Array = heart.turn @ np.stack([septal_a, np.cross(along_a, septal_a), along_a], axis=1)
    return frame


def _sized(heart: Anatomy, radii_mm: tuple[float, float, float], wall_mm: float = 0.0) -> list[float]:
    return [heart.scale * (radius + wall_mm) for radius in radii_mm]


def _plane(grid: Grid, point_a: Array, normal_a: Array, offset_mm: float) -> Array:
    """Signed distance to the half-space ahead of a plane."""
    distance: Array = np.tensordot(-normal_a, grid.place_aijk, axes=1)
    distance += offset_mm + float(normal_a @ point_a)
    return distance


def _atria(grid: Grid, heart: Anatomy, *, keep_out_ijk: Array) -> tuple[Array, Array]:
    """Both atria's blood, with a wall between them and with nothing in `keep_out_ijk`."""
    la, ra, wall_mm = heart.la_radius, heart.ra_radius, heart.scale * heart.atrial_wall
    la_ijk = ellipsoid(grid, heart.at(_LA_CENTRE), heart.turn, _sized(heart, (1.25 * la, 0.85 * la, la)))
    ra_ijk = ellipsoid(grid, heart.at(_RA_CENTRE), heart.turn, _sized(heart, (0.85 * ra, ra, 1.2 * ra)))
    for atrium_ijk, ear_na in ((la_ijk, _LEFT_EAR), (ra_ijk, _RIGHT_EAR)):
        ear_ijk = tube(grid, heart.at(ear_na), heart.scale * np.array([8.5, 7.0, 4.5]))
        np.minimum(atrium_ijk, ear_ijk, out=atrium_ijk)
        np.maximum(atrium_ijk, -keep_out_ijk, out=atrium_ijk)
    np.maximum(ra_ijk, -(la_ijk - 1.4 * wall_mm), out=ra_ijk)
    return la_ijk, ra_ijk


def _inlets(grid: Grid, heart: Anatomy, lv_a: Array, rv_a: Array) -> Array:
    """The ways through the mitral and the tricuspid valve."""
    ends = ((heart.at(_LA_CENTRE), lv_a, 0.62 * heart.lv_radii[0]), (heart.at(_RA_CENTRE), rv_a, 13.0))
    inlets: Array = np.minimum.reduce([_way(grid, a, b, heart.scale * radius) for a, b, radius in ends])
    return inlets


def _defects(grid: Grid, heart: Anatomy, lv_a: Array, rv_a: Array, apex_a: Array) -> Array:
    """The holes between this patient's ventricles and atria."""
    high_a = -10 * heart.scale * apex_a
    holes_ijk = np.full(grid.shape, FAR_MM)
    if heart.vsd_radius:
        np.minimum(holes_ijk, _way(grid, lv_a + high_a, rv_a + high_a, heart.vsd_radius), out=holes_ijk)
    if heart.asd_radius:
        between_ijk = _way(grid, heart.at(_LA_CENTRE), heart.at(_RA_CENTRE), heart.asd_radius)
        np.minimum(holes_ijk, between_ijk, out=holes_ijk)
    return holes_ijk


def _way(grid: Grid, from_a: Array, to_a: Array, radius_mm: float) -> Array:
    return tube(grid, np.stack([from_a, to_a]), np.full(2, radius_mm), reach_mm=6)


def _papillary(grid: Grid, heart: Anatomy, lv_a: Array, frame: Array) -> Array:
    """The two papillary muscles of the left ventricle."""
    radius, _, length = heart.lv_radii
    pillars = []
    for side in (-1.0, 1.0):
        foot = [-0.55 * radius, side * 0.62 * radius, 0.45 * length]
        ends_na = lv_a + heart.scale * np.array([foot, [-0.25 * radius, side * 0.45 * radius, 0.0]]) @ frame.T
        pillars.append(tube(grid, ends_na, heart.scale * np.array([4.2, 2.6]), reach_mm=4))
    return np.minimum(pillars[0], pillars[1])
