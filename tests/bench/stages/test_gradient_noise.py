"""The noise in each layer's gradient, where it can be had another way."""

import copy

import numpy as np
import pytest
import torch

from bench.settings.schema import Compute, Sampling
from bench.stages.gradient_noise import Crops, crops, gradient_noise, noise_of_positions
from bench.stages.model import Trained
from methods.registry import method
from tsman.loss import segmentation_loss
from tsman.settings import StreamSettings

STREAM = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), dropout=0.0, weight_std=0.0)
SHAPE = (8, 8, 8)


@pytest.fixture
def shown():
    rng = torch.Generator().manual_seed(0)
    clean_bijk = torch.randint(0, 3, (2, *SHAPE), generator=rng)
    noisy_bijk = clean_bijk.clone()
    noisy_bijk[:, 2:4] = (noisy_bijk[:, 2:4] + 1) % 3
    return Crops(torch.randn(2, 1, *SHAPE, generator=rng), noisy_bijk, clean_bijk)


def fresh(name, stream=STREAM):
    contestant = method(name)
    compute = Compute(precision="float32", layout="contiguous", path="plain")
    return Trained(contestant, contestant.network(1, 3, stream), compute, "cpu")


def by_layer(found):
    return {(one.of, one.layer): one for one in found}


@pytest.mark.parametrize("name", ["densevoxnet", "tsman"])
def test_at_the_scores_the_gradient_is_the_prediction_less_the_label(name, shown):
    trained = fresh(name)
    found = by_layer(gradient_noise(trained, shown))["features", "score"]
    with torch.no_grad():
        scores = trained.network.train()(shown.image_bcijk)[:2]
    noisy, clean = (
        torch.stack([one.main_bnijk.softmax(1) - torch.eye(3)[label].movedim(-1, 1) for one in scores])
        for label in (shown.noisy_bijk, shown.clean_bijk)
    )
    assert found.noise_to_signal == pytest.approx(float((noisy - clean).norm() / clean.norm()), rel=1e-4)
    cosine = torch.nn.functional.cosine_similarity(noisy.ravel(), clean.ravel(), dim=0)
    assert found.cosine == pytest.approx(float(cosine), rel=1e-4)


def test_a_position_is_touched_by_any_noise_and_above_half_by_its_own_clean_gradient():
    clean_bcijk = torch.zeros(1, 2, 4, 1, 1)
    clean_bcijk[0, :, :, 0, 0] = torch.tensor(
        [[3.0, 3.0, 3.0, 0.0], [4.0, 4.0, 4.0, 0.0]]
    )  # 5 long, but the last
    noise_bcijk = torch.zeros_like(clean_bcijk)
    noise_bcijk[0, :, :, 0, 0] = torch.tensor([[0.0, 1.5, 2.0, 0.0], [0.0, 2.0, 1.6, 1e-9]])
    touched, above_half = noise_of_positions(noise_bcijk, clean_bcijk).tolist()
    assert touched == [False, True, True, True]
    assert above_half == [False, False, True, True]  # 2.5 is half, 2.56 more; nothing clean: any is more


def test_at_the_scores_the_wrong_labels_are_touched_and_no_other_position(shown):
    found = by_layer(gradient_noise(fresh("densevoxnet"), shown))
    wrong = float((shown.noisy_bijk != shown.clean_bijk).float().mean())
    score = found["features", "score"]
    assert score.touched == score.above_half == pytest.approx(wrong) == pytest.approx(0.25)
    assert found["parameters", "score"].touched is found["parameters", "score"].above_half is None


