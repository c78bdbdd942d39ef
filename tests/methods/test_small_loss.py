"""Small losses are kept and exchanged, by class, as many as the labels are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from methods.co_teaching import CoTeachingMethod
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Batch, Case, Studies
from methods.jocor import JocorMethod
from methods.small_loss import SmallLoss, forgotten_shares, mean_over, small_loss
from methods.tri_net import TriNetMethod
from tsman.dense_vox_net import Scores
from tsman.settings import StreamSettings

NARROW = StreamSettings(
    stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0, auxiliary_weight=0.0
)
TOGETHER = SmallLoss(per_class=False)


def row(*numbers):
    return torch.tensor(numbers)[None, :, None, None]


def random_batch():
    label_bijk = torch.randint(0, 3, (2, 8, 8, 8))
    return Batch(torch.randn(2, 1, 8, 8, 8), label_bijk, torch.zeros(2, dtype=torch.bool))


def told(method, rate):
    """A network that was told how much noise there is."""
    network = method.network(1, 3, NARROW)
    network.noise_rate_n.fill_(rate)
    network.noise_rate.fill_(rate)
    return network


def test_exactly_the_largest_share_of_the_losses_is_forgotten():
    loss = row(0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6, 1.0)
    label = torch.zeros_like(loss, dtype=torch.int64)
    kept = small_loss(loss, label, [0.3], TOGETHER)
    assert kept.flatten().tolist() == [True, True, False, True, True, True, False, True, True, False]
    for rate, number in ((0.0, 10), (0.05, 10), (0.1, 9), (0.6, 4), (0.99, 1)):
        assert int(small_loss(loss, label, [rate], TOGETHER).sum()) == number


def test_a_small_structure_is_kept_when_classes_are_told_apart_and_lost_when_not():
    loss = torch.cat((torch.linspace(0.1, 0.2, 95), torch.linspace(2.0, 3.0, 5)))[None, :, None, None]
    label = (torch.arange(100) >= 95).long()[None, :, None, None]
    together = small_loss(loss, label, [0.05, 0.05], TOGETHER)
    apart = small_loss(loss, label, [0.05, 0.05], SmallLoss())
    assert int(together[label == 1].sum()) == 0
    assert int(apart[label == 1].sum()) == 5
    assert int(apart[label == 0].sum()) == 95 - 4


def test_each_class_forgets_its_own_share():
    loss, label = torch.rand(1, 10, 10, 2), torch.arange(200).view(1, 10, 10, 2) % 2
    kept = small_loss(loss, label, [0.0, 0.4], SmallLoss())
    assert bool(kept[label == 0].all())
    assert int(kept[label == 1].sum()) == 60
    assert loss[~kept].min() > loss[kept & (label == 1)].max()


def test_volumes_are_ranked_together_or_each_by_itself():
    loss = torch.stack((torch.full((4, 4, 4), 0.1), torch.full((4, 4, 4), 5.0))) + 0.01 * torch.rand(
        2, 4, 4, 4
    )
    label = torch.zeros(2, 4, 4, 4, dtype=torch.int64)
    for rule in (SmallLoss(), TOGETHER):
        both = small_loss(loss, label, [0.25], rule).sum((1, 2, 3)).tolist()
        each = small_loss(loss, label, [0.25], replace(rule, scope="per_volume")).sum((1, 2, 3)).tolist()
        assert (both, each) == ([64, 32], [48, 48])


def test_equal_losses_are_all_kept():
    assert bool(small_loss(torch.ones(1, 4, 4, 4), torch.zeros(1, 4, 4, 4).long(), [0.5], TOGETHER).all())


def test_forgetting_grows_linearly_to_the_estimated_rate():
    network = told(CoTeachingMethod(), 0.3)
    rule = SmallLoss(ramp=0.5)
    shares = [forgotten_shares(network, rule, progress)[0] for progress in (0.0, 0.25, 0.5, 1.0)]
    assert shares == pytest.approx([0.0, 0.15, 0.3, 0.3])
    assert forgotten_shares(network, SmallLoss(ramp=0.0), 0.0) == pytest.approx([0.3] * 3)


def test_an_estimate_that_cannot_be_is_held_to_the_highest_rate():
    network = told(CoTeachingMethod(), 0.9)
    assert forgotten_shares(network, SmallLoss(), 1.0) == [0.5] * 3


def test_classes_that_are_not_told_apart_share_the_rate_of_all_voxels():
    network = CoTeachingMethod().network(1, 3, NARROW)
    network.noise_rate_n.copy_(torch.tensor([0.01, 0.2, 0.4]))
    network.noise_rate.fill_(0.05)
    assert forgotten_shares(network, TOGETHER, 1.0) == pytest.approx([0.05] * 3)
    assert forgotten_shares(network, SmallLoss(), 1.0) == pytest.approx([0.01, 0.2, 0.4])


def test_the_mean_over_nothing_is_nothing():
    loss = torch.rand(1, 2, 2, 2, requires_grad=True)
    empty = mean_over(loss, torch.zeros(1, 2, 2, 2, dtype=torch.bool))
    empty.backward()
    assert empty.item() == 0.0
    assert not loss.grad.any()


@pytest.mark.parametrize("method", [CoTeachingMethod(), TriNetMethod(), TriNetMethod(rule="loss_gap")])
def test_before_any_study_it_is_plain_cross_entropy(method):
    network, batch = method.network(1, 3, NARROW), random_batch()
    expected = DenseVoxNetMethod(networks=method.networks).loss(network, batch, 0.0)
    torch.testing.assert_close(method.loss(network, batch, 1.0), expected)
    assert not method.doubt(network, batch)["small-loss"].any()


def fixed(*scores):
    """A network that says what it is told to, and remembers what it lost by it."""

    class Fixed(torch.nn.Module):
        def forward(self, image_bcijk):
            return tuple(Scores(one) for one in scores)

    network = Fixed()
    network.register_buffer("noise_rate_n", torch.full((2,), 0.5))
    network.register_buffer("noise_rate", torch.tensor(0.5))
    return network


def binary(*margins):
    """Scores of one row of voxels: how much each speaks for class 1."""
    score = torch.stack((torch.zeros(len(margins)), torch.tensor(margins)))
    return score[None, :, :, None, None].clone().requires_grad_()


def ones(number):
    label = torch.ones(1, number, 1, 1, dtype=torch.int64)
    return Batch(torch.zeros(1, 1, number, 1, 1), label, torch.zeros(1, dtype=torch.bool))


def learned(score):
    """Where a network's gradient is not zero."""
    return (score.grad.abs().sum(1) > 0).flatten().tolist()


