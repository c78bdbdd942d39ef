"""Each loss is what its formula says, and each doubt is what its gradient leaves out."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch.nn import functional

from methods import robust_losses as losses
from methods.bootstrapping import HardBootstrappingMethod, SoftBootstrappingMethod
from methods.cross_entropy import CrossEntropyMethod
from methods.dense_vox_net import DenseVoxNetMethod
from methods.generalised_cross_entropy import GeneralisedCrossEntropyMethod, TruncatedCrossEntropyMethod
from methods.interface import Batch
from methods.noise_robust_dice import NoiseRobustDiceMethod
from methods.symmetric_cross_entropy import SymmetricCrossEntropyMethod
from methods.t_loss import TLossMethod
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)


def scores_of(*probabilities):
    """One item, one row of voxels, whose softmax is what is given."""
    score_vn = torch.tensor(probabilities).log()
    return score_vn.T[None, :, :, None, None].contiguous()


def labels_of(*labels):
    return torch.tensor(labels)[None, :, None, None]


def random_scores(classes=3, dtype=torch.float32, scale=3.0):
    score_bnijk = scale * torch.randn(2, classes, 4, 4, 4, dtype=dtype)
    return score_bnijk, torch.randint(0, classes, (2, 4, 4, 4))


def random_batch():
    label_bijk = torch.randint(0, 3, (2, 16, 16, 16))
    return Batch(torch.randn(2, 1, 16, 16, 16), label_bijk, torch.zeros(2, dtype=torch.bool))


def cross_entropy(score_bnijk, label_bijk):
    return functional.cross_entropy(score_bnijk, label_bijk, reduction="none")


def pull(rule, score_bnijk, label_bijk):
    """dL/dz_y of every voxel."""
    score_bnijk = score_bnijk.clone().requires_grad_()
    (gradient_bnijk,) = torch.autograd.grad(rule(score_bnijk, label_bijk).sum(), score_bnijk)
    return gradient_bnijk.gather(1, label_bijk[:, None])[:, 0]


def test_generalised_cross_entropy_of_a_half_is_that_worked_out_by_hand():
    loss = losses.generalised(scores_of([0.25, 0.75], [0.25, 0.75]), labels_of(0, 1), 0.5)
    assert loss.flatten().tolist() == pytest.approx([(1 - 0.5) / 0.5, (1 - math.sqrt(0.75)) / 0.5])


def test_generalised_cross_entropy_lies_between_cross_entropy_and_absolute_error():
    score, label = random_scores()
    torch.testing.assert_close(
        losses.generalised(score, label, 1e-6), cross_entropy(score, label), rtol=1e-4, atol=1e-5
    )
    absolute = 1.0 - torch.softmax(score, 1).gather(1, label[:, None])[:, 0]
    torch.testing.assert_close(losses.generalised(score, label, 1.0), absolute)


def test_a_label_held_for_impossible_has_a_finite_gradient():
    score, label = torch.tensor([200.0, -200.0]).view(1, 2, 1, 1, 1), labels_of(1)
    for rule in (
        partial(losses.generalised, q=0.7),
        partial(losses.symmetric, alpha=1.0, beta=0.1),
        partial(losses.soft_bootstrap, beta=0.95, detach=False),
        partial(losses.noise_robust_dice, gamma=1.5, squares=False),
        lambda *both: losses.student_t(*both, torch.tensor(1.0)),
    ):
        assert bool(pull(rule, score, label).isfinite().all())


def test_truncation_takes_the_gradient_of_unlikely_labels_alone():
    score, label = scores_of([0.3, 0.7], [0.6, 0.4]), labels_of(0, 0)
    rule = partial(losses.truncated, q=0.7, k=0.5)
    assert rule(score, label).flatten().tolist() == pytest.approx(
        [(1 - 0.5**0.7) / 0.7, (1 - 0.6**0.7) / 0.7]
    )
    dropped, kept = pull(rule, score, label).flatten().tolist()
    assert dropped == 0.0
    assert kept == pytest.approx(-(0.6**0.7) * 0.4)


def test_symmetric_cross_entropy_is_the_sum_of_both_directions():
    score, label = random_scores()
    p_bnijk = torch.softmax(score, 1)
    label_bnijk = functional.one_hot(label, 3).movedim(-1, 1).float()
    reverse = -(p_bnijk * label_bnijk.clamp(min=1e-4).log()).sum(1)
    expected = 0.7 * cross_entropy(score, label) + 0.3 * reverse
    torch.testing.assert_close(losses.symmetric(score, label, 0.7, 0.3), expected)


@pytest.mark.parametrize("detach", [True, False])
def test_soft_bootstrapping_mixes_the_label_with_the_prediction(detach):
    score, label = random_scores()
    p_bnijk = torch.softmax(score, 1)
    target = 0.8 * functional.one_hot(label, 3).movedim(-1, 1) + 0.2 * p_bnijk
    expected = -(target * p_bnijk.log()).sum(1)
    torch.testing.assert_close(losses.soft_bootstrap(score, label, 0.8, detach=detach), expected)


def test_detached_soft_bootstrapping_pulls_beta_times_as_hard():
    score, label = random_scores()
    rule = partial(losses.soft_bootstrap, beta=0.8, detach=True)
    torch.testing.assert_close(pull(rule, score, label), 0.8 * pull(cross_entropy, score, label))


def test_hard_bootstrapping_believes_in_part_what_is_most_likely():
    score, label = scores_of([0.7, 0.2, 0.1]), labels_of(1)
    loss = losses.hard_bootstrap(score, label, 0.8).item()
    assert loss == pytest.approx(-0.8 * math.log(0.2) - 0.2 * math.log(0.7))


def test_full_trust_in_the_label_is_cross_entropy():
    score, label = random_scores()
    for loss in (
        losses.soft_bootstrap(score, label, 1.0, detach=False),
        losses.hard_bootstrap(score, label, 1.0),
        losses.symmetric(score, label, 1.0, 0.0),
    ):
        torch.testing.assert_close(loss, cross_entropy(score, label))


def test_noise_robust_dice_of_four_voxels_is_that_worked_out_by_hand():
    score, label = scores_of([0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]), labels_of(0, 0, 1, 1)
    error = 0.5**1.5 + 0.1**1.5 + 2 * 0.2**1.5
    by_class = error / (0.5 + 0.9 + 0.4 + 2), error / (0.5 + 0.1 + 1.6 + 2)
    loss = losses.noise_robust_dice(score, label, 1.5, squares=False).item()
    assert loss == pytest.approx(sum(by_class) / 2, rel=1e-5)


@pytest.mark.parametrize(("gamma", "squares"), [(1.0, False), (2.0, True)])
def test_noise_robust_dice_ends_in_the_dice_loss(gamma, squares):
    score, label = random_scores()
    p, g = torch.softmax(score, 1), functional.one_hot(label, 3).movedim(-1, 1).float()
    size = (p**2 + g**2 if squares else p + g).sum((0, 2, 3, 4))
    dice_loss = (1 - 2 * (p * g).sum((0, 2, 3, 4)) / size).mean()
    torch.testing.assert_close(losses.noise_robust_dice(score, label, gamma, squares=squares), dice_loss)


def test_a_class_that_is_absent_is_pushed_down_by_sums_and_up_by_squares():
    score = scores_of(*[[0.98, 0.02]] * 8)
    label = torch.zeros(1, 8, 1, 1, dtype=torch.int64)

    def towards_absent(squares):
        rule = partial(losses.noise_robust_dice, gamma=1.5, squares=squares)
        return pull(rule, score, label + 0).sum().item()

    assert towards_absent(squares=False) < 0  # more background lowers the loss
    assert towards_absent(squares=True) > 0


def formula_of_t_loss(score, label, nu0):
    """As printed, item by item, in float64."""
    total = torch.zeros((), dtype=torch.float64)
    for item_score, item_label in zip(score, label, strict=True):
        delta = torch.softmax(item_score, 0) - functional.one_hot(item_label, len(item_score)).movedim(-1, 0)
        length, nu = delta.numel(), torch.exp(nu0) + 1e-8
        total = total + (
            -torch.lgamma((nu + length) / 2)
            + torch.lgamma(nu / 2)
            + length / 2 * torch.log(math.pi * nu)
            + (nu + length) / 2 * torch.log(1 + (delta**2).sum() / nu)
        )
    return total / len(score)


def test_t_loss_and_its_gradient_are_those_of_the_formula_over_its_length():
    score, label = random_scores(dtype=torch.float64)
    length = 3 * 4**3
    precise, nu0 = score.clone().requires_grad_(), torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    expected = formula_of_t_loss(precise, label, nu0)
    expected.backward()
    single, single_nu0 = score.float().requires_grad_(), torch.tensor(1.0, requires_grad=True)
    loss = losses.student_t(single, label, single_nu0)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item() / length, rel=1e-6)
    torch.testing.assert_close(single.grad.double(), precise.grad / length, rtol=1e-4, atol=1e-9)
    # nu sees the whole, as in the authors' code.
    assert single_nu0.grad.item() == pytest.approx(nu0.grad.item(), rel=1e-4)


def test_t_loss_keeps_its_digits_over_millions_of_entries():
    score = torch.zeros(1, 2, 96, 96, 96)
    label = torch.zeros(1, 96, 96, 96, dtype=torch.int64)
    nu0 = torch.tensor(1.0, requires_grad=True)
    loss = losses.student_t(score, label, nu0)
    loss.backward()
    exact_nu0 = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    exact = formula_of_t_loss(score.double(), label, exact_nu0)
    exact.backward()
    assert loss.item() == pytest.approx(exact.item() / (2 * 96**3), rel=1e-6)
    assert nu0.grad.item() == pytest.approx(exact_nu0.grad.item(), rel=1e-4)


def test_each_network_of_t_loss_has_a_nu_that_learns_at_a_rate_of_its_own():
    method = TLossMethod(nu_learning_rate_factor=0.3)
    network = method.network(1, 3, NARROW)
    method.loss(network, random_batch(), 0.0).backward()
    nu_s = network.get_parameter("nu_s")
    assert nu_s.tolist() == [1.0, 1.0]
    assert bool((nu_s.grad != 0).all())
    own = [group for group in method.parameter_groups(network) if group.learning_rate_factor == 0.3]
    assert [group.parameters for group in own] == [[nu_s]]
    assert own[0].decay is False


@pytest.mark.parametrize(
    ("rule", "doubt", "most"),
    [
        (losses.generalised, losses.generalised_doubt, {"q": 0.7}),
        (losses.truncated, losses.truncated_doubt, {"q": 0.7, "k": 0.5}),
        (losses.symmetric, losses.symmetric_doubt, {"alpha": 1.0, "beta": 0.1}),
        (losses.soft_bootstrap, losses.soft_bootstrap_doubt, {"beta": 0.8, "detach": False}),
        (losses.soft_bootstrap, losses.soft_bootstrap_doubt, {"beta": 0.8, "detach": True}),
        (losses.hard_bootstrap, losses.hard_bootstrap_doubt, {"beta": 0.8}),
    ],
)
def test_a_doubt_is_the_share_of_the_labels_pull_that_is_gone(rule, doubt, most):
    score, label = random_scores(scale=2.0)
    strongest = 1.0 + 0.1 * losses.REVERSE if rule is losses.symmetric else 1.0
    kept = pull(partial(rule, **most), score, label) / pull(cross_entropy, score, label) / strongest
    found = doubt(score, label, **most)
    torch.testing.assert_close(found, (1.0 - kept).clamp(0.0, 1.0), rtol=1e-3, atol=1e-4)
    assert found.max() > 0.05


@pytest.mark.parametrize("sure", [20.0, 200.0])
def test_a_voxel_whose_label_is_certain_is_not_doubted(sure):
    score, label = torch.tensor([sure, 0.0]).view(1, 2, 1, 1, 1), labels_of(0)
    assert losses.generalised_doubt(score, label, 0.7).item() == pytest.approx(0.0, abs=1e-6)
    assert losses.symmetric_doubt(score, label, 1.0, 0.1).item() == pytest.approx(0.0, abs=1e-6)
    assert losses.hard_bootstrap_doubt(score, label, 0.8).item() == 0.0
    assert losses.soft_bootstrap_doubt(score, label, 0.8, detach=False).item() <= 0.2 + 1e-6


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (GeneralisedCrossEntropyMethod(), "low-probability"),
        (TruncatedCrossEntropyMethod(), "truncated"),
        (SymmetricCrossEntropyMethod(), "low-probability"),
        (SoftBootstrappingMethod(), "own-prediction"),
        (HardBootstrappingMethod(), "own-prediction"),
    ],
)
def test_a_methods_doubt_is_the_mean_of_its_networks(method, name):
    network, batch = method.network(1, 3, NARROW), random_batch()
    both = method.doubt(network, batch)
    assert list(both) == [name]
    single = []
    for stream in network.streams:
        alone = type(method)(networks=1).network(1, 3, NARROW)
        alone.streams[0].load_state_dict(stream.state_dict())
        single.append(method.doubt(alone, batch)[name])
    torch.testing.assert_close(both[name], torch.stack(single).mean(0))


def test_generalised_cross_entropy_and_its_truncation_begin_as_cross_entropy():
    for method in (GeneralisedCrossEntropyMethod(), TruncatedCrossEntropyMethod()):
        network, batch = method.network(1, 3, NARROW), random_batch()
        plain = DenseVoxNetMethod().loss(network, batch, 0.0)
        torch.testing.assert_close(method.loss(network, batch, 0.49), plain)
        assert method.loss(network, batch, 0.5).item() < 0.9 * plain.item()


@pytest.mark.parametrize("auxiliary_rule", ["own", "cross-entropy"])
def test_the_auxiliary_branch_learns_by_the_same_rule_or_by_plain_cross_entropy(auxiliary_rule):
    score, label = random_scores()
    from tsman.dense_vox_net import Scores

    streams = (Scores(score, score.flip(1), 0.33, auxiliary_rule),)
    rule = partial(losses.generalised, q=0.7)
    loss = losses.trained_by(rule, streams, label)
    auxiliary = (rule if auxiliary_rule == "own" else cross_entropy)(score.flip(1), label)
    torch.testing.assert_close(loss, rule(score, label).mean() + 0.33 * auxiliary.mean())


def test_plain_cross_entropy_is_one_network_of_the_plain_baseline():
    method, batch = CrossEntropyMethod(), random_batch()
    network = method.network(1, 3, NARROW)
    assert len(network.streams) == method.networks == 1
    expected = DenseVoxNetMethod(networks=1).loss(network, batch, 0.0)
    torch.testing.assert_close(method.loss(network, batch, 0.9), expected)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (GeneralisedCrossEntropyMethod, {"q": 0.0}),
        (GeneralisedCrossEntropyMethod, {"networks": 0}),
        (TruncatedCrossEntropyMethod, {"k": 1.5}),
        (TruncatedCrossEntropyMethod, {"warm_up": -0.1}),
        (SymmetricCrossEntropyMethod, {"beta": -1.0}),
        (SoftBootstrappingMethod, {"beta": 1.1}),
        (HardBootstrappingMethod, {"beta": -0.1}),
        (NoiseRobustDiceMethod, {"gamma": 2.5}),
        (TLossMethod, {"nu_start": 100.0}),
    ],
)
def test_settings_out_of_range_are_refused_by_name(kind, wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} .* must be in"):
        kind(**wrong)