def test_the_further_from_the_loss_the_more_positions_one_wrong_label_reaches():
    label_bijk = torch.zeros(1, 32, 32, 32, dtype=torch.long)
    noisy_bijk = label_bijk.clone()
    noisy_bijk[0, 16, 16, 16] = 1
    image_bcijk = torch.randn(1, 1, 32, 32, 32)
    # Without the auxiliary branch, whose gradient has a way of its own.
    trained = fresh("densevoxnet", StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), dropout=0.0,
                                                  weight_std=0.0, auxiliary_weight=0.0))  # fmt: skip
    found = by_layer(gradient_noise(trained, Crops(image_bcijk, noisy_bijk, label_bijk)))
    shares = [found["features", layer].touched for layer in ("stem", "block2", "up1", "up2", "score")]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(1 / 32**3)
    # A deconvolution of kernel 4 and stride 2 hears of a voxel from 2 of the coarser ones an axis, less where
    # ReLU is off in both streams.
    assert 0 < shares[2] <= 8 / 16**3


def test_of_parameters_it_is_what_two_ways_back_give(shown):
    trained = fresh("densevoxnet")
    found = by_layer(gradient_noise(trained, shown))
    gradients = []
    for label_bijk in (shown.noisy_bijk, shown.clean_bijk):
        network = copy.deepcopy(trained.network).train()
        segmentation_loss(network(shown.image_bcijk), label_bijk).backward()
        stems = [stream.stages["stem"].weight.grad.ravel() for stream in network.streams]
        gradients.append(torch.cat(stems))
    ratio = (gradients[0] - gradients[1]).norm() / gradients[1].norm()
    assert found["parameters", "stem"].noise_to_signal == pytest.approx(float(ratio), rel=1e-3)


def test_the_network_is_left_as_it_was(shown):
    trained = fresh("tsman")
    before = copy.deepcopy(trained.network.state_dict())
    gradient_noise(trained, shown)
    after = trained.network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(parameter.grad is None for parameter in trained.network.parameters())


def test_dropout_alone_is_no_noise(shown):
    trained = fresh("densevoxnet", StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), dropout=0.5))
    equal = shown._replace(noisy_bijk=shown.clean_bijk)
    assert {one.noise_to_signal for one in gradient_noise(trained, equal)} == {0.0}


def test_a_stream_that_learns_nothing_by_gradient_is_left_out(shown):
    trained = fresh("densevoxnet")
    alone = by_layer(gradient_noise(fresh_copy(trained, keep=1), shown))
    trained.network.streams[1].requires_grad_(False)
    assert by_layer(gradient_noise(trained, shown)) == alone


def fresh_copy(trained, keep):
    """The same with its first streams alone."""
    network = copy.deepcopy(trained.network)
    network.streams = network.streams[:keep]
    return Trained(trained.method, network, trained.compute, trained.device)


def test_other_networks_give_nothing(shown):
    assert gradient_noise(fresh("unet-3d"), shown) == []


@pytest.mark.parametrize("margin", [-1, 2])
def test_crops_show_the_same_place_of_image_and_labels(margin):
    noisy_ijk = np.zeros((20, 18, 12), np.uint8)
    noisy_ijk[6:14, 5:12, 3:9] = np.random.default_rng(0).integers(1, 200, (8, 7, 6))
    image_cijk = noisy_ijk[None].astype(np.float32)
    sampling = Sampling(patch=(8, 8, 8), batch=5, roi_margin=margin)
    made = crops(image_cijk, (noisy_ijk, noisy_ijk + 1), sampling, np.random.default_rng(1))
    assert made.image_bcijk.shape == (5, 1, 8, 8, 8)
    assert torch.equal(made.image_bcijk[:, 0].long(), made.noisy_bijk)
    assert torch.equal(made.clean_bijk, made.noisy_bijk + 1)
    assert bool((made.noisy_bijk > 0).any())


def test_a_scan_smaller_than_the_patch_is_padded():
    label_ijk = np.ones((6, 6, 6), np.uint8)
    made = crops(
        label_ijk[None].astype(np.float32),
        (label_ijk, label_ijk),
        Sampling(patch=(8, 8, 8), batch=1),
        np.random.default_rng(0),
    )
    assert made.noisy_bijk.shape == (1, 8, 8, 8)
    assert int(made.noisy_bijk.sum()) == 6**3
