"""What the harness relies on, of every registered method."""

from __future__ import annotations

import re
from dataclasses import is_dataclass, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.settings.schema import Compute
from bench.stages.fast_layers import lay_channels_last
from bench.stages.model import Trained
from bench.stages.training.loop import step
from methods import registry
from methods.interface import Batch, Doubts, Method, ParameterGroups
from tsman.labels import hard_label, mean_dice
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=8, growth=4, units=2, decoder=(16, 8), weight_std=0.0)


SIDE = re.compile(r"^(first|second|streams\.\d+)\.")
"""What the names of one network's weights begin with, and no other's."""
ONE_NETWORK = {"adele"}
"""Whose passes are all of one network, at several scales."""
PATIENCE = {"cross-entropy": 160, "truncated-gce": 160}
"""Steps to learn a patch: one has no second network to lean on, one learns nothing new in its second half."""


@pytest.fixture(params=list(registry.METHODS))
def method(request):
    return registry.method(request.param)


def channels_of(method):
    """The fewest image channels that the method can be trained on."""
    return next(channels for channels in (1, 2) if not registry.why_unfit(method, channels, 3))


def cubes(method, batch=1, classes=3):
    """Two cuboids side by side, on the grid that the decoder can draw exactly."""
    label_bijk = torch.zeros(batch, 16, 16, 16, dtype=torch.int64)
    label_bijk[:, 4:8, 4:12, 4:12] = 1
    if classes == 3:
        label_bijk[:, 8:12, 4:12, 4:12] = 2
    noise_bcijk = torch.randn(batch, channels_of(method), 16, 16, 16)
    image_bcijk = label_bijk[:, None] - 0.3 + 0.1 * noise_bcijk
    return Batch(image_bcijk, label_bijk, torch.zeros(batch, dtype=torch.bool))


def fresh(method):
    return method.network(channels_of(method), 3, NARROW)


def trained(method, batch, steps):
    one = Trained(method, fresh(method), Compute(precision="float32"), "cpu")
    optimiser = torch.optim.AdamW(one.network.parameters(), lr=1e-2)
    for done in range(steps):
        step(one, batch, optimiser, progress=done / steps, number=done + 1)
    return one.network


def predicted(method, network, image_bcijk):
    with torch.inference_mode():
        return method.probabilities(network.eval(), image_bcijk)


def test_it_keeps_the_interface_as_frozen_hashable_data(method):
    assert isinstance(method, Method)
    assert is_dataclass(method)
    assert hash(method) == hash(type(method)())
    assert method.networks >= 1
    assert method.version >= 1


@pytest.mark.parametrize("batch_size", [1, 3])
def test_probabilities_sum_to_one(method, batch_size):
    image_bcijk = torch.randn(batch_size, 2, 8, 12, 16)
    probability_bnijk = predicted(method, method.network(2, 4, NARROW), image_bcijk)
    assert probability_bnijk.shape == (batch_size, 4, 8, 12, 16)
    assert probability_bnijk.dtype == torch.float32
    assert bool((probability_bnijk >= 0).all())
    torch.testing.assert_close(probability_bnijk.sum(1), torch.ones(batch_size, 8, 12, 16))


@pytest.mark.parametrize("size_ijk", [(20, 12, 8), (36, 20, 4)])
def test_any_multiple_of_four_is_segmented(method, size_ijk):
    network = method.network(2, 3, NARROW)
    assert predicted(method, network, torch.randn(1, 2, *size_ijk)).shape == (1, 3, *size_ijk)


@pytest.mark.parametrize("progress", [0.0, 0.99])
def test_its_loss_is_a_finite_scalar_that_moves_the_network(method, progress):
    network = fresh(method)
    loss = method.loss(network, cubes(method, batch=2), progress)
    assert loss.shape == ()
    assert loss.dtype == torch.float32
    loss.backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients)


@pytest.mark.parametrize("progress", [0.0, 0.99])
def test_a_missing_class_and_a_lone_item_do_no_harm(method, progress):
    loss = method.loss(fresh(method), cubes(method, batch=1, classes=2), progress)
    assert loss is None or bool(torch.isfinite(loss))


def test_bfloat16_keeps_loss_and_probabilities_in_float32(method):
    network, batch = fresh(method), cubes(method)
    lay_channels_last(network)
    with torch.autocast("cpu", torch.bfloat16):
        assert method.loss(network, batch, 0.0).dtype == torch.float32
        assert predicted(method, network, batch.image_bcijk).dtype == torch.float32


def test_the_same_seed_gives_the_same_losses_bit_for_bit(method):
    def losses():
        torch.manual_seed(3)  # noqa: TID251 a test is its own harness
        network, batch = fresh(method), cubes(method)
        return [method.loss(network, batch, progress).item() for progress in (0.0, 0.2, 0.99)]

    assert losses() == losses()


def test_saved_and_loaded_it_predicts_the_same(method, tmp_path):
    batch = cubes(method)
    network = trained(method, batch, 2)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    loaded = fresh(method)
    loaded.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    before, after = (predicted(method, n, batch.image_bcijk) for n in (network, loaded))
    assert torch.equal(before, after)


def test_its_networks_start_different(method):
    state = fresh(method).state_dict()
    first = next(name for name in state if SIDE.match(name) and name.endswith("weight"))
    starts = [weight for name, weight in state.items() if SIDE.sub("", name) == SIDE.sub("", first)]
    assert len(starts) == (1 if method.name in ONE_NETWORK else method.networks)
    assert len(starts) == 1 or not torch.equal(starts[0], starts[-1])


def test_prediction_sees_no_batch_and_changes_nothing(method):
    network, image_bcijk = fresh(method), torch.randn(2, channels_of(method), 16, 16, 16)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    both, alone = predicted(method, network, image_bcijk), predicted(method, network, image_bcijk[:1])
    torch.testing.assert_close(alone, both[:1])
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_it_learns_one_patch_by_heart(method):
    # One item of each kind: a network may learn from manual labels alone, or hardly from others.
    batch = replace(cubes(method, batch=2), is_manual_b=torch.tensor([True, False]))
    network = trained(method, batch, PATIENCE.get(method.name, 80))
    label_bijk = hard_label(predicted(method, network, batch.image_bcijk), dim=1)
    assert mean_dice(label_bijk, batch.label_bijk, 3) > 0.95


def test_its_parameter_groups_hold_every_parameter_once(method):
    if not isinstance(method, ParameterGroups):
        pytest.skip("all its parameters learn alike")
    network = fresh(method)
    groups = method.parameter_groups(network)
    grouped = [id(parameter) for group in groups for parameter in group.parameters]
    assert sorted(grouped) == sorted(id(one) for one in network.parameters() if one.requires_grad)
    assert {(0.1, True), (1.0, True), (2.0, False)} <= {(g.learning_rate_factor, g.decay) for g in groups}


def test_its_doubt_is_a_share_of_every_voxel(method):
    if not isinstance(method, Doubts):
        pytest.skip("declares no doubt")
    batch = cubes(method, batch=2)
    # A method that studies its labels may doubt by the targets it gave, and says nothing without them.
    target_bnijk = torch.rand(2, 3, 16, 16, 16).softmax(1)
    doubts = method.doubt(fresh(method), replace(batch, target_bnijk=target_bnijk))
    assert doubts
    assert set(method.doubt(fresh(method), batch)) <= set(doubts)
    for doubt_bijk in doubts.values():
        assert doubt_bijk.shape == (2, 16, 16, 16)
        assert bool(((doubt_bijk >= 0) & (doubt_bijk <= 1)).all())
        assert not doubt_bijk.requires_grad
