"""The tumour phantom is the same on every machine, varies as patients do, and looks like BRATS 2015."""

import hashlib
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bench.data.phantom import GLIOMA_VERSION, Phantom, framed, glioma

QUICK = (56, 64, 48)
SMALL = (28, 32, 24)
SEEDS = tuple(range(1000, 1012))
FLAIR, T1, T1C, T2 = range(4)
NECROSIS, OEDEMA, DULL, ENHANCING = 1, 2, 3, 4

GOLDEN = {1: "e980a3ff5b5552efdcb5261097ed9f3f3d19e4585e03e853d8078a2f8abff8ee"}


@cache
def patient(seed: int) -> Phantom:
    return glioma(seed, QUICK)


def digest(phantom: Phantom) -> str:
    image = phantom.image_cijk.astype("<i2").tobytes()
    return hashlib.sha256(image + phantom.label_ijk.tobytes()).hexdigest()


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def brain_of(phantom: Phantom) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = phantom.image_cijk[0] > 0
    return inside


def relative(seed: int, channel: int, label: int) -> float:
    """Median brightness of a label relative to the healthy brain's."""
    phantom = patient(seed)
    image, region = phantom.image_cijk[channel], phantom.label_ijk == label
    healthy = np.median(image[brain_of(phantom) & (phantom.label_ijk == 0)])
    return float(np.median(image[region]) / healthy)


def mean_relative(channel: int, label: int) -> float:
    """The same over the patients with enough of the label for its middle to be more than its edge."""
    return float(np.mean([relative(s, channel, label) for s in SEEDS if counts(s)[label] > 100]))


def counts(seed: int) -> NDArray[np.int64]:
    return np.bincount(patient(seed).label_ijk.ravel(), minlength=5)


def test_the_same_seed_is_the_same_patient_to_the_last_bit():
    one, other = glioma(1000, SMALL), glioma(1000, SMALL)
    assert np.array_equal(one.image_cijk, other.image_cijk)
    assert np.array_equal(one.label_ijk, other.label_ijk)
    assert np.array_equal(one.affine, other.affine)


def test_the_quantised_arrays_are_those_of_every_other_machine():
    assert digest(glioma(1000, SMALL)) == GOLDEN[GLIOMA_VERSION]


def test_another_seed_is_another_patient():
    one, other = patient(1000), patient(1001)
    assert dice(one.label_ijk > 0, other.label_ijk > 0) < 0.5
    assert dice(brain_of(one), brain_of(other)) < 0.98


def test_arrays_have_the_promised_shapes_kinds_and_isotropic_voxels():
    phantom = patient(1000)
    assert phantom.image_cijk.shape == (4, *QUICK)
    assert phantom.image_cijk.dtype == np.int16
    assert phantom.label_ijk.dtype == np.uint8
    assert set(np.unique(phantom.label_ijk)) == {0, 1, 2, 3, 4}
    assert np.array_equal(phantom.affine[:3, :3], np.diag([-3.0, -3.0, 3.0]))


@pytest.mark.parametrize("seed", SEEDS)
def test_all_outside_the_brain_is_stripped_alike_in_every_modality(seed):
    phantom = patient(seed)
    assert all(np.array_equal(brain_of(phantom), image > 0) for image in phantom.image_cijk)
    assert not phantom.label_ijk[~brain_of(phantom)].any()
    millilitres = brain_of(phantom).sum() * 27 / 1000
    assert 1200 < millilitres < 1700
    _, pieces = ndimage.label(brain_of(phantom))
    assert pieces == 1


def test_tumours_fill_as_much_of_the_brain_as_in_brats():
    shares = [counts(seed)[1:].sum() / brain_of(patient(seed)).sum() for seed in SEEDS]
    assert 0.01 < min(shares) < 0.04
    assert 0.1 < max(shares) < 0.2
    assert 0.05 < np.mean(shares) < 0.1


def test_each_tissue_has_its_part_of_the_tumours():
    pooled = np.sum([counts(seed)[1:] for seed in SEEDS], axis=0)
    necrosis, oedema, dull, enhancing = pooled / pooled.sum()
    assert oedema > 0.4
    assert all(0.06 < share < 0.3 for share in (necrosis, dull, enhancing))


def test_few_patients_lack_a_tissue():
    missing = [(seed, label) for seed in SEEDS for label in (1, 2, 3, 4) if counts(seed)[label] == 0]
    assert {label for _, label in missing} == {NECROSIS}
    assert 1 <= len(missing) <= 3


