"""The tumour phantom: a patient with a glioma, scanned four ways, from a seed."""

# C channels, I J K voxel axes.

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.brain import brain
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid
from bench.data.phantom.head import head_grid, pushed
from bench.data.phantom.lesion import lesion, tissues
from bench.data.phantom.phantom import Phantom, stream
from bench.data.phantom.weighting import weighted

Array = NDArray[np.float64]

# Rises whenever a seed's quantised arrays change.
GLIOMA_VERSION: int = 1

_SMALLEST = 24
_PURPOSES = ("lesion", "view", "brain", "tissues", "appearance", "noise")


def glioma(seed: int, shape: tuple[int, int, int]) -> Phantom:
    """Make one patient; the same seed is the same patient at every shape.

    Args:
        seed: At least 0.
        shape: Voxels along the axes left, posterior and superior, at least 24 each.

    Returns:
        FLAIR, T1, T1c and T2, 0 outside the brain and at least 1 inside, and BRATS 2015's labels: 0 all else,
        1 necrosis, 2 oedema, 3 non-enhancing core, 4 enhancing core.

    Raises:
        ValueError: If the shape is not three axes of at least 24 voxels.
    """
    if len(shape) != 3 or min(shape) < _SMALLEST:
        raise ValueError(
            f"a tumour phantom has three axes of at least {_SMALLEST} voxels, not {tuple(shape)}"
        )
    rng = {name: stream(seed, n) for n, name in enumerate(_PURPOSES)}
    patient = lesion(rng["lesion"])
    view = head_grid(rng["view"], shape)
    body = brain(view, pushed(view, patient.centre, 1.2 * patient.size, patient.push), rng["brain"])
    tumour = tissues(view, body, patient, rng["tissues"])
    signal_cijk = weighted(view, body, tumour, rng["appearance"])

    inside_ijk = body.outline < 0
    label_ijk = np.zeros(shape, np.uint8)
    layers = ((tumour.oedema, 2), (tumour.enhancing, 4), (tumour.dull, 3), (tumour.necrosis, 1))
    for distance_ijk, label in layers:
        label_ijk[(distance_ijk < 0) & inside_ijk] = label
    return Phantom(_scans(signal_cijk, inside_ijk, view, rng["noise"]), label_ijk, view.affine)


def _scans(
    signal_cijk: Array, inside_ijk: NDArray[np.bool_], grid: Grid, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Scan each way with its own gain, coil shading and Rician noise; strip all that is not brain."""
    from scipy.ndimage import gaussian_filter

    image_cijk = np.zeros(signal_cijk.shape, np.int16)
    for channel, signal_ijk in enumerate(signal_cijk):
        gain = np.exp(rng.uniform(np.log(150), np.log(1200)))
        bias_ijk = np.exp(0.07 * smooth(rng, grid.shape, grid.extent_mm, 80.0))
        true_ijk = gain * gaussian_filter(bias_ijk * np.clip(signal_ijk, 0, None), 0.4)
        sd = gain / rng.uniform(20, 36)
        real_ijk = true_ijk + sd * rng.standard_normal(grid.shape)
        noisy_ijk = np.hypot(real_ijk, sd * rng.standard_normal(grid.shape))
        image_cijk[channel] = np.where(inside_ijk, np.clip(np.rint(noisy_ijk), 1, 32000), 0)
    return image_cijk


def framed(phantom: Phantom, shape: tuple[int, int, int]) -> Phantom:
    """The same patient in the middle of a larger field of view, empty all around."""
    before = [(whole - part) // 2 for whole, part in zip(shape, phantom.label_ijk.shape, strict=True)]
    at = tuple(slice(b, b + part) for b, part in zip(before, phantom.label_ijk.shape, strict=True))
    image_cijk = np.zeros((len(phantom.image_cijk), *shape), np.int16)
    label_ijk = np.zeros(shape, np.uint8)
    image_cijk[:, *at], label_ijk[at] = phantom.image_cijk, phantom.label_ijk
    affine = phantom.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ before
    return Phantom(image_cijk, label_ijk, affine)
