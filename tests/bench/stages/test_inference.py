"""Whole volumes by one pass and by windows, and the clean-up of label maps."""

import math

import numpy as np
import pytest
import torch

from bench.settings.schema import Cleaning, Inference
from bench.stages.inference import clean, segment

WINDOWS = [
    Inference(window="whole"),
    Inference(window="overlap", overlap=0.5, batch=3),
    Inference(window="overlap", overlap=0.0, batch=1),
    Inference(window="heartseg"),
]

HEARTS = Cleaning().resolved(single_pieces=True)


def pointwise(image_bcijk):
    """Three classes of every voxel by its own intensity alone."""
    return torch.cat([image_bcijk, 2 * image_bcijk, -image_bcijk], dim=1).softmax(dim=1)


@pytest.mark.parametrize("inference", WINDOWS, ids=lambda one: f"{one.window}-{one.overlap}")
@pytest.mark.parametrize("shape", [(16, 16, 16), (17, 23, 9), (5, 6, 7), (33, 8, 21)], ids=str)
def test_windows_of_a_predictor_that_sees_one_voxel_are_the_whole(shape, inference):
    image_cijk = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    found_nijk = segment(image_cijk, pointwise, inference, (8, 8, 8))
    assert found_nijk.shape == (3, *shape)
    assert found_nijk.dtype == torch.float32
    assert torch.allclose(found_nijk, pointwise(image_cijk[None])[0], atol=1e-6)
    assert torch.allclose(found_nijk.sum(dim=0), torch.ones(shape), atol=1e-6)


@pytest.mark.parametrize("inference", WINDOWS, ids=lambda one: f"{one.window}-{one.overlap}")
def test_a_network_is_shown_only_sizes_that_it_can_halve_twice(inference):
    seen = []

    def predict(image_bcijk):
        seen.append(image_bcijk.shape[2:])
        return pointwise(image_bcijk)

    segment(torch.randn(1, 17, 23, 9), predict, inference, (8, 8, 8))
    assert all(size % 4 == 0 for shape in seen for size in shape)


def test_a_predictor_in_half_precision_gives_single_precision():
    found = segment(
        torch.randn(1, 9, 9, 9), lambda x: pointwise(x).bfloat16(), Inference(window="overlap"), (8, 8, 8)
    )
    assert found.dtype == torch.float32


def heartseg_starts(size, side):
    """By hand, from HeartSeg's partition_Img.m: folds, stride, and a last window at the border."""
    folds = size // side + 4
    stride = math.ceil((size - side) / (folds - 1))
    return sorted({*range(0, size - side + 1, stride), size - side})


def visited_starts(shape, patch):
    """Where the windows really begin, read from an image that holds its own indices."""
    index_cijk = torch.from_numpy(np.indices(shape).astype(np.float32))
    starts = []

    def predict(image_bcijk):
        starts.extend(tuple(int(v) for v in window[:, 0, 0, 0]) for window in image_bcijk)
        return torch.ones_like(image_bcijk[:, :2]) / 2

    segment(index_cijk, predict, Inference(window="heartseg", batch=8), patch)
    return starts


@pytest.mark.parametrize(
    ("size", "num"), [(120, 5), (127, 5), (140, 6), (141, 6), (200, 7), (207, 7), (240, 7)]
)
def test_windows_begin_where_heartsegs_begin(size, num):
    starts = [i for i, _, _ in visited_starts((size, 8, 8), (64, 8, 8))]
    assert starts == heartseg_starts(size, 64)
    assert len(starts) == num


@pytest.mark.parametrize("size", range(65, 200))
def test_the_window_formula_holds_for_every_size(size):
    from bench.settings.schema import heartseg_overlap

    stride = int(64 * (1 - heartseg_overlap(size, 64)))
    assert stride == math.ceil((size - 64) / (size // 64 + 3))


def test_heartsegs_first_patient_takes_its_210_windows():
    assert len(visited_starts((127, 207, 141), (64, 64, 64))) == 5 * 7 * 6


def test_minor_components_go_and_the_largest_stay():
    label_ijk = np.zeros((20, 20, 20), np.uint8)
    label_ijk[2:10, 2:10, 2:10] = 1
    label_ijk[15:17, 15:17, 15:17] = 1
    cleaned_ijk = clean(label_ijk, Cleaning(min_component=0.2, fill_holes=False))
    assert cleaned_ijk[15:17, 15:17, 15:17].sum() == 0
    assert (cleaned_ijk == 1).sum() == 8**3
    assert np.array_equal(clean(label_ijk, Cleaning(min_component=0.01, fill_holes=False)), label_ijk)


def test_voxels_that_touch_at_a_corner_are_one_component():
    label_ijk = np.zeros((8, 8, 8), np.uint8)
    label_ijk[1:4, 1:4, 1:4] = 1
    label_ijk[4, 4, 4] = 1
    assert np.array_equal(clean(label_ijk, Cleaning(min_component=0.2, fill_holes=False)), label_ijk)


def test_holes_are_filled_unless_they_open_to_the_outside():
    label_ijk = np.zeros((9, 9, 9), np.uint8)
    label_ijk[1:8, 1:8, 1:8] = 1
    label_ijk[4, 4, 4] = 0
    filled_ijk = clean(label_ijk, Cleaning(min_component=0.0, fill_holes=True))
    assert filled_ijk[4, 4, 4] == 1
    label_ijk[4, 4, 4:] = 0
    assert np.array_equal(clean(label_ijk, Cleaning(min_component=0.0, fill_holes=True)), label_ijk)


def test_class_1_has_the_last_word():
    shell_ijk = np.zeros((9, 9, 9), np.uint8)
    shell_ijk[1:8, 1:8, 1:8] = 1
    shell_ijk[3:6, 3:6, 3:6] = 2
    assert set(np.unique(clean(shell_ijk, HEARTS))) == {0, 1}
    swapped_ijk = np.where(shell_ijk > 0, 3 - shell_ijk, 0).astype(np.uint8)
    assert np.array_equal(clean(swapped_ijk, HEARTS), swapped_ijk)


def test_cleaning_that_is_switched_off_changes_nothing_and_an_empty_map_stays_empty():
    rng = np.random.default_rng(0)
    label_ijk = rng.integers(0, 3, (9, 9, 9)).astype(np.uint8)
    assert np.array_equal(clean(label_ijk, Cleaning(min_component=0.0, fill_holes=False)), label_ijk)
    assert clean(np.zeros((4, 4, 4), np.uint8), HEARTS).sum() == 0


def test_nothing_is_cleaned_where_a_data_set_does_not_say_that_its_structures_are_single_pieces():
    lesions_ijk = np.zeros((12, 12, 12), np.uint8)
    lesions_ijk[1:3, 1:3, 1:3] = lesions_ijk[8:10, 8:10, 8:10] = 1
    unknown = Cleaning().resolved(single_pieces=False)
    assert np.array_equal(clean(lesions_ijk, unknown), lesions_ijk)


def test_the_largest_component_stays_however_many_there_are():
    scattered_ijk = np.zeros((24, 24, 24), np.uint8)
    for place in range(0, 24, 3):
        scattered_ijk[place, place, place] = 1
    scattered_ijk[0, 0, :2] = 1
    assert clean(scattered_ijk, HEARTS).sum() == 2
