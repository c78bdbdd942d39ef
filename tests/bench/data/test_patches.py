"""From a volume to a crop, on arrays whose answer is known."""

import numpy as np
import pytest

from bench.data.patches import normalise, pad_to, random_corner, region_of_interest
from bench.stages.training.sampler import TrainingCase, cropped


def test_an_image_is_normalised_by_its_voxels_above_zero_and_shifted_everywhere():
    image_cijk = np.zeros((1, 4, 4, 4), np.float32)
    image_cijk[0, :2] = np.arange(1, 33).reshape(2, 4, 4)
    normal_cijk = normalise(image_cijk)
    inside = normal_cijk[0, :2]
    assert inside.mean() == pytest.approx(0, abs=1e-6)
    assert inside.std() == pytest.approx(1, abs=1e-6)
    mean, deviation = np.arange(1, 33).mean(), np.arange(1, 33).std()
    assert np.allclose(normal_cijk[0, 2:], -mean / deviation)
    assert normal_cijk.dtype == np.float32


def test_a_centred_channel_goes_by_its_voxels_that_are_not_zero():
    channel_ijk = np.zeros((4, 4, 4), np.float32)
    channel_ijk[0] = np.linspace(-3, 5, 16).reshape(4, 4)
    inside = normalise(channel_ijk[None])[0][channel_ijk != 0]
    assert inside.mean() == pytest.approx(0, abs=1e-6)
    assert inside.std() == pytest.approx(1, abs=1e-6)


def test_a_mask_says_which_voxels_count_and_every_voxel_is_shifted_by_them():
    rng = np.random.default_rng(1)
    image_cijk = rng.normal(size=(2, 8, 8, 8)).astype(np.float32)
    mask_ijk = np.zeros((8, 8, 8), bool)
    mask_ijk[2:6, 2:6, 2:6] = True
    image_cijk[:, ~mask_ijk] = -50  # as where a scan that is centred in the brain was left at its former zero
    normal_cijk = normalise(image_cijk, mask_ijk)
    for channel_ijk, before_ijk in zip(normal_cijk, image_cijk, strict=True):
        assert channel_ijk[mask_ijk].mean() == pytest.approx(0, abs=1e-5)
        assert channel_ijk[mask_ijk].std() == pytest.approx(1, abs=1e-5)
        inside = before_ijk[mask_ijk]
        assert channel_ijk[0, 0, 0] == pytest.approx((-50 - inside.mean()) / inside.std(), rel=1e-4)


def test_channels_are_normalised_each_by_itself():
    rng = np.random.default_rng(0)
    one, other = rng.uniform(1, 2, (2, 6, 6, 6)).astype(np.float32)
    both = normalise(np.stack([one, 1000 * other]))
    assert np.allclose(both[0], normalise(one[None])[0])
    assert np.allclose(both[1], normalise(other[None])[0], atol=1e-4)


def test_intensities_in_the_millions_and_shades_of_one_grey_stay_finite():
    rng = np.random.default_rng(0)
    large_cijk = rng.uniform(1e6, 2e6, (1, 8, 8, 8)).astype(np.float32)
    assert normalise(large_cijk).std() == pytest.approx(1, abs=1e-3)
    almost_cijk = np.zeros((1, 4, 4, 4), np.float32)
    almost_cijk[0, 0, 0, 0] = 7
    assert np.isfinite(normalise(almost_cijk)).all()


def test_the_region_of_interest_is_the_labels_box_and_its_margin_inside_the_volume():
    label_ijk = np.zeros((40, 30, 20), np.uint8)
    label_ijk[20, 15, 10] = 1
    label_ijk[25, 15, 18] = 2
    assert region_of_interest(label_ijk, 0) == (slice(20, 26), slice(15, 16), slice(10, 19))
    assert region_of_interest(label_ijk, 10) == (slice(10, 36), slice(5, 26), slice(0, 20))


def test_the_region_of_interest_of_an_empty_label_is_everything():
    assert region_of_interest(np.zeros((4, 5, 6), np.uint8), 2) == (slice(0, 4), slice(0, 5), slice(0, 6))


def test_padding_is_zero_around_the_volume_and_nothing_where_a_patch_fits():
    label_ijk = np.ones((3, 8, 5), np.uint8)
    padded_ijk = pad_to(label_ijk, (6, 4, 8))
    assert padded_ijk.shape == (6, 8, 8)
    assert padded_ijk.sum() == label_ijk.sum()
    assert np.array_equal(padded_ijk[1:4, :, 1:6], label_ijk)
    assert pad_to(np.ones((2, 3, 3, 3)), (4, 3, 2)).shape == (2, 4, 3, 3)
    assert pad_to(label_ijk, (3, 8, 5)) is label_ijk


def test_crops_lie_inside_and_reach_every_place():
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(500):
        box = random_corner((10, 4, 6), (8, 4, 3), rng)
        assert [b.stop - b.start for b in box] == [8, 4, 3]
        starts.add(tuple(b.start for b in box))
    assert starts == {(i, 0, k) for i in range(3) for k in range(4)}


@pytest.mark.parametrize("margin", [-1, 0, 2])
def test_a_volume_smaller_than_the_patch_is_padded_until_it_fits(margin):
    import torch

    from bench.settings.schema import Sampling

    label_ijk = torch.zeros(5, 6, 20, dtype=torch.uint8)
    label_ijk[2, 3, 10] = 1
    case = TrainingCase("a", torch.rand(2, 5, 6, 20), label_ijk, is_manual=True)
    found = cropped(case, Sampling(patch=(8, 8, 8), roi_margin=margin))
    assert found.image_cijk.shape[0] == 2
    assert found.image_cijk.shape[1:] == found.label_ijk.shape
    assert min(found.label_ijk.shape) >= 8
    assert int(found.label_ijk.sum()) == 1
    assert found.label_ijk.shape[2] == (20 if margin < 0 else 8)


def test_a_crop_keeps_image_and_label_on_the_same_voxels():
    import torch

    from bench.settings.schema import Sampling

    label_ijk = torch.zeros(20, 20, 20, dtype=torch.uint8)
    label_ijk[4:9, 10:18, 3:6] = 1
    case = TrainingCase("a", label_ijk[None].float() * 7, label_ijk, is_manual=True)
    found = cropped(case, Sampling(patch=(8, 8, 8), roi_margin=1))
    assert torch.equal(found.image_cijk[0], found.label_ijk.float() * 7)
    assert int(found.label_ijk.sum()) == int(label_ijk.sum())
