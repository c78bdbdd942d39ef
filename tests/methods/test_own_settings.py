"""What one method does and the others do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.decoupling import DecouplingMethod
from methods.deep_level_set import DeepLevelSetMethod
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Batch, Case
from methods.level_set import Evolution
from methods.mme import MultiModalEncodersMethod
from methods.two_stream import TwoStreamMethod
from methods.u_net import UNet2dMethod, UNet3dMethod
from tsman.settings import AttentionSettings, LossAttentionSettings, StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)
OFF = AttentionSettings(f1=False, f2=False, f3=False, f4=False)


def random_batch():
    label_bijk = torch.randint(0, 3, (2, 16, 16, 16))
    return Batch(torch.randn(2, 1, 16, 16, 16), label_bijk, torch.zeros(2, dtype=torch.bool))


def loss_of(method, progress):
    torch.manual_seed(5)  # noqa: TID251 the same networks and data for each
    return method.loss(method.network(1, 3, NARROW), random_batch(), progress)


def test_a_teacher_is_one_network():
    assert len(DenseVoxNetMethod(networks=1).network(1, 3, NARROW).streams) == 1


def test_the_two_stream_baseline_is_two_dense_vox_nets():
    baseline, pair = TwoStreamMethod(attention=OFF), DenseVoxNetMethod(networks=2)
    torch.testing.assert_close(loss_of(baseline, 0.9), loss_of(pair, 0.9))
    assert baseline.doubt(baseline.network(1, 3, NARROW), random_batch()) == {}


def test_unsmoothed_loss_attention_alone_is_decoupling():
    alone = TwoStreamMethod(
        attention=replace(OFF, f4=True), loss_attention=LossAttentionSettings(smooth=False)
    )
    torch.testing.assert_close(loss_of(alone, 0.9), loss_of(DecouplingMethod(), 0.9))


def test_decoupling_skips_the_step_when_both_networks_say_the_same():
    method = DecouplingMethod(warm_up=0.0)
    network = method.network(1, 3, NARROW)
    network.streams[1].load_state_dict(network.streams[0].state_dict())
    batch = random_batch()
    assert method.loss(network, batch, 0.5) is None
    assert bool((method.doubt(network, batch)["disagreement"] == 1).all())


@pytest.mark.parametrize("placement", ["A", "B", "C"])
def test_each_attention_has_a_doubt_of_its_own_at_full_size(placement):
    attention = AttentionSettings(placement=placement, start_bias=2.0)
    method = TwoStreamMethod(attention=attention)
    doubts = method.doubt(method.network(1, 3, NARROW), random_batch())
    assert set(doubts) == {"f3", "f4"}
    assert doubts["f3"].shape == doubts["f4"].shape == (2, 16, 16, 16)
    assert not doubts["f3"].any(), "twice a map of 0.88 takes nothing away"


@pytest.mark.parametrize(
    ("gain", "removed"), [("plain", 0.88), ("double", 0.76), ("tanh", 0.96), ("residual", 0.0)]
)
def test_f3_removes_what_its_gain_takes_away_and_not_what_its_map_lacks(gain, removed):
    # A map of sigmoid(-2) = 0.12, or of sigmoid(-4) = 0.02 under a tanh.
    method = TwoStreamMethod(attention=AttentionSettings(start_bias=-2.0, start_std=0.0, gain=gain))
    doubt = method.doubt(method.network(1, 3, NARROW), random_batch())["f3"]
    torch.testing.assert_close(doubt, torch.full_like(doubt, removed), rtol=0, atol=0.005)


@pytest.mark.parametrize("gain", ["double", "tanh"])
def test_at_a_gain_of_one_f3_removes_nothing(gain):
    method = TwoStreamMethod(attention=AttentionSettings(start_std=0.0, gain=gain))
    network, batch = method.network(1, 3, NARROW), random_batch()
    assert not method.doubt(network, batch)["f3"].any()
    assert bool((method.weights(network, batch.image_bcijk)["f3"] == 0.5).all()), "the map itself is shown"


def ball_case(name, *, is_manual=False):
    """A bright ball whose label is a shifted one, and a prediction between the two."""
    axes = torch.meshgrid(*[torch.arange(24.0)] * 3, indexing="ij")
    distance_ijk = torch.stack([(axis - 11.5) ** 2 for axis in axes]).sum(0).sqrt()
    image_cijk = (distance_ijk < 7).float()[None] + 0.05 * torch.randn(1, 24, 24, 24)
    return Case(name, image_cijk, (distance_ijk < 5).long(), is_manual)


def too_small_a_ball(image_cijk):
    """Probabilities of the case's ball, two voxels short all round."""
    inside_ijk = ball_case("any").label_ijk.float()
    return torch.stack((0.9 - 0.8 * inside_ijk, 0.1 + 0.8 * inside_ijk))


