"""The attention between two streams, and every form of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tsman.attention import ChannelAttention, SpatialAttention, attend
from tsman.network import SITES, Independent, TwoStream, full_size, mean_probability
from tsman.settings import AttentionSettings, StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0)


def form(**changes):
    """The plain form at full width, whatever the measured default is."""
    return AttentionSettings(**{"gain": "plain", "hidden_share": 1.0, "spatial_hidden_share": 0.5, **changes})


OFF = form(f1=False, f2=False, f3=False, f4=False)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def two_stream(**changes):
    return TwoStream(1, 3, NARROW, form(**changes))


def test_without_attention_it_is_two_independent_networks():
    network, pair = TwoStream(1, 3, NARROW, OFF), Independent(1, 3, NARROW, 2)
    state = [tensor for stream in (network.first, network.second) for tensor in stream.state_dict().values()]
    pair.load_state_dict(dict(zip(pair.state_dict(), state, strict=True)))
    image_bcijk = torch.randn(1, 1, 16, 16, 16)
    scores, (first, second) = network.eval()(image_bcijk), pair.eval()(image_bcijk)
    assert torch.equal(scores.first.main_bnijk, first.main_bnijk)
    assert torch.equal(scores.second.main_bnijk, second.main_bnijk)
    assert scores.maps == {}


@pytest.mark.parametrize(
    ("switch", "added"),
    [
        ("f1", 4 * (12 * 12 + 12)),  # 4 + 2 x 4 channels; two layers a stream, with bias
        ("f2", 4 * (20 * 20 + 20)),
        ("f3", 2 * 8 * 4 * 27 + 2 * 4 + 2 * (4 + 1)),  # two 3 x 3 x 3, one normalisation, two maps
    ],
)
def test_each_switch_adds_its_own_parameters(switch, added):
    assert count(TwoStream(1, 3, NARROW, replace(OFF, **{switch: True}))) == count(two_stream_off()) + added


def two_stream_off():
    return TwoStream(1, 3, NARROW, OFF)


def test_loss_attention_has_no_parameters():
    assert count(TwoStream(1, 3, NARROW, replace(OFF, f4=True))) == count(two_stream_off())


@pytest.mark.parametrize("placement", list(SITES))
def test_every_placement_gives_maps_that_fit_its_stage(placement):
    image_bcijk = torch.randn(2, 1, 16, 16, 16)
    maps = two_stream(placement=placement)(image_bcijk).maps
    widths = {"A": (12, 20, 16), "A-before-pooling": (12, 20, 16), "B": (4, 12, 4), "C": (12, 20, 8)}[
        placement
    ]
    assert maps["f1"][0].shape == (2, widths[0], 1, 1, 1)
    assert maps["f2"][0].shape == (2, widths[1], 1, 1, 1)
    assert maps["f3"][0].shape == (2, 1, *[widths[2]] * 3)
    assert full_size(maps["f3"][0], image_bcijk).shape == (2, 1, 16, 16, 16)


@pytest.mark.parametrize("placement", ["A", "A-before-pooling"])
def test_only_attention_before_the_pooling_changes_the_auxiliary_branch(placement):
    network = TwoStream(1, 3, replace(NARROW, dropout=0.0), form(placement=placement))
    image_bcijk = torch.randn(1, 1, 16, 16, 16)
    before = network(image_bcijk).first.auxiliary_bnijk
    torch.nn.init.constant_(network.attention["f1"].last.bias, 3.0)
    changed = not torch.allclose(network(image_bcijk).first.auxiliary_bnijk, before)
    assert changed == (placement == "A-before-pooling")


@pytest.mark.parametrize("kind", [ChannelAttention, SpatialAttention])
@pytest.mark.parametrize("fusion", ["add", "concat", "abs_diff"])
@pytest.mark.parametrize("shared", [False, True])
def test_maps_are_shares_and_differ_unless_shared(kind, fusion, shared):
    settings = form(fusion=fusion, shared_maps=shared)
    attention = kind(6, settings, NARROW)
    a, a_hat = attention(torch.randn(2, 6, 4, 4, 4), torch.randn(2, 6, 4, 4, 4))
    assert bool(((a > 0) & (a < 1)).all())
    assert torch.equal(a, a_hat) == shared


def test_only_the_absolute_difference_vanishes_where_both_streams_say_the_same():
    o_bcijk = torch.randn(1, 6, 4, 4, 4)
    for fusion in ("add", "abs_diff"):
        attention = ChannelAttention(6, form(fusion=fusion), NARROW)
        attention.hidden_hat.load_state_dict(attention.hidden.state_dict())
        flat = torch.allclose(attention(o_bcijk, o_bcijk)[0], torch.tensor(0.5), atol=1e-6)
        assert flat == (fusion == "abs_diff")


def test_a_map_starts_at_the_sigmoid_of_its_start_bias():
    o_bcijk = torch.randn(1, 6, 4, 4, 4)
    for kind in (ChannelAttention, SpatialAttention):
        a, _ = kind(6, form(start_bias=2.0), NARROW)(o_bcijk, o_bcijk)
        torch.testing.assert_close(a, torch.full_like(a, 0.8808), rtol=0, atol=0.02)


@pytest.mark.parametrize(
    ("gain", "expected"), [("plain", 0.75), ("double", 1.5), ("residual", 3.75), ("tanh", 1.5)]
)
def test_gains_scale_the_feature(gain, expected):
    scaled = attend(torch.full((1, 2, 4, 4, 4), 3.0), torch.full((1, 1, 4, 4, 4), 0.25), form(gain=gain))
    assert torch.equal(scaled, torch.full_like(scaled, expected))


@pytest.mark.parametrize(("gradient", "is_exact"), [("detach_inputs", True), ("through", False)])
def test_only_detached_inputs_give_the_gradient_of_the_papers_equation_5(gradient, is_exact):
    settings = form(gradient=gradient)
    attention = SpatialAttention(4, settings, NARROW).eval()
    o_bcijk = torch.randn(1, 4, 4, 4, 4, requires_grad=True)
    a, _ = attention(o_bcijk, torch.randn(1, 4, 4, 4, 4))
    upstream_bcijk = 10.0 * torch.randn(1, 4, 4, 4, 4)
    attend(o_bcijk, a, settings).backward(upstream_bcijk)
    assert torch.allclose(o_bcijk.grad, a.detach() * upstream_bcijk, atol=1e-4) == is_exact
    assert attention.last.weight.grad.any(), "the map itself always learns"


@pytest.mark.parametrize("placement", list(SITES))
@pytest.mark.parametrize("gradient", ["through", "detach_inputs", "only"])
def test_gradient_reaches_every_parameter_of_both_streams(placement, gradient):
    attention = form(placement=placement, gradient=gradient, start_bias=1.0)
    network = TwoStream(1, 3, replace(NARROW, dropout=0.0), attention)
    scores = network(torch.randn(2, 1, 16, 16, 16))
    terms = [term.square().mean() for s in (scores.first, scores.second) for term in s[:2]]
    torch.stack(terms).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_one_stream_hears_the_other_through_attention_alone():
    for attention, hears in ((OFF, False), (form(), True)):
        network = TwoStream(1, 3, NARROW, attention)
        network(torch.randn(1, 1, 16, 16, 16)).first.main_bnijk.sum().backward()
        heard = any(p.grad is not None and bool(p.grad.any()) for p in network.second.parameters())
        assert heard == hears


def test_the_two_streams_start_different():
    network = two_stream()
    assert not torch.equal(network.first.score.weight, network.second.score.weight)


def test_the_mean_probability_is_the_average_of_the_softmaxes():
    scores = two_stream().eval()(torch.randn(1, 1, 16, 16, 16))
    first, second = (s.main_bnijk.softmax(1) for s in (scores.first, scores.second))
    torch.testing.assert_close(mean_probability((scores.first, scores.second)), (first + second) / 2)


def test_an_ensemble_of_none_is_refused():
    with pytest.raises(ValueError, match="at least 1 network, not 0"):
        Independent(1, 3, NARROW, 0)


def test_bfloat16_features_are_not_promoted_by_their_maps():
    network = two_stream().to(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        scores = network(torch.randn(1, 1, 16, 16, 16))
    assert scores.first.main_bnijk.dtype == torch.bfloat16
    assert scores.maps["f3"][0].dtype == torch.float32
