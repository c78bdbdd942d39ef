"""The layers that are swapped in say what PyTorch's own say, forwards and backwards."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from bench.files.processor import has_native_bfloat16
from bench.plan.recipes import RECIPES, recipe
from bench.stages.fast_layers import Deconvolution, Dropout, lay_channels_last, quicken
from bench.stages.model import begin
from methods.registry import method as method_named
from tsman.settings import StreamSettings

LAST = torch.channels_last_3d


@pytest.fixture(autouse=True)
def _one_stream():
    with torch.random.fork_rng():
        torch.manual_seed(0)  # noqa: TID251 a test is its own harness
        yield


@pytest.mark.parametrize("kernel", [2, 4])
@pytest.mark.parametrize("layout", [torch.contiguous_format, LAST])
def test_a_deconvolution_gives_the_plain_one_s_values_and_gradients(kernel, layout):
    plain = nn.ConvTranspose3d(5, 3, kernel, stride=2, padding=(kernel - 2) // 2)
    fast = Deconvolution.of(copy.deepcopy(plain))
    x = torch.randn(2, 5, 4, 6, 8).contiguous(memory_format=layout)
    grad = torch.randn(2, 3, 8, 12, 16).contiguous(memory_format=layout)
    given = {}
    for name, layer in (("plain", plain), ("fast", fast)):
        own = x.clone(memory_format=torch.preserve_format).requires_grad_()
        y = torch.relu_(layer(own))
        y.backward(grad)
        given[name] = [y.detach(), own.grad, layer.weight.grad, layer.bias.grad]
    for one, other in zip(given["plain"], given["fast"], strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-5)
    assert given["fast"][3].abs().max() > 0


def test_a_deconvolution_s_gradients_hold_against_finite_differences():
    layer = Deconvolution.of(nn.ConvTranspose3d(2, 2, 4, stride=2, padding=1)).double()

    def loss(weight, bias, x):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,)).square().sum()

    x = torch.randn(1, 2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    weight, bias = (p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias))
    loss(weight, bias, x).backward()
    for place in range(2):
        shifted = [bias.detach().clone() for _ in range(2)]
        shifted[0][place] += 1e-6
        shifted[1][place] -= 1e-6
        slope = (
            loss(weight.detach(), shifted[0], x.detach()) - loss(weight.detach(), shifted[1], x.detach())
        ) / 2e-6
        assert bias.grad[place].item() == pytest.approx(slope.item(), rel=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, LAST])
def test_dropout_drops_its_share_voxel_by_voxel_and_keeps_the_mean(layout):
    x = torch.ones(2, 12, 33, 32, 31, dtype=torch.bfloat16).contiguous(memory_format=layout)
    y = Dropout(0.2)(x)
    values, counts = torch.unique(y.float(), return_counts=True)
    assert values.tolist() == [0.0, 1.25]
    assert counts[0].item() / x.numel() == pytest.approx(0.2, abs=0.003)
    together = ((y[:, 0] == 0) & (y[:, 1] == 0)).float().mean().item()
    assert together == pytest.approx(0.04, abs=0.005), "neighbouring channels are dropped on their own"


def test_dropout_passes_gradients_where_it_passes_values_and_rests_in_evaluation():
    layer, x = Dropout(0.5), torch.ones(3, 1000, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert torch.equal(layer.eval()(x), x)
    nothing = Dropout(0.0)
    assert torch.equal(nothing(x), x)


def test_a_quickened_network_keeps_the_names_values_and_identity_of_its_parameters():
    network = method_named("tsman").network(1, 3, StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8)))
    before = dict(network.named_parameters())
    quicken(network)
    after = dict(network.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    kinds = {type(module) for module in network.modules()}
    assert {Deconvolution, Dropout} <= kinds
    assert not {nn.ConvTranspose3d, nn.Dropout} & kinds


@pytest.mark.skipif(not has_native_bfloat16(), reason="oneDNN keeps channels last in native bfloat16 alone")
def test_laying_out_writes_the_strides_even_of_one_channel_and_of_a_single_tap():
    network = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.Conv3d(4, 6, 1), nn.Conv3d(6, 2, 3, padding=1))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    lay_channels_last(network)
    x = torch.randn(2, 1, 16, 16, 16)
    for layer in network:
        with torch.autocast("cpu", torch.bfloat16):
            x = layer(x)
        assert x.stride()[1] == 1, "one layer that falls back makes all behind it copy"
    assert all(torch.equal(one, other) for one, other in zip(before, network.parameters(), strict=True))


def settings_of(made, method="tsman"):
    from bench.settings.serialise import plain
    from bench.settings.stage_specs import MethodReference, TrainingSpec

    return TrainingSpec(
        method=MethodReference(name=method, settings=plain(method_named(method))),
        stream=replace(made.stream, dropout=0.0),
        sampling=made.sampling,
        optimiser=made.optimiser,
        steps=1,
        seed=0,
        compute=made.compute,
        channels=1 if method != "mme" else 4,
        classes=3,
    )


@pytest.mark.parametrize("method", ["tsman", "densevoxnet", "deep-level-set", "decoupling", "unet-3d"])
def test_the_fast_path_of_a_method_is_the_plain_one_to_bfloat16_s_digits(method):
    """Same weights, same batch: losses within 1 %, gradients within 15 degrees of one another."""
    from methods.interface import Batch

    image = torch.randn(1, 1, 16, 16, 16)
    label = torch.randint(0, 3, (1, 16, 16, 16))
    made = {
        "fast": recipe("smoke", ["compute.precision=bfloat16"], {}),
        "plain": recipe("smoke", ["compute=plain"], {}),
    }
    if method == "unet-3d":
        image, label = torch.randn(1, 1, 48, 48, 48), torch.randint(0, 3, (1, 48, 48, 48))
    weights, losses, gradients = None, {}, {}
    for name, one in made.items():
        trained = begin(settings_of(one, method), "cpu")
        weights = weights or {key: value.clone() for key, value in trained.network.state_dict().items()}
        trained.network.load_state_dict(weights)
        trained.network.train()
        with trained.autocast():
            loss = trained.method.loss(
                trained.network, Batch(trained.laid_out(image), label, torch.tensor([True])), 0.0
            )
        loss.backward()
        losses[name] = loss.item()
        gradients[name] = torch.cat(
            [p.grad.flatten() for p in trained.network.parameters() if p.grad is not None]
        )
    assert losses["fast"] == pytest.approx(losses["plain"], rel=0.01)
    cosine = torch.nn.functional.cosine_similarity(gradients["fast"], gradients["plain"], dim=0)
    assert cosine > 0.966


def test_fast_layers_in_float32_are_the_plain_network_to_its_last_digits():
    image = torch.randn(2, 1, 16, 16, 16)
    fast, plain = (
        begin(settings_of(recipe("smoke", [change], {})), "cpu")
        for change in ("compute.precision=float32", "compute=plain")
    )
    plain.network.load_state_dict(fast.network.state_dict())
    torch.testing.assert_close(fast.predict(image), plain.predict(image), rtol=1e-4, atol=1e-5)


def test_one_word_chooses_the_plain_path_of_training_and_scores():
    made = recipe("quick", ["compute=plain"], {})
    assert (made.compute.precision, made.compute.layout, made.compute.path) == (
        "float32",
        "contiguous",
        "plain",
    )
    assert made.metrics.compute == "plain"
    assert made.compute.threads == RECIPES["quick"]().compute.threads
    network = begin(settings_of(made), "cpu").network
    assert not {Deconvolution, Dropout} & {type(module) for module in network.modules()}


def test_a_word_that_is_no_way_to_compute_is_refused_with_the_known_ones():
    from bench.errors import UsageError

    with pytest.raises(
        UsageError, match=r"unknown compute 'plane'. Did you mean 'plain'\? Known: fast, plain"
    ):
        recipe("quick", ["compute=plane"], {})