def test_contrast_agent_shows_the_enhancing_core_brightest():
    enhancing = mean_relative(T1C, ENHANCING)
    assert enhancing > 1.2
    assert all(enhancing > 1.4 * mean_relative(T1C, label) for label in (NECROSIS, OEDEMA, DULL))
    assert mean_relative(T1, ENHANCING) < 0.9


def test_necrosis_is_the_darkest_of_the_tumour_in_t1_and_the_brightest_in_t2():
    others = (OEDEMA, DULL, ENHANCING)
    assert all(mean_relative(T1, NECROSIS) < mean_relative(T1, label) for label in others)
    assert all(mean_relative(T2, NECROSIS) > mean_relative(T2, label) for label in others)


@pytest.mark.parametrize("seed", SEEDS)
def test_oedema_is_bright_in_flair_and_t2_and_dark_in_t1(seed):
    assert relative(seed, FLAIR, OEDEMA) > 1.15
    assert relative(seed, T2, OEDEMA) > 1.1
    image, label_ijk = patient(seed).image_cijk[T1], patient(seed).label_ijk
    white_matter = np.percentile(image[brain_of(patient(seed)) & (label_ijk == 0)], 75)
    assert np.median(image[label_ijk == OEDEMA]) < 0.93 * white_matter


@pytest.mark.parametrize("seed", SEEDS)
def test_fluid_is_brightest_in_t2_and_dark_in_flair_and_t1(seed):
    phantom = patient(seed)
    healthy = brain_of(phantom) & (phantom.label_ijk == 0)
    fluid = healthy & (phantom.image_cijk[T2] > np.percentile(phantom.image_cijk[T2][healthy], 99))
    for channel in (FLAIR, T1):
        image = phantom.image_cijk[channel]
        assert np.median(image[fluid]) < 0.6 * np.median(image[healthy])


def test_other_things_are_nearly_as_bright_as_tumour_in_one_modality():
    def confused(seed: int, channel: int, label: int) -> float:
        image, label_ijk = patient(seed).image_cijk[channel], patient(seed).label_ijk
        far = (ndimage.binary_dilation(label_ijk > 0, iterations=2) == 0) & brain_of(patient(seed))
        return float(
            (image[far] > 0.9 * np.median(image[label_ijk == label])).sum() / (label_ijk == label).sum()
        )

    assert np.median([confused(seed, FLAIR, OEDEMA) for seed in SEEDS]) > 0.01
    assert np.median([confused(seed, T1C, ENHANCING) for seed in SEEDS]) > 0.05


def test_intensities_have_a_scale_of_their_own_in_each_scan():
    levels = [np.median(i[i > 0]) for seed in SEEDS for i in patient(seed).image_cijk]
    assert max(levels) / min(levels) > 4


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_the_two_halves_of_a_brain_are_alike_but_not_equal(seed):
    inside = brain_of(patient(seed))
    assert 0.88 < dice(inside, inside[::-1]) < 0.99


def test_a_seed_is_the_same_anatomy_at_every_size():
    fine, coarse = glioma(1001, (112, 128, 96)), patient(1001)
    for label, least in ((NECROSIS, 0.7), (OEDEMA, 0.85), (ENHANCING, 0.7)):
        share = (fine.label_ijk == label).reshape(56, 2, 64, 2, 48, 2).mean(axis=(1, 3, 5))
        assert dice(share > 0.5, coarse.label_ijk == label) > least
    for one, other in zip(fine.image_cijk, coarse.image_cijk, strict=True):
        small = one.reshape(56, 2, 64, 2, 48, 2).mean(axis=(1, 3, 5))
        assert np.corrcoef(small.ravel(), other.ravel())[0, 1] > 0.95


def test_a_frame_leaves_every_voxel_where_it_lies_in_the_world():
    small = glioma(1000, SMALL)
    large = framed(small, (40, 40, 27))
    assert large.image_cijk.shape == (4, 40, 40, 27)
    assert large.label_ijk.sum() == small.label_ijk.sum()
    inner, outer = np.argwhere(small.label_ijk == 4)[0], np.argwhere(large.label_ijk == 4)[0]
    assert np.allclose(small.affine @ [*inner, 1], large.affine @ [*outer, 1])


@pytest.mark.parametrize("shape", [(23, 64, 64), (64, 64)])
def test_a_shape_too_small_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="three axes of at least 24"):
        glioma(1000, shape)
