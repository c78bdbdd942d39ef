"""Every kind of noise meets its rate on every structure, or says by how much it does not."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.data.noise import KINDS, corrupt, realised
from bench.data.noise.realised import tolerance
from bench.data.phantom import heart

SPACING_MM = (1.5, 1.0, 2.0)
COMBINED = ("markov+drop-slices", "annotator+edge", "dilate-erode+swap")
EVERY = (*KINDS, *COMBINED)
RATES = st.sampled_from([0.02, 0.1, 0.25, 0.5, 0.9, 1.0])


def rng(seed):
    return np.random.default_rng(seed)


@st.composite
def labels(draw, classes=4):
    """Boxes laid over one another in a small volume; a structure may be empty, or fill all there is."""
    shape = draw(st.tuples(*[st.integers(1, 9)] * 3))
    label_ijk = np.full(shape, draw(st.integers(0, 1)), np.uint8)
    for structure in range(1, classes):
        corners = [sorted((draw(st.integers(0, side)), draw(st.integers(0, side)))) for side in shape]
        label_ijk[tuple(slice(*corner) for corner in corners)] = structure
    if draw(st.booleans()):
        speckled = draw(arrays.arrays(np.bool_, shape))
        label_ijk[speckled] = 0
    return label_ijk


@pytest.fixture(scope="module")
def quick_heart():
    phantom = heart(1000, (80, 64, 56))
    spacing_mm = tuple(np.linalg.norm(phantom.affine[:3, :3], axis=0).tolist())
    return phantom.label_ijk.astype(np.uint8), spacing_mm


@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(label_ijk=labels(), rate=RATES, seed=st.integers(0, 2**32))
def test_a_rate_is_met_or_its_shortfall_is_said(kind, label_ijk, rate, seed):
    before = label_ijk.copy()
    noisy_ijk = corrupt(label_ijk, SPACING_MM, kind, rate, rng(seed), 4)
    assert np.array_equal(label_ijk, before)
    assert noisy_ijk.shape == label_ijk.shape
    assert noisy_ijk.dtype == np.uint8
    assert noisy_ijk.max() <= 3
    for structure, found in realised(label_ijk, noisy_ijk, SPACING_MM, range(1, 4), wanted=rate).items():
        clean_ijk = label_ijk == int(structure)
        voxels = int(clean_ijk.sum())
        if not voxels:
            assert "no voxel" in found.shortfall
            continue
        wrong = int((clean_ijk != (noisy_ijk == int(structure))).sum())
        assert found.rate == wrong / voxels
        assert bool(found.shortfall) == (abs(wrong / voxels - rate) > tolerance(rate, voxels))


@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(label_ijk=labels(), rate=RATES, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_noise(kind, label_ijk, rate, seed):
    once = corrupt(label_ijk, SPACING_MM, kind, rate, rng(seed), 4)
    assert np.array_equal(once, corrupt(label_ijk, SPACING_MM, kind, rate, rng(seed), 4))


@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(label_ijk=labels(), rate=RATES, seed=st.integers(0, 2**32), alone=st.integers(1, 3))
def test_a_structure_that_is_left_alone_keeps_every_voxel_and_gains_none(kind, label_ijk, rate, seed, alone):
    others = [structure for structure in (1, 2, 3) if structure != alone]
    noisy_ijk = corrupt(label_ijk, SPACING_MM, kind, rate, rng(seed), 4, structures=others)
    assert np.array_equal(noisy_ijk == alone, label_ijk == alone)


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "drop-structure"])
def test_another_seed_gives_other_noise(kind, quick_heart):
    label_ijk, spacing_mm = quick_heart
    seen = {corrupt(label_ijk, spacing_mm, kind, 0.2, rng(seed), 3).tobytes() for seed in range(6)}
    assert len(seen) > 1


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "drop-structure" and "swap" not in kind])
def test_a_heart_has_the_rate_that_was_asked_for(kind, rate, quick_heart):
    label_ijk, spacing_mm = quick_heart
    noisy_ijk = corrupt(label_ijk, spacing_mm, kind, rate, rng(3), 3)
    found = realised(label_ijk, noisy_ijk, spacing_mm, range(1, 3), wanted=rate)
    assert [one.shortfall for one in found.values()] == ["", ""]
