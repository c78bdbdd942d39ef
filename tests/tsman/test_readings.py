"""What P's text leaves open of the attention: each reading does what it says, and none is on by default."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.errors import UsageError
from bench.plan.recipes import recipe
from bench.settings.serialise import build, plain
from methods.learning_rates import dense_vox_net_groups
from methods.registry import classes
from methods.two_stream import TwoStreamMethod
from tsman.attention import ChannelAttention, SpatialAttention, attend, attended
from tsman.network import TwoStream
from tsman.settings import AttentionSettings, LossAttentionSettings, StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)
KINDS = [ChannelAttention, SpatialAttention]
NEW = {"sources", "exchange", "start_std", "learning_rate_factor", "exclusive_or", "rescale"}


def told(group):
    """A group by the identity of its parameters, which have no truth value."""
    return [id(p) for p in group.parameters], group.learning_rate_factor, group.decay


def features(count=2):
    return [torch.randn(1, 6, 4, 4, 4) for _ in range(count)]


def test_by_default_a_stage_names_no_reading_that_came_later():
    said = plain(TwoStreamMethod())
    assert not NEW & {*said["attention"], *said["loss_attention"]}
    assert "auxiliary_rule" not in plain(StreamSettings())
    changed = replace(TwoStreamMethod(), attention=AttentionSettings(start_std=0.5, exchange=True))
    assert {"start_std", "exchange"} <= set(plain(changed)["attention"])
    assert build(TwoStreamMethod, plain(changed), "here") == changed


def test_by_default_a_feature_is_multiplied_by_twice_its_map_bit_for_bit():
    o_bcijk, o_hat_bcijk = features()
    a, a_hat = torch.rand(1, 6, 1, 1, 1), torch.rand(1, 6, 1, 1, 1)
    scaled, scaled_hat = attended(o_bcijk, o_hat_bcijk, (a, a_hat), AttentionSettings())
    assert torch.equal(scaled, o_bcijk * (2.0 * a))
    assert torch.equal(scaled_hat, o_hat_bcijk * (2.0 * a_hat))


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_of_the_other_stream_alone_does_not_see_its_own(kind):
    o_bcijk, o_hat_bcijk, changed_bcijk = features(3)
    for sources, hears_own in (("both", True), ("other", False)):
        attention = kind(6, AttentionSettings(sources=sources, start_std=1.0), NARROW).eval()
        a, a_hat = attention(o_bcijk, o_hat_bcijk)
        own_moved, other_moved = attention(changed_bcijk, o_hat_bcijk), attention(o_bcijk, changed_bcijk)
        assert torch.equal(a, own_moved[0]) is not hears_own
        assert torch.equal(a_hat, other_moved[1]) is not hears_own
        assert not torch.equal(a, other_moved[0])
        assert not torch.equal(a_hat, own_moved[1])


def test_exchanged_features_are_the_sum_of_both_each_under_its_own_map():
    o_bcijk, o_hat_bcijk = features()
    a, a_hat = torch.rand(1, 1, 4, 4, 4), torch.rand(1, 1, 4, 4, 4)
    settings = AttentionSettings(exchange=True, gain="plain")
    scaled, scaled_hat = attended(o_bcijk, o_hat_bcijk, (a, a_hat), settings)
    torch.testing.assert_close(scaled, a * (o_bcijk + o_hat_bcijk))
    torch.testing.assert_close(scaled_hat, a_hat * (o_bcijk + o_hat_bcijk))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gain_tanh_is_one_plus_tanh_of_the_score(kind):
    settings = AttentionSettings(gain="tanh", start_std=1.0)
    attention = kind(6, settings, NARROW).eval()
    o_bcijk, o_hat_bcijk = features()
    scores = []
    attention.last.register_forward_hook(lambda *given: scores.append(given[2].detach()))
    a, _ = attention(o_bcijk, o_hat_bcijk)
    expected = o_bcijk * (1.0 + torch.tanh(scores[0].reshape(a.shape)))
    torch.testing.assert_close(attend(o_bcijk, a, settings), expected)
    assert bool(((a > 0) & (a < 1)).all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("gain", "slope"), [("plain", 1.0), ("double", 2.0)])
def test_gradient_only_leaves_the_feature_and_multiplies_its_gradient_exactly(kind, gain, slope):
    settings = AttentionSettings(gradient="only", gain=gain, start_std=1.0)
    attention = kind(6, settings, NARROW).eval()
    o_bcijk, o_hat_bcijk = features()
    o_bcijk.requires_grad_()
    a, _ = attention(o_bcijk, o_hat_bcijk)
    upstream_bcijk = torch.randn_like(o_bcijk)
    kept_bcijk = attend(o_bcijk, a, settings)
    assert torch.equal(kept_bcijk, o_bcijk)
    kept_bcijk.backward(upstream_bcijk)
    assert torch.equal(o_bcijk.grad, upstream_bcijk * (slope * a.detach()).expand_as(o_bcijk))
    assert attention.last.weight.grad.any(), "the map learns although it changes no prediction"


def test_gradient_only_changes_no_prediction_of_the_network():
    network = TwoStream(1, 3, NARROW, AttentionSettings(gradient="only", start_std=1.0)).eval()
    image_bcijk = torch.randn(1, 1, 16, 16, 16)
    scores = network(image_bcijk)
    assert torch.equal(scores.first.main_bnijk, network.first(image_bcijk).main_bnijk)
    assert torch.equal(scores.second.main_bnijk, network.second(image_bcijk).main_bnijk)


@pytest.mark.parametrize("kind", KINDS)
def test_the_start_spreads_the_maps(kind):
    o_bcijk, o_hat_bcijk = features()
    spread = {}
    for std in (0.0, 0.01, 2.0):
        torch.manual_seed(3)  # noqa: TID251 the same draw for each
        spread[std] = kind(6, AttentionSettings(start_std=std), NARROW)(o_bcijk, o_hat_bcijk)[0].std().item()
    assert spread[0.0] == 0.0
    assert 0.0 < spread[0.01] < 0.02
    assert spread[2.0] > 10 * spread[0.01]


def test_the_attention_has_a_learning_rate_of_its_own_only_when_asked():
    network = TwoStream(1, 3, NARROW, AttentionSettings())
    common = TwoStreamMethod().parameter_groups(network)
    assert [told(group) for group in common] == [told(group) for group in dense_vox_net_groups(network)]
    fast = TwoStreamMethod(attention=AttentionSettings(learning_rate_factor=5.0)).parameter_groups(network)
    own = {id(p) for p in network.attention.parameters()}
    rates = {id(p): group.learning_rate_factor for group in fast for p in group.parameters}
    assert len(rates) == len(list(network.parameters()))
    assert {rate for p, rate in rates.items() if p in own} == {5.0}
    assert {p: rate for p, rate in rates.items() if p not in own} == {
        id(p): g.learning_rate_factor for g in common for p in g.parameters if id(p) not in own
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"sources": "other"}, {"exchange": True}, {"gain": "tanh"}, {"gradient": "only"},
        {"sources": "other", "exchange": True, "gradient": "only", "placement": "B"},
    ],
)  # fmt: skip
def test_every_reading_trains_and_is_described(changes):
    method = TwoStreamMethod(
        attention=AttentionSettings(**changes),
        loss_attention=LossAttentionSettings(exclusive_or="soft", rescale=True, warm_up=0.0),
    )
    network = method.network(1, 3, NARROW)
    scores = network(torch.randn(2, 1, 16, 16, 16))
    terms = [term.square().mean() for one in (scores.first, scores.second) for term in one[:2]]
    torch.stack(terms).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
    said = {row["operation"] for row in method.layers(network)}
    expected = {"sources": "take the other", "exchange": "add the other feature", "gain": "multiply by 2a",
                "gradient": "of the gradient only", "placement": "softmax"}  # fmt: skip
    assert {expected[name] for name in changes} | {"of probabilities", "divide by its centre"} <= said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("attention.start_std=-1", r"start_std -1\.0 must be in \[0, 10\]"),
        ("attention.learning_rate_factor=-2", r"learning_rate_factor -2\.0 must be in \[0, 1000\]"),
        ("attention.sources=mine", r"sources is 'mine'; expected 'both' or 'other'"),
        ("attention.gain=triple", r"gain is 'triple'; expected 'plain', 'double', 'residual' or 'tanh'"),
        ("attention.gradient=none", r"expected 'through', 'detach_inputs' or 'only'"),
        ("attention.exchange=5", r"exchange is 5; expected true or false"),
        ("loss_attention.exclusive_or=xor", r"exclusive_or is 'xor'; expected 'hard' or 'soft'"),
        ("loss_attention.rescale=yes", r"rescale is 'yes'; expected true or false"),
    ],
)
def test_a_reading_that_does_not_exist_is_refused_with_a_sentence(change, sentence):
    with pytest.raises(UsageError, match=sentence):
        recipe("smoke", [f"tsman.{change}"], classes())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shared_maps": True}, "shared_maps True must be false where sources is 'other'"),
        ({"fusion": "concat"}, "fusion concat must be left at 'add' where sources is 'other'"),
    ],
)
def test_a_map_of_the_other_stream_alone_is_neither_shared_nor_fused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionSettings(sources="other", **changes)
