"""Version 1 of the heart phantom: a patient with at most mild defects in an MR scanner, from a seed."""

# C channels, I J K voxel axes.

from functools import partial

import numpy as np

from bench.data.phantom.anatomy import anatomy
from bench.data.phantom.chambers import chambers
from bench.data.phantom.contrast import contrast
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import grid
from bench.data.phantom.phantom import Phantom, stream
from bench.data.phantom.scanner import scan
from bench.data.phantom.thorax import thorax
from bench.data.phantom.tissue import heart_on
from bench.data.phantom.vessels import vessels

# Rises whenever a seed's quantised arrays change.
VERSION: int = 1

SMALLEST = 24
_PURPOSES = ("anatomy", "view", "heart", "thorax", "texture", "appearance", "noise")


def demand_shape(shape: tuple[int, int, int]) -> None:
    """Refuse a shape that no heart fits into.

    Raises:
        ValueError: It is not three axes of at least 24 voxels.
    """
    if len(shape) != 3 or min(shape) < SMALLEST:
        raise ValueError(f"a heart phantom has three axes of at least {SMALLEST} voxels, not {tuple(shape)}")


def heart(seed: int, shape: tuple[int, int, int]) -> Phantom:
    """Make one patient; the same seed is the same patient at every shape.

    Args:
        seed: At least 0.
        shape: Voxels along the axes inferior, posterior and left-right, at least 24 each.

    Returns:
        A scan with one channel and the labels 0 background, 1 myocardium and 2 blood pool.

    Raises:
        ValueError: If the shape is not three axes of at least 24 voxels.
    """
    demand_shape(shape)
    rng = {name: stream(seed, n) for n, name in enumerate(_PURPOSES)}
    patient = anatomy(rng["anatomy"])
    view = grid(rng["view"], shape, mirrored=bool(rng["anatomy"].random() < 0.06))
    body = chambers(view, patient, vessels(view, patient, rng["heart"]))
    levels = contrast(rng["appearance"])
    texture = partial(smooth, rng["texture"], view.shape, view.extent_mm)
    chest_ijk = thorax(view, levels, rng["thorax"], texture)
    signal_ijk = heart_on(chest_ijk, view, body, levels, rng["appearance"])

    label_ijk = np.zeros(shape, np.uint8)
    label_ijk[body.myocardium < 0] = 1
    label_ijk[body.blood < 0] = 2
    return Phantom(scan(signal_ijk, view, rng["noise"]), label_ijk, view.affine)
