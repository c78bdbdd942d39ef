"""The scan of a congenital heart: orientation, field of view, contrast, filling, coil and motion."""

# A the body's directions.

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.contrast import Contrast, contrast
from bench.data.phantom.grid import EXTENT_MM, Grid, View, laid, rotation
from bench.data.phantom.scanner import GOOD, Scanner

Array = NDArray[np.float64]

# About the middle of the heart with its great vessels, in body mm.
_MIDDLE = np.array([0.0, 0.0, -8.0])
_ZOOM = {"usual": (0.95, 1.04), "tight": (0.76, 0.84), "wide": (1.14, 1.22)}


def view(has: Mapping[str, str], rng: np.random.Generator, shape: tuple[int, int, int]) -> Grid:
    """Lay the patient's field of view over the body.

    Args:
        has: The form of each part, as ``variants_of`` gives it.
        rng: Draws what varies within a form.
        shape: Voxels along each axis.
    """
    zoom = rng.uniform(*_ZOOM[has["field"]])
    placed = View(
        length_a=np.array(EXTENT_MM) * zoom * (1 + 0.03 * rng.uniform(-1, 1, 3)),
        turn=_turn(has["orientation"], rng),
        origin_a=rng.uniform(-60, 60, 3),
        centre_a=_MIDDLE + rng.normal(0, 5, 3),
    )
    return laid(rng, shape, placed, mirrored=has["position"] == "situs_inversus")


def _turn(orientation: str, rng: np.random.Generator) -> Array:
    slight = rotation(np.deg2rad(rng.normal(0, 6, 3)))
    degrees = {
        "upright": np.zeros(3),
        "sagittal": np.array([0.0, 0.0, 90.0]),
        "coronal": np.array([90.0, 0.0, 0.0]),
        "oblique": rng.choice([-1, 1], 3) * rng.uniform(15, 30, 3),
    }
    return slight @ rotation(np.deg2rad(degrees[orientation]))


def levels(sequence: str, rng: np.random.Generator) -> Contrast:
    """The brightness of each tissue."""
    usual = replace(contrast(rng), fat=rng.uniform(0.54, 0.66), liver=rng.uniform(0.54, 0.68))
    if sequence == "fat_suppressed":
        return replace(usual, fat=rng.uniform(0.22, 0.32), bone=rng.uniform(0.12, 0.25))
    if sequence == "fat_bright":
        return replace(usual, fat=rng.uniform(0.74, 0.84), bone=rng.uniform(0.5, 0.6))
    return usual


def filling(form: str, rng: np.random.Generator) -> tuple[float, ...]:
    """Brightness of left and right ventricle, left and right atrium, aorta, pulmonary artery, veins."""
    dim = rng.uniform(0.82, 0.9)
    left, right = (dim if form == f"dim_{side}" else 1.0 for side in ("left", "right"))
    return left, right, left, right, left, right, 1.0


def scanner(has: Mapping[str, str], rng: np.random.Generator) -> Scanner:
    """The scanner with the coil and the motion of this scan."""
    steep = rng.uniform(0.25, 0.4)
    slopes = {"front": (0.0, -steep, 0.0), "side": (0.0, 0.0, steep * rng.choice([-1, 1]))}
    scanned = replace(GOOD, slope=slopes.get(has["coil"], GOOD.slope))
    if has["motion"] == "ghosts":
        return replace(scanned, ghost=0.07)
    if has["motion"] == "thick_slices":
        return replace(scanned, blur=(0.4, 0.4, 0.85))
    if has["motion"] == "noise":
        return replace(scanned, snr=(12.5, 14.5))
    return scanned