def test_each_network_of_co_teaching_learns_what_the_other_one_keeps():
    first, second = binary(3.0, 2.0, -1.0, -2.0), binary(-2.0, 3.0, 2.0, -1.0)
    method = CoTeachingMethod()
    network = fixed(first, second)
    loss = method.loss(network, ones(4), 1.0)
    loss.backward()
    # The first is best at voxels 0 and 1, the second at 1 and 2.
    assert learned(first) == [False, True, True, False]
    assert learned(second) == [True, True, False, False]
    by_hand = (
        functional.softplus(torch.tensor([-2.0, 1.0])).mean()
        + functional.softplus(torch.tensor([2.0, -3.0])).mean()
    )
    assert loss.item() == pytest.approx(by_hand.item())
    assert method.doubt(network, ones(4))["small-loss"].flatten().tolist() == [0.5, 0.0, 0.5, 1.0]


def test_another_choice_of_the_second_network_moves_the_gradient_of_the_first():
    gradients = []
    for second in (binary(-2.0, 3.0, 2.0, -1.0), binary(2.0, -2.0, -1.0, 3.0)):
        first = binary(3.0, 2.0, -1.0, -2.0)
        CoTeachingMethod().loss(fixed(first, second), ones(4), 1.0).backward()
        gradients.append(learned(first))
    assert gradients == [[False, True, True, False], [True, False, False, True]]


def test_jocor_takes_both_losses_and_their_distance_and_keeps_the_smallest_of_the_sum():
    first, second = binary(3.0, 2.0, -1.0, -2.0), binary(-2.0, 3.0, 2.0, -1.0)
    method = JocorMethod(weight=0.3)
    network = fixed(first, second)
    loss = method.loss(network, ones(4), 1.0)
    loss.backward()
    p, q = (torch.softmax(one.detach(), 1)[0, :, :, 0, 0] for one in (first, second))
    symmetric = (p * (p / q).log()).sum(0) + (q * (q / p).log()).sum(0)
    joint = 0.7 * -(p[1].log() + q[1].log()) + 0.3 * symmetric
    smallest = joint.argsort()[:2]
    assert loss.item() == pytest.approx(joint[smallest].mean().item(), rel=1e-5)
    kept = [place in smallest.tolist() for place in range(4)]
    assert learned(first) == learned(second) == kept
    assert method.doubt(network, ones(4))["small-loss"].flatten().tolist() == [1.0 - one for one in kept]


def test_tri_net_learns_where_both_others_have_small_losses():
    scores = binary(3.0, 2.0, -1.0, -2.0), binary(-2.0, 3.0, 2.0, -1.0), binary(3.0, -1.0, 2.0, -2.0)
    method, network = TriNetMethod(), fixed(*scores)
    method.loss(network, ones(4), 1.0).backward()
    # Kept: {0, 1}, {1, 2} and {0, 2}.
    assert [learned(one) for one in scores] == [
        [False, False, True, False],
        [True, False, False, False],
        [False, True, False, False],
    ]
    doubt = method.doubt(network, ones(4))["small-loss"].flatten().tolist()
    assert doubt == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1.0])


