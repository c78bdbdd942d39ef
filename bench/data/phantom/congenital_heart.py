"""Version 2 of the heart phantom: a patient whose heart and scan come in many discrete forms, from a seed."""

# C channels, I J K voxel axes.

from functools import partial

import numpy as np

from bench.data.phantom.arteries import arteries
from bench.data.phantom.chambers import chambers
from bench.data.phantom.congenital import congenital
from bench.data.phantom.exposure import filling, levels, scanner, view
from bench.data.phantom.field import smooth
from bench.data.phantom.heart import demand_shape
from bench.data.phantom.lookalikes import lookalikes_on
from bench.data.phantom.phantom import Phantom, stream
from bench.data.phantom.scanner import scan
from bench.data.phantom.thorax import thorax
from bench.data.phantom.tissue import heart_on
from bench.data.phantom.variants import variants_of

# Rises whenever a seed's quantised arrays change.
VERSION: int = 2

# The first stream of a number is that of the forms of ten patients (variants.py).
_PURPOSES = (
    "forms",
    "anatomy",
    "view",
    "vessels",
    "thorax",
    "texture",
    "lookalikes",
    "appearance",
    "scanner",
    "noise",
)


def heart(seed: int, shape: tuple[int, int, int]) -> Phantom:
    """Make one patient; the same seed is the same patient at every shape.

    Args:
        seed: At least 0.
        shape: Voxels along the three axes, at least 24 each.

    Returns:
        A scan with one channel and the labels 0 background, 1 myocardium and 2 blood pool.

    Raises:
        ValueError: If the shape is not three axes of at least 24 voxels.
    """
    demand_shape(shape)
    rng = {name: stream(seed, n) for n, name in enumerate(_PURPOSES)}
    has, look = variants_of(seed), rng["appearance"]
    patient = congenital(has, rng["anatomy"])
    seen = view(has, rng["view"], shape)
    body = chambers(seen, patient, arteries(seen, patient, has, rng["vessels"]))
    contrast = levels(has["sequence"], look)
    texture = partial(smooth, rng["texture"], seen.shape, seen.extent_mm)
    signal_ijk = thorax(seen, contrast, rng["thorax"], texture)
    lookalikes_on(signal_ijk, seen, body, contrast, has, rng["lookalikes"])
    signal_ijk = heart_on(signal_ijk, seen, body, contrast, look, filling=filling(has["filling"], look))

    label_ijk = np.zeros(shape, np.uint8)
    label_ijk[body.myocardium < 0] = 1
    label_ijk[body.blood < 0] = 2
    image_cijk = scan(signal_ijk, seen, rng["noise"], scanner(has, rng["scanner"]))
    return Phantom(image_cijk, label_ijk, seen.affine)
