"""A level set evolution shortens boundaries, listens to the image, and never breaks on odd volumes."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.ndimage import distance_transform_edt

from methods.deep_level_set import DeepLevelSetMethod
from methods.interface import Case
from methods.level_set import Evolution, evolve, gaussian, signed_distance

SHAPE = (44, 40, 36)
CURVATURE = Evolution(beta=0.0, gamma=0.0)


def dice(predicted, truth, n):
    a, b = predicted == n, truth == n
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def radius_of(shape=SHAPE):
    axes = torch.meshgrid(*(torch.arange(size) - (size - 1) / 2 for size in shape), indexing="ij")
    return sum(axis**2 for axis in axes).sqrt()


def nested(shape=SHAPE):
    """A core, class 2, in a shell, class 1, like blood in a ventricle."""
    radius_ijk = radius_of(shape)
    return (radius_ijk < 12).long() + (radius_ijk < 7).long()


def scan(label_ijk, noise=0.3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    level = torch.tensor([0.0, 1.0, 2.5])
    return (level[label_ijk] + noise * torch.randn(label_ijk.shape, generator=generator))[None]


def certain(label_ijk, classes=3, confidence=0.9):
    one_hot_nijk = torch.nn.functional.one_hot(label_ijk, classes).movedim(-1, 0).float()
    return one_hot_nijk * confidence + (1 - confidence) / classes


def corrupted(label_ijk, seed=1):
    """Probabilities of a network that is unsure at boundaries and wrong in blobs."""
    generator = torch.Generator().manual_seed(seed)
    noise_nijk = torch.randn((3, *label_ijk.shape), generator=generator)
    for _ in range(3):
        noise_nijk = torch.nn.functional.avg_pool3d(noise_nijk, 3, stride=1, padding=1)
    soft_nijk = torch.nn.functional.avg_pool3d(certain(label_ijk), 5, stride=1, padding=2)
    return (soft_nijk.clamp(min=1e-3).log() + noise_nijk / noise_nijk.std()).softmax(dim=0)


def expected_distance(mask_ijk, clip):
    inside, outside = distance_transform_edt(mask_ijk), distance_transform_edt(~mask_ijk)
    signed = torch.as_tensor(inside - outside)
    return torch.where(mask_ijk, signed - 0.5, signed + 0.5).clamp(-clip, clip).float()


def cuboid():
    mask_ijk = torch.zeros(7, 50, 23, dtype=torch.bool)
    mask_ijk[3, 2:45, 4:9] = True
    return mask_ijk


def scattered(share, seed):
    return torch.rand((24, 17, 31), generator=torch.Generator().manual_seed(seed)) < share


MASKS = {
    "sparse": scattered(0.001, 0),
    "half": scattered(0.5, 1),
    "dense": scattered(0.999, 2),
    "sphere": radius_of() < 11,
    "ellipsoid": radius_of((60, 20, 30)) < 9,
    "cuboid": cuboid(),
    "one slice": scattered(0.05, 3)[:1],
}


@pytest.mark.parametrize("clip", [3.3, 20.0, 150.0])
@pytest.mark.parametrize("name", MASKS)
def test_the_signed_distance_is_the_exact_one_up_to_its_clip(name, clip):
    distance_ijk = signed_distance(MASKS[name], clip)
    assert distance_ijk.dtype == torch.float32
    torch.testing.assert_close(distance_ijk, expected_distance(MASKS[name], clip), rtol=1e-6, atol=1e-5)


def test_a_mask_and_its_complement_have_opposite_distances():
    mask_ijk = MASKS["half"]
    assert torch.equal(signed_distance(mask_ijk, 20.0), -signed_distance(~mask_ijk, 20.0))


def test_an_empty_mask_is_far_outside_and_a_full_one_far_inside():
    assert bool((signed_distance(torch.zeros(5, 6, 7, dtype=torch.bool), 20.0) == -20).all())
    assert bool((signed_distance(torch.ones(5, 6, 7, dtype=torch.bool), 20.0) == 20).all())


@pytest.mark.parametrize("edge_weighted", [False, True])
def test_contrast_repairs_corrupted_probabilities(edge_weighted):
    truth_ijk = nested()
    probability_nijk = corrupted(truth_ijk)
    first_ijk = probability_nijk.argmax(dim=0)
    label_ijk = evolve(scan(truth_ijk), probability_nijk, Evolution(edge_weighted=edge_weighted))
    for n, least in ((1, 0.1), (2, 0.02)):
        assert dice(label_ijk, truth_ijk, n) > dice(first_ijk, truth_ijk, n) + least
        assert dice(label_ijk, truth_ijk, n) > 0.93


def test_a_second_channel_tells_apart_what_the_first_cannot():
    truth_ijk = nested()
    probability_nijk = corrupted(truth_ijk)
    outer_cijk = scan((truth_ijk > 0).long())
    inner_cijk = scan((truth_ijk == 2).long(), seed=5)
    one = evolve(outer_cijk, probability_nijk, Evolution())
    both = evolve(torch.cat((outer_cijk, inner_cijk)), probability_nijk, Evolution())
    assert dice(both, truth_ijk, 2) > dice(one, truth_ijk, 2) + 0.02
    assert dice(both, truth_ijk, 1) > dice(one, truth_ijk, 1) + 0.02


@pytest.mark.parametrize("radius", [10, 12, 14])
def test_curvature_alone_shrinks_a_sphere_as_fast_as_mean_curvature_flow(radius):
    before_ijk = (radius_of((32, 32, 32)) < radius).long()
    after_ijk = evolve(torch.zeros(1, 32, 32, 32), certain(before_ijk, 2), CURVATURE)
    # The radius falls by 2 / radius in unit time; the delta function is 0.9 at half a voxel.
    expected = (radius**2 - 4 * 0.9 * CURVATURE.dt * CURVATURE.iterations) ** 0.5
    assert (3 * float(after_ijk.sum()) / (4 * math.pi)) ** (1 / 3) == pytest.approx(expected, abs=0.75)
    assert torch.equal(after_ijk, after_ijk.flip(0, 1, 2))


def test_curvature_alone_removes_a_spike_of_one_voxel_and_keeps_the_face_below_it():
    block_ijk = torch.zeros(SHAPE, dtype=torch.long)
    block_ijk[:20] = 1
    spiked_ijk = block_ijk.clone()
    spiked_ijk[20, 18, 16] = 1
    assert torch.equal(evolve(torch.zeros(1, *SHAPE), certain(spiked_ijk, 2), CURVATURE), block_ijk)


def test_a_perfect_label_stays_where_the_image_agrees():
    truth_ijk = nested()
    label_ijk = evolve(scan(truth_ijk, noise=0.1), certain(truth_ijk), Evolution())
    assert min(dice(label_ijk, truth_ijk, n) for n in (1, 2)) > 0.97


def test_no_iterations_give_the_most_probable_label():
    probability_nijk = corrupted(nested())
    label_ijk = evolve(scan(nested()), probability_nijk, Evolution(iterations=0))
    assert label_ijk.dtype == torch.int64
    assert torch.equal(label_ijk, probability_nijk.argmax(dim=0))


def test_iterations_need_not_be_a_multiple_of_the_reinitialisations():
    image_cijk, probability_nijk = scan(nested()), corrupted(nested())
    ten, thirteen = (evolve(image_cijk, probability_nijk, Evolution(iterations=n)) for n in (10, 13))
    assert not torch.equal(ten, thirteen)


def test_an_absent_class_stays_absent_and_changes_nothing():
    truth_ijk = nested()
    image_cijk, probability_nijk = scan(truth_ijk), corrupted(truth_ijk)
    # The extra class is improbable, but its empty histogram must not make it a rival either.
    with_absent_nijk = torch.cat((probability_nijk, 0.3 * probability_nijk.amin(dim=0, keepdim=True)))
    without, with_absent = (evolve(image_cijk, p, Evolution()) for p in (probability_nijk, with_absent_nijk))
    assert torch.equal(without, with_absent)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_volume_of_one_class_stays_as_it_is(n):
    label_ijk = torch.full(SHAPE, n)
    assert torch.equal(evolve(scan(label_ijk), certain(label_ijk), Evolution()), label_ijk)


def test_a_constant_image_leaves_the_probabilities_in_charge():
    truth_ijk = nested()
    flat = evolve(torch.full((1, *SHAPE), 1e4), certain(truth_ijk), Evolution(gamma=1.0))
    blind = evolve(scan(truth_ijk), certain(truth_ijk), Evolution(beta=0.0, gamma=1.0))
    assert torch.equal(flat, blind)
    assert min(dice(flat, truth_ijk, n) for n in (1, 2)) > 0.95


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 1), (1, 12, 9), (6, 5, 4)])
def test_a_volume_smaller_than_every_radius_works(shape):
    generator = torch.Generator().manual_seed(0)
    probability_nijk = torch.rand((3, *shape), generator=generator).softmax(dim=0)
    for settings in (Evolution(), Evolution(edge_weighted=True)):
        label_ijk = evolve(torch.rand((1, *shape), generator=generator), probability_nijk, settings)
        assert label_ijk.shape == shape
        assert set(label_ijk.unique().tolist()) <= {0, 1, 2}


def test_nothing_changes_far_from_the_foreground_and_the_rest_of_the_volume_does_not_matter():
    truth_ijk = nested()
    image_cijk, probability_nijk = scan(truth_ijk), certain(truth_ijk)
    pad = (20, 0, 0, 20, 20, 20)
    wide_cijk = torch.nn.functional.pad(image_cijk, pad, value=7.0)
    wide_nijk = torch.nn.functional.pad(probability_nijk, pad, value=0.0)
    settings = replace(Evolution(), context=1)
    label_ijk = evolve(image_cijk, probability_nijk, settings)
    wide_ijk = evolve(wide_cijk, wide_nijk, settings)
    assert torch.equal(wide_ijk[20:-20, :-20, 20:], label_ijk)
    assert wide_ijk.sum() == label_ijk.sum()


def test_an_intensity_in_other_units_gives_the_same_label():
    image_cijk, probability_nijk = scan(nested()), corrupted(nested())
    expected_ijk = evolve(image_cijk, probability_nijk, Evolution())
    assert torch.equal(evolve(1024 * image_cijk, probability_nijk, Evolution()), expected_ijk)


def test_the_same_volume_gives_the_same_label_however_it_lies_in_memory():
    image_cijk, probability_nijk = scan(nested()), corrupted(nested()).requires_grad_()
    copies = image_cijk.clone(), probability_nijk.detach().clone()
    first_ijk = evolve(image_cijk, probability_nijk, Evolution())
    strided = (x.permute(3, 1, 2, 0).contiguous().permute(3, 1, 2, 0) for x in copies)
    assert torch.equal(evolve(*strided, Evolution()), first_ijk)
    assert torch.equal(image_cijk, copies[0])
    assert torch.equal(probability_nijk, copies[1])
    assert not first_ijk.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_probabilities_of_any_precision_are_accepted(dtype):
    truth_ijk = nested()
    label_ijk = evolve(scan(truth_ijk), corrupted(truth_ijk).to(dtype), Evolution())
    assert min(dice(label_ijk, truth_ijk, n) for n in (1, 2)) > 0.93


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_nearly_the_label_of_the_processor():
    image_cijk, probability_nijk = scan(nested()), corrupted(nested())
    expected_ijk = evolve(image_cijk, probability_nijk, Evolution())
    label_ijk = evolve(image_cijk.cuda(), probability_nijk.cuda(), Evolution())
    assert label_ijk.is_cuda
    assert (label_ijk.cpu() == expected_ijk).float().mean() > 0.999


def test_tensors_of_two_grids_are_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"\(1, 4, 4, 4\) and .*\(3, 4, 4, 5\)"):
        evolve(torch.zeros(1, 4, 4, 4), torch.zeros(3, 4, 4, 5), Evolution())


def test_a_setting_that_cannot_work_is_refused_with_its_value():
    with pytest.raises(ValueError, match="dt is 0"):
        Evolution(dt=0.0)
    with pytest.raises(ValueError, match=r"prior_sigma -1 must be in \[0, 20\]"):
        Evolution(prior_sigma=-1)


def test_a_smoothed_prior_moves_a_boundary_of_which_it_is_sure():
    truth_ijk, wrong_ijk = nested(), (radius_of() < 14).long() + (radius_of() < 7).long()
    stuck, moved = (
        evolve(scan(truth_ijk), certain(wrong_ijk, confidence=1.0), Evolution(prior_sigma=sigma))
        for sigma in (0.0, 1.5)
    )
    assert dice(stuck, truth_ijk, 1) < dice(wrong_ijk, truth_ijk, 1) + 0.01
    assert dice(moved, truth_ijk, 1) > dice(wrong_ijk, truth_ijk, 1) + 0.1


def test_a_smoothed_prior_is_a_gaussian_of_so_many_voxels_in_each_direction():
    impulse_cijk = torch.zeros(2, 17, 15, 13)
    impulse_cijk[0, 8, 7, 6] = 1.0
    impulse_cijk[1] = 0.25
    smooth_cijk = gaussian(impulse_cijk, 1.5)
    assert smooth_cijk.shape == impulse_cijk.shape
    torch.testing.assert_close(smooth_cijk[1], impulse_cijk[1])
    assert float(smooth_cijk[0].sum()) == pytest.approx(1.0)
    for axis, centre in enumerate((8, 7, 6)):
        line = smooth_cijk[0].sum(tuple(other for other in range(3) if other != axis))
        spread = (line * (torch.arange(len(line)) - centre) ** 2).sum().sqrt()
        assert float(spread) == pytest.approx(1.5, rel=0.02)
    assert gaussian(impulse_cijk, 0.0) is impulse_cijk


SPHERE = (52, 52, 52)


def ball_of(radius):
    return (radius_of(SPHERE) < radius).long()


def networks_of(label_ijk, truth_ijk):
    """What networks may say while they learn a label: the label, less surely, or something between."""
    return {
        "sure": certain(label_ijk, 2, 1.0),
        "unsure": certain(label_ijk, 2, 0.8),
        "between": 0.5 * (certain(label_ijk, 2, 1.0) + certain(truth_ijk, 2, 1.0)),
    }


def revised(label_ijk, truth_ijk, probability_nijk, rounds=1):
    image_cijk = scan(truth_ijk)
    for _ in range(rounds):
        case = Case("pseudo", image_cijk, label_ijk.to(torch.uint8), False)
        found = DeepLevelSetMethod().revise([case], lambda _: probability_nijk, 0.5)
        label_ijk = found["pseudo"].long()
    return label_ijk


@pytest.mark.parametrize("network", ["sure", "unsure", "between"])
@pytest.mark.parametrize(("by", "before"), [(3, 0.77), (-3, 0.74)])
def test_as_shipped_a_sphere_that_is_wrong_by_three_voxels_comes_back(by, before, network):
    truth_ijk, wrong_ijk = ball_of(18), ball_of(18 + by)
    assert dice(wrong_ijk, truth_ijk, 1) == pytest.approx(before, abs=0.01)
    label_ijk = revised(wrong_ijk, truth_ijk, networks_of(wrong_ijk, truth_ijk)[network])
    assert dice(label_ijk, truth_ijk, 1) >= 0.86


@pytest.mark.parametrize("network", ["sure", "unsure"])
def test_as_shipped_a_right_label_is_hardly_harmed_in_both_rounds(network):
    truth_ijk = ball_of(18)
    label_ijk = revised(truth_ijk, truth_ijk, networks_of(truth_ijk, truth_ijk)[network], rounds=2)
    assert dice(label_ijk, truth_ijk, 1) >= 0.98


def test_as_shipped_a_thin_wall_stays_that_the_networks_have_not_found():
    truth_ijk = (radius_of(SPHERE) < 15).long() + (radius_of(SPHERE) < 12).long()
    blind_nijk = certain((truth_ijk == 2).long() * 2, 3, 0.7)
    label_ijk = revised(truth_ijk, truth_ijk, blind_nijk)
    assert dice(label_ijk, truth_ijk, 1) >= 0.9


def test_at_test_the_level_set_evolves_from_the_prediction_unless_told_otherwise():
    truth_ijk = ball_of(18)
    probability_nijk = certain(ball_of(16), 2, 0.6)
    before = probability_nijk.clone()
    refined_nijk = DeepLevelSetMethod().refine(scan(truth_ijk), probability_nijk)
    assert torch.equal(probability_nijk, before)
    assert torch.equal(refined_nijk.sum(0), torch.ones(SPHERE))
    assert dice(refined_nijk.argmax(0), truth_ijk, 1) > 0.95 > dice(ball_of(16), truth_ijk, 1)
    assert (
        DeepLevelSetMethod(refine_at_test=False).refine(scan(truth_ijk), probability_nijk) is probability_nijk
    )
