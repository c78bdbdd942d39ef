"""A zoom changes the number of voxels and nothing about where things are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.images.resampling import resampled_map, zoomed_image


def test_a_ramp_stays_a_ramp_in_mm():
    centres = (np.arange(20) + 0.5).astype(np.float32)
    image_cijk = np.broadcast_to(centres, (1, 4, 6, 20)).copy()
    zoomed_cijk = zoomed_image(image_cijk, (1.0, 1.5, 1.5))
    assert zoomed_cijk.shape == (1, 4, 9, 30)
    assert zoomed_cijk.dtype == np.float32
    expected = (np.arange(30) + 0.5) / 1.5
    assert zoomed_cijk[0, 0, 0, 1:-1] == pytest.approx(expected[1:-1], abs=1e-5)
    assert np.ptp(zoomed_cijk, axis=(1, 2)).max() < 1e-5


def test_no_zoom_leaves_the_very_image():
    image_cijk = np.ones((1, 2, 3, 4), np.float32)
    assert zoomed_image(image_cijk, (1.0, 1.0, 1.0)) is image_cijk


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    more=st.tuples(*[st.floats(1, 3)] * 3),
    seed=st.integers(0, 99),
)
def test_to_more_voxels_and_back_is_the_label_map_it_was(shape, more, seed):
    label_ijk = np.random.default_rng(seed).integers(0, 5, shape).astype(np.uint8)
    larger = tuple(round(size * factor) for size, factor in zip(shape, more, strict=True))
    assert np.array_equal(resampled_map(resampled_map(label_ijk, larger), shape), label_ijk)


def test_each_new_voxel_is_as_the_old_one_that_it_lies_in():
    label_ijk = np.array([1, 2, 3, 4], np.uint8).reshape(1, 1, 4)
    assert resampled_map(label_ijk, (1, 1, 6)).ravel().tolist() == [1, 2, 2, 3, 4, 4]