def test_the_level_set_moves_labels_towards_the_image_and_leaves_manual_ones():
    cases = [ball_case("pseudo"), ball_case("manual", is_manual=True)]
    revised = DeepLevelSetMethod().revise(iter(cases), too_small_a_ball, 0.4)
    assert set(revised) == {"pseudo"}
    truth_ijk = cases[0].image_cijk[0] > 0.5
    wrong_before = int((cases[0].label_ijk.bool() != truth_ijk).sum())
    assert revised["pseudo"].dtype == cases[0].label_ijk.dtype
    assert int((revised["pseudo"].bool() != truth_ijk).sum()) < wrong_before / 2


def test_labels_rest_once_networks_and_level_set_agree():
    method = DeepLevelSetMethod(stop_above=0.98, evolution=Evolution(iterations=0))
    assert method.revise([ball_case("pseudo")], too_small_a_ball, 0.4) == {}
    assert set(replace(method, stop_above=1.0).revise([ball_case("pseudo")], too_small_a_ball, 0.4)) == {
        "pseudo"
    }


@pytest.mark.parametrize("revisions", [(0.6, 0.4), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5)])
def test_revisions_out_of_order_are_refused(revisions):
    with pytest.raises(ValueError, match="must ascend inside"):
        DeepLevelSetMethod(revisions=revisions)


@pytest.mark.parametrize("kind", [UNet2dMethod, UNet3dMethod])
def test_a_u_net_is_as_wide_as_half_the_streams_last_stage_or_as_set(kind):
    wide = StreamSettings(decoder=(8, 24))
    first_by_width = {
        width: kind(width=width, networks=1).network(1, 3, wide).streams[0].conv_0.conv_0.conv.weight
        for width in (0, 5)
    }
    assert {width: len(weight) for width, weight in first_by_width.items()} == {0: 12, 5: 5}


def test_a_flat_u_net_sees_one_slice_and_a_deep_one_its_neighbours():
    image_bcijk = torch.randn(1, 1, 32, 32, 32)
    other_bcijk = image_bcijk.clone()
    other_bcijk[..., 5] = 0.0
    for kind, moved in ((UNet2dMethod, False), (UNet3dMethod, True)):
        method = kind(width=4)
        network = method.network(1, 3, NARROW).eval()
        with torch.inference_mode():
            one, two = (method.probabilities(network, image) for image in (image_bcijk, other_bcijk))
        assert not torch.allclose(one[..., 5], two[..., 5])
        assert torch.allclose(one[..., 6], two[..., 6], atol=1e-6) is not moved


@pytest.mark.parametrize("wrong", [{"networks": 0}, {"width": -1}])
@pytest.mark.parametrize("kind", [UNet2dMethod, UNet3dMethod, MultiModalEncodersMethod])
def test_what_no_network_can_be_is_refused(kind, wrong):
    with pytest.raises(ValueError, match=r"must be in"):
        kind(**wrong)


def test_a_deep_u_net_has_sound_gradients_in_bfloat16_on_a_small_crop():
    method = UNet3dMethod(width=4, networks=1)
    network, batch = method.network(1, 3, NARROW), random_batch()
    with torch.autocast("cpu", torch.bfloat16):
        method.loss(network, batch, 0.0).backward()
    deepest = network.streams[0].down_4.convs.conv_1.conv.weight
    assert deepest.grad.abs().max() < 1e3
