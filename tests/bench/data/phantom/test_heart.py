"""Version 1 of the heart phantom is the same on every machine, varies as patients do, and looks like an MR scan."""

import hashlib
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bench.data.phantom import Phantom, heart_v1

QUICK = (80, 64, 56)
SMALL = (32, 28, 24)
SEEDS = (1000, 1001, 1002, 1003, 1004, 1005)

GOLDEN = "98f1d9c15bf04682bd72913811e6127f487a47caf1ba0ceeed54564ae3287dbf"


@cache
def patient(seed: int) -> Phantom:
    return heart_v1(seed, QUICK)


def digest(phantom: Phantom) -> str:
    image = phantom.image_cijk.astype("<i2").tobytes()
    return hashlib.sha256(image + phantom.label_ijk.tobytes()).hexdigest()


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def high_frequency_sd(image: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Standard deviation of white noise, by second differences along the last axis."""
    second = image[..., :-2] - 2 * image[..., 1:-1] + image[..., 2:]
    return float(second[inside[..., 1:-1]].std() / np.sqrt(6))


def test_the_same_seed_is_the_same_patient_to_the_last_bit():
    one, other = heart_v1(1000, SMALL), heart_v1(1000, SMALL)
    assert np.array_equal(one.image_cijk, other.image_cijk)
    assert np.array_equal(one.label_ijk, other.label_ijk)
    assert np.array_equal(one.affine, other.affine)


def test_the_quantised_arrays_are_those_of_every_other_machine():
    assert digest(heart_v1(1000, SMALL)) == GOLDEN


def test_another_seed_is_another_patient():
    one, other = patient(1000), patient(1001)
    assert dice(one.label_ijk == 2, other.label_ijk == 2) < 0.9
    assert not np.allclose(one.affine, other.affine)


def test_arrays_have_the_promised_shapes_and_kinds():
    phantom = heart_v1(1000, SMALL)
    assert phantom.image_cijk.shape == (1, *SMALL)
    assert phantom.image_cijk.dtype == np.int16
    assert phantom.image_cijk.min() >= 0
    assert phantom.label_ijk.shape == SMALL
    assert phantom.label_ijk.dtype == np.uint8
    assert set(np.unique(phantom.label_ijk)) == {0, 1, 2}


@pytest.mark.parametrize("seed", SEEDS)
def test_each_class_fills_as_much_of_the_view_as_in_hvsmr(seed):
    background, myocardium, blood = np.bincount(patient(seed).label_ijk.ravel()) / np.prod(QUICK)
    assert 0.03 < myocardium < 0.11
    assert 0.08 < blood < 0.24
    assert background > 0.65


@pytest.mark.parametrize("seed", SEEDS)
def test_blood_is_mostly_one_piece(seed):
    pieces, _ = ndimage.label(patient(seed).label_ijk == 2)
    sizes = np.bincount(pieces.ravel())[1:]
    assert sizes.max() > 0.95 * sizes.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_blood_is_brighter_than_myocardium_and_myocardium_than_lung(seed):
    image, label = patient(seed).image_cijk[0], patient(seed).label_ijk
    blood, myocardium = np.median(image[label == 2]), np.median(image[label == 1])
    lung = np.percentile(image[label == 0], 15)
    assert blood > 1.4 * myocardium
    assert myocardium > 2 * lung


def test_something_outside_the_heart_is_as_bright_as_its_blood():
    def confused(seed: int) -> float:
        image, label = patient(seed).image_cijk[0], patient(seed).label_ijk
        outside = ndimage.binary_dilation(label > 0, iterations=2) == 0
        return float((image[outside] > 0.85 * np.median(image[label == 2])).mean())

    assert all(confused(seed) > 0.001 for seed in SEEDS)
    assert max(map(confused, SEEDS)) < 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_in_blood_is_that_of_a_good_scan(seed):
    image = patient(seed).image_cijk[0].astype(np.float64)
    inside = ndimage.binary_erosion(patient(seed).label_ijk == 2, iterations=3)
    assert 10 < image[inside].mean() / high_frequency_sd(image, inside) < 25


def test_blood_is_shaded_slowly_across_the_view():
    image = patient(1000).image_cijk[0].astype(np.float64)
    inside = ndimage.binary_erosion(patient(1000).label_ijk == 2, iterations=2)
    weight = ndimage.gaussian_filter(inside.astype(np.float64), 3)
    level = (ndimage.gaussian_filter(image * inside, 3) / np.maximum(weight, 1e-6))[inside]
    assert level.std() / level.mean() > 0.04


def test_the_affine_is_oblique_and_anisotropic_and_its_axes_are_not_ras():
    for seed in SEEDS:
        linear = patient(seed).affine[:3, :3]
        spacing = np.linalg.norm(linear, axis=0)
        assert spacing.max() / spacing.min() > 1.02
        cosines = linear / spacing
        assert np.allclose(cosines.T @ cosines, np.eye(3), atol=1e-12)
        assert np.abs(cosines).max() < 1
        assert np.argmax(np.abs(cosines), axis=0).tolist() == [2, 1, 0]
        assert cosines[2, 0] < 0
        assert cosines[1, 1] < 0
        assert np.abs(patient(seed).affine[:3, 3]).max() > 1


def test_a_seed_is_the_same_anatomy_at_every_size():
    fine, coarse = heart_v1(1001, (96, 84, 72)).label_ijk, heart_v1(1001, (48, 42, 36)).label_ijk
    for structure, least in ((1, 0.8), (2, 0.9)):
        share = (fine == structure).reshape(48, 2, 42, 2, 36, 2).mean(axis=(1, 3, 5))
        assert dice(share > 0.5, coarse == structure) > least


def test_one_patient_in_many_has_its_heart_on_the_right():
    def side(seed: int) -> float:
        phantom = heart_v1(seed, SMALL)
        muscle = np.argwhere(phantom.label_ijk == 1) - (np.array(SMALL) - 1) / 2
        return float(np.sign((muscle @ phantom.affine[:3, :3].T)[:, 0].mean()))

    sides = [side(seed) for seed in range(1000, 1020)]
    assert 1 <= sides.count(1.0) <= 6


@pytest.mark.parametrize("shape", [(23, 64, 64), (64, 64)])
def test_a_shape_too_small_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="three axes of at least 24"):
        heart_v1(1000, shape)


def test_importing_the_phantom_imports_no_scipy():
    seen = "import sys, bench.data.phantom; print('scipy' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