def test_tri_net_by_loss_gap_learns_where_the_others_differ_least():
    scores = binary(0.0, 0.0, 0.0, 0.0), binary(1.0, 2.0, -1.0, -2.0), binary(1.0, -2.0, 2.0, -2.0)
    TriNetMethod(rule="loss_gap").loss(fixed(*scores), ones(4), 1.0).backward()
    assert learned(scores[0]) == [True, False, False, True]


def test_tri_net_passes_over_an_empty_intersection():
    agreeing, other = (4.0, 3.0, -1.0, -2.0), (-2.0, -1.0, 3.0, 4.0)
    scores = binary(*agreeing), binary(*agreeing), binary(*other)
    loss = TriNetMethod().loss(fixed(*scores), ones(4), 1.0)
    loss.backward()
    assert [learned(one) for one in scores] == [[False] * 4, [False] * 4, [True, True, False, False]]
    assert bool(loss.isfinite())


def test_tri_net_skips_the_step_when_nothing_is_chosen_for_anyone():
    scores = (
        binary(9.0, 8.0, 0.0, -1.0, -2.0, -3.0),
        binary(0.0, -1.0, 9.0, 8.0, -2.0, -3.0),
        binary(0.0, -1.0, -2.0, -3.0, 9.0, 8.0),
    )
    network = fixed(*scores)
    network.noise_rate_n.fill_(4 / 6 + 1e-3)
    method = TriNetMethod(selection=SmallLoss(highest_rate=0.9))
    assert method.loss(network, ones(6), 1.0) is None
    assert bool((method.doubt(network, ones(6))["small-loss"] == 1).all())


def noisy_cases(from_background, from_foreground, number=4, size=16):
    """Half of the voxels are foreground; of either class a share is labelled as the other."""
    rng = np.random.default_rng(7)
    for index in range(number):
        truth = rng.integers(0, 2, (size, size, size))
        is_wrong = rng.random(truth.shape) < np.where(truth == 1, from_foreground, from_background)
        certain = np.clip(rng.normal(0.9, 0.05, truth.shape), 0.6, 0.99)
        foreground = torch.from_numpy(np.where(truth == 1, certain, 1 - certain)).float()
        judged = torch.stack((1 - foreground, foreground))
        label = torch.from_numpy(np.where(is_wrong, 1 - truth, truth))
        yield Case(
            f"case {index}", torch.zeros(1, size, size, size), label, is_manual=False, judged_nijk=judged
        )


@pytest.mark.parametrize("method", [CoTeachingMethod(), JocorMethod(), TriNetMethod()])
def test_a_study_writes_the_noise_rate_into_what_is_saved_with_the_weights(method):
    assert isinstance(method, Studies)
    assert (method.studies, method.judges) == ((0.0,), 2)
    network = method.network(1, 2, NARROW)
    assert network.state_dict()["noise_rate_n"].tolist() == [0.0, 0.0]
    assert method.study(network, noisy_cases(0.1, 0.3), lambda image: image, 0.0) == {}
    # 0.15 of 0.6 of the voxels that are called background are none, and 0.05 of 0.4 of the others.
    assert network.state_dict()["noise_rate_n"].tolist() == pytest.approx([0.25, 0.125], abs=0.02)
    assert network.state_dict()["noise_rate"].item() == pytest.approx(0.2, abs=0.02)


def test_noise_that_goes_one_way_is_found_but_underestimated():
    network = CoTeachingMethod().network(1, 2, NARROW)
    CoTeachingMethod().study(network, noisy_cases(0.0, 0.4), lambda image: image, 0.0)
    background, foreground = network.noise_rate_n.tolist()
    # All foreground labels are right, so half of the foreground is below their mean: "confident" asks too much.
    assert 0.14 < background < 2 / 7 - 0.05
    assert foreground == pytest.approx(0.0, abs=0.005)


def test_clean_labels_leave_nothing_to_forget():
    method = CoTeachingMethod()
    network = method.network(1, 2, NARROW)
    method.study(network, noisy_cases(0.0, 0.0), lambda image: image, 0.0)
    assert network.noise_rate_n.tolist() == pytest.approx([0.0, 0.0], abs=0.005)


@pytest.mark.parametrize("wrong", [{"ramp": 1.5}, {"highest_rate": 1.0}])
def test_a_selection_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} .* must be in"):
        SmallLoss(**wrong)


def test_a_weight_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"weight 1\.5 must be in"):
        JocorMethod(weight=1.5)
