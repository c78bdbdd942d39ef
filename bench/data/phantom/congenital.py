"""A congenital heart in numbers, from the variants that a patient has."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.data.phantom.anatomy import Anatomy
from bench.data.phantom.grid import rotation

_MIRROR = np.diag([-1.0, 1.0, 1.0])


def congenital(has: Mapping[str, str], rng: np.random.Generator) -> Anatomy:
    """Draw a patient's sizes and place.

    Args:
        has: The form of each part, as ``variants_of`` gives it.
        rng: Draws what varies within a form.
    """
    lv_radius, rv_radius = rng.uniform(19, 25), rng.uniform(20, 25)
    usual = Anatomy(
        turn=rotation(np.deg2rad(rng.normal(0, 9, 3))),
        shift_a=rng.normal(0, 3, 3),
        scale=rng.uniform(0.9, 1.08),
        lv_radii=(lv_radius, lv_radius * rng.uniform(0.94, 1.06), rng.uniform(40, 47)),
        lv_wall=rng.uniform(10, 13),
        rv_radii=(rv_radius, rng.uniform(30, 36), rng.uniform(40, 46)),
        rv_wall=rng.uniform(4.0, 5.4),
        atrial_wall=rng.uniform(1.4, 2.0),
        la_radius=rng.uniform(19, 25),
        ra_radius=rng.uniform(20, 26),
        aorta_radius=rng.uniform(10.5, 13),
        pulmonary_radius=rng.uniform(9.5, 12.5),
        vsd_radius=0.0,
        asd_radius=0.0,
        override=0.0,
        transposed=has["arteries"] == "transposed",
    )
    heart = _positioned(usual, has["position"], rng)
    heart = _with_ventricles(heart, has["ventricles"], rng)
    heart = _with_walls(heart, has["walls"], rng)
    heart = _with_defects(heart, has, rng)
    return _with_vessels_and_atria(heart, has, rng)


def _positioned(heart: Anatomy, position: str, rng: np.random.Generator) -> Anatomy:
    """The heart turned as its position says; in situs inversus the whole body is mirrored instead."""
    if position == "mesocardia":
        turned = rotation(np.deg2rad([rng.normal(0, 8), rng.normal(0, 8), rng.uniform(-55, -35)]))
        return replace(heart, turn=turned @ heart.turn)
    if position == "dextrocardia":
        shift_a = heart.shift_a + np.array([rng.uniform(4, 10), 0, 0])
        return replace(heart, turn=_MIRROR @ heart.turn, shift_a=shift_a)
    return heart


def _with_ventricles(heart: Anatomy, form: str, rng: np.random.Generator) -> Anatomy:
    """Sizes of both ventricles, across and along; a common ventricle has next to no septum."""
    sizes = {  # left across, left along, right across, right along
        "balanced": ((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
        "small_left": ((0.45, 0.6), (0.6, 0.8), (1.2, 1.35), (1.05, 1.15)),
        "small_right": ((1.1, 1.25), (1.0, 1.1), (0.6, 0.75), (0.55, 0.7)),
        "common": ((1.0, 1.1), (1.0, 1.0), (1.0, 1.15), (1.0, 1.0)),
        "large": ((1.2, 1.35), (1.05, 1.15), (1.1, 1.3), (1.0, 1.1)),
    }
    lv, lv_long, rv, rv_long = (rng.uniform(*bounds) for bounds in sizes[form])
    return replace(
        heart,
        lv_radii=(heart.lv_radii[0] * lv, heart.lv_radii[1] * lv, heart.lv_radii[2] * lv_long),
        rv_radii=(heart.rv_radii[0] * rv, heart.rv_radii[1] * rv, heart.rv_radii[2] * rv_long),
        vsd_radius=rng.uniform(15, 20) if form == "common" else 0.0,
    )


def _with_walls(heart: Anatomy, form: str, rng: np.random.Generator) -> Anatomy:
    """Thickness of the muscle; a thick left wall or septum leaves less room for blood."""
    across, along = heart.lv_radii[:2], heart.lv_radii[2]
    if form == "thick_left":
        wall = rng.uniform(1.7, 2.1) * heart.lv_wall
        return replace(heart, lv_wall=wall, lv_radii=(0.8 * across[0], 0.8 * across[1], along))
    if form == "thick_right":
        return replace(heart, rv_wall=rng.uniform(2.2, 2.8) * heart.rv_wall)
    if form == "thick_septum":
        pushed = rng.uniform(0.3, 0.4) * across[0]
        outer = heart.lv_wall + pushed
        return replace(
            heart, septal_mm=pushed, lv_wall=outer, lv_radii=(across[0] - pushed, across[1] - pushed, along)
        )
    if form == "thin":
        left, right = rng.uniform(0.68, 0.78), rng.uniform(0.9, 1.0)
        return replace(heart, lv_wall=left * heart.lv_wall, rv_wall=right * heart.rv_wall)
    return heart


def _with_defects(heart: Anatomy, has: Mapping[str, str], rng: np.random.Generator) -> Anatomy:
    """Holes of the septa; where both arteries leave one ventricle there is one between the ventricles."""
    vsd, asd = heart.vsd_radius, 0.0
    if has["septum"] == "vsd" or has["arteries"] in ("side_by_side", "truncus"):
        vsd = max(vsd, rng.uniform(4, 8))
    if has["septum"] == "avsd":
        vsd, asd = max(vsd, rng.uniform(8, 11)), rng.uniform(9, 13)
    if has["septum"] == "asd":
        asd = rng.uniform(6, 11)
    override = rng.uniform(0.8, 1.2) if has["arteries"] == "truncus" else rng.uniform(0, 0.5)
    return replace(heart, vsd_radius=vsd, asd_radius=asd, override=override)


def _with_vessels_and_atria(heart: Anatomy, has: Mapping[str, str], rng: np.random.Generator) -> Anatomy:
    aorta, lung = heart.aorta_radius, heart.pulmonary_radius
    if has["arteries"] == "truncus":
        aorta, lung = aorta * rng.uniform(1.25, 1.45), lung * 0.85
    if has["calibre"] == "wide_pulmonary":
        lung *= rng.uniform(1.4, 1.7)
    if has["calibre"] == "narrow_pulmonary":
        lung *= rng.uniform(0.4, 0.55)
    la, ra = heart.la_radius, heart.ra_radius
    if has["atria"] == "large_left":
        la *= rng.uniform(1.3, 1.5)
    if has["atria"] == "large_right":
        ra *= rng.uniform(1.3, 1.5)
    return replace(heart, aorta_radius=aorta, pulmonary_radius=lung, la_radius=la, ra_radius=ra)
