"""Anatomy: one patient's heart in numbers, congenital defects included."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.grid import rotation

Array = NDArray[np.float64]

# About where the heart turns and grows, in body mm.
_PIVOT = np.array([-4.0, 2.0, -18.0])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Anatomy:
    """One patient's heart; lengths in mm before `scale`.

    Attributes:
        turn: How the heart lies in the chest, a rotation, shape (3, 3).
        shift_a: Where it lies, shape (3,).
        scale: Its size.
        lv_radii: Of the left ventricle's blood: two across and one along.
        lv_wall: Thickness of the left ventricle's muscle.
        rv_radii: Of the right ventricle's blood: two across and one along.
        rv_wall: Thickness of the right ventricle's muscle.
        atrial_wall: Thickness of the atria's muscle.
        la_radius: Of the left atrium.
        ra_radius: Of the right atrium.
        aorta_radius: Of the ascending aorta.
        pulmonary_radius: Of the pulmonary trunk.
        vsd_radius: Of the hole between the ventricles, 0 for none.
        asd_radius: Of the hole between the atria, 0 for none.
        override: How far the aorta straddles the septum, from 0 to 1.
        transposed: Whether the two great arteries leave from each other's ventricle.
        septal_mm: How far the left ventricle's blood is pushed off the septum by a thicker septum.
    """

    turn: Array
    shift_a: Array
    scale: float
    lv_radii: tuple[float, float, float]
    lv_wall: float
    rv_radii: tuple[float, float, float]
    rv_wall: float
    atrial_wall: float
    la_radius: float
    ra_radius: float
    aorta_radius: float
    pulmonary_radius: float
    vsd_radius: float
    asd_radius: float
    override: float
    transposed: bool
    septal_mm: float = 0.0

    def at(self, points: Array) -> Array:
        """Where nominal points, shape (3,) or (N, 3), lie in this patient's body."""
        moved: Array = (points - _PIVOT) @ (self.scale * self.turn).T + _PIVOT + self.shift_a
        return moved


def anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw a patient: more than half of them have a congenital defect."""
    share_with = [0.35, 0.3, 0.2, 0.15, 0.3, 0.3]
    has_vsd, has_asd, overrides, transposed, rv_dilated, rv_thick = rng.random(6) < share_with
    lv_radius = rng.uniform(19, 25)
    rv_radius = rng.uniform(20, 25) + 5.0 * rv_dilated
    return Anatomy(
        turn=rotation(np.deg2rad(rng.normal(0, 7, 3))),
        shift_a=rng.normal(0, 3, 3),
        scale=rng.uniform(0.9, 1.08),
        lv_radii=(lv_radius, lv_radius * rng.uniform(0.94, 1.06), rng.uniform(40, 47)),
        lv_wall=rng.uniform(10, 14),
        rv_radii=(rv_radius, rng.uniform(30, 36), rng.uniform(40, 46)),
        rv_wall=rng.uniform(6.0, 8.5) if rv_thick else rng.uniform(4.0, 5.4),
        atrial_wall=rng.uniform(1.4, 2.0),
        la_radius=rng.uniform(19, 25),
        ra_radius=rng.uniform(20, 26),
        aorta_radius=rng.uniform(10.5, 14),
        pulmonary_radius=rng.uniform(9.5, 14),
        vsd_radius=rng.uniform(3, 7) if has_vsd or overrides else 0.0,
        asd_radius=rng.uniform(4, 8) if has_asd else 0.0,
        override=rng.uniform(0.4, 1) if overrides else 0.0,
        transposed=bool(transposed),
    )
