"""Channels between the true class and the label, learned or fixed, on confusions that are known."""

# Legend: N true classes, M shown classes.

from __future__ import annotations

import pytest
import torch

from methods.forward_correction import TRANSITION, ForwardCorrectionMethod
from methods.interface import Batch, Case
from methods.noise_adaptation import THETA, NoiseAdaptationMethod
from methods.noise_channel import normalised_rows
from tsman.loss import segmentation_loss
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)
CLASSES = 3


def random_batch(manual=(False, False)):
    label_bijk = torch.randint(0, CLASSES, (2, 16, 16, 16))
    return Batch(torch.randn(2, 1, 16, 16, 16), label_bijk, torch.tensor(manual))


def judged_case(name, label_ijk, judged_ijk, *, is_manual=False, sure=0.9):
    """A case whose judge gives one class ``sure`` and the others alike."""
    hard_nijk = torch.nn.functional.one_hot(judged_ijk, CLASSES).movedim(-1, 0).float()
    other = (1 - sure) / (CLASSES - 1)
    judged_nijk = hard_nijk * (sure - other) + other
    return Case(name, torch.zeros(1, *label_ijk.shape), label_ijk, is_manual, judged_nijk=judged_nijk)


def confused_cases():
    """A tenth of class 1 is labelled 2; the manual case, all confused, must not count."""
    truth_ijk = torch.arange(CLASSES)[:, None, None].expand(CLASSES, 10, 10).contiguous()
    label_ijk = truth_ijk.clone()
    label_ijk[1, 0] = 2
    yield judged_case("manual", torch.zeros_like(truth_ijk), truth_ijk, is_manual=True)
    yield judged_case("noisy", label_ijk, truth_ijk)


def no_prediction(image_cijk):
    raise AssertionError("the judges have spoken; no network is asked")


def channels_of(network):
    """The channels Q (S, N, M), whose rows sum to one."""
    return network.get_parameter(THETA).softmax(dim=-1)


@pytest.fixture
def adaptation():
    method = NoiseAdaptationMethod()
    return method, method.network(1, CLASSES, NARROW)


@pytest.fixture
def forward():
    method = ForwardCorrectionMethod()
    return method, method.network(1, CLASSES, NARROW)


def test_the_channel_starts_at_the_error_that_is_set_and_its_rows_sum_to_one(adaptation):
    _, network = adaptation
    channel_snm = channels_of(network)
    assert channel_snm.shape == (2, CLASSES, CLASSES)
    torch.testing.assert_close(channel_snm.sum(-1), torch.ones(2, CLASSES))
    torch.testing.assert_close(channel_snm.diagonal(dim1=1, dim2=2), torch.full((2, CLASSES), 0.9))


def test_studied_the_channel_is_the_judges_confusion(adaptation):
    method, network = adaptation
    assert method.study(network, confused_cases(), no_prediction, 0.0) == {}
    # Of class 1 judges see 0.9 x 100 + 0.05 x 200 voxels' worth; under label 2 0.9 x 10 + 0.05 x 100 of it.
    channel_nm = channels_of(network)[0]
    assert channel_nm[1, 2].item() == pytest.approx((0.9 * 10 + 0.05 * 100) / (0.9 * 100 + 0.05 * 200))
    torch.testing.assert_close(channels_of(network).sum(-1), torch.ones(2, CLASSES))


def test_the_channel_learns_at_a_tenth_of_the_rate_and_without_decay(adaptation):
    method, network = adaptation
    theta_snm = network.get_parameter(THETA)
    (group,) = [g for g in method.parameter_groups(network) if any(one is theta_snm for one in g.parameters)]
    assert (len(group.parameters), group.learning_rate_factor, group.decay) == (1, 0.1, False)
    method.loss(network, random_batch(), 0.0).backward()
    assert bool(theta_snm.grad.any())


def test_a_manual_label_goes_through_no_channel(adaptation):
    method, network = adaptation
    batch = random_batch(manual=(True, True))
    torch.testing.assert_close(
        method.loss(network, batch, 0.0), segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
    )
    assert not bool(method.doubt(network, batch)["posterior"].any())


def test_all_of_the_plain_share_is_cross_entropy():
    method = NoiseAdaptationMethod(plain_share=1.0)
    network, batch = method.network(1, CLASSES, NARROW), random_batch()
    expected = segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
    torch.testing.assert_close(method.loss(network, batch, 0.0), expected)


def test_at_test_no_channel_is_applied(adaptation):
    method, network = adaptation
    image_bcijk = torch.randn(1, 1, 16, 16, 16)
    network.eval()
    before_bnijk = method.probabilities(network, image_bcijk)
    with torch.no_grad():
        network.get_parameter(THETA).zero_()
    assert torch.equal(method.probabilities(network, image_bcijk), before_bnijk)


def test_forward_correction_by_the_identity_is_cross_entropy(forward):
    method, network = forward
    batch = random_batch()
    expected = segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
    torch.testing.assert_close(method.loss(network, batch, 0.0), expected)


def test_forward_correction_is_the_cross_entropy_of_p_times_t(forward):
    method, network = forward
    transition_nm = normalised_rows(torch.rand(CLASSES, CLASSES))
    network.get_buffer(TRANSITION).copy_(transition_nm)
    batch = random_batch()
    total = 0.0
    for scores in network(batch.image_bcijk):
        for weight, score in ((1.0, scores.main_bnijk), (scores.auxiliary_weight, scores.auxiliary_bnijk)):
            shown_bijkm = score.softmax(1).movedim(1, -1) @ transition_nm
            seen_bijk = shown_bijkm.gather(-1, batch.label_bijk[..., None])
            total = total - weight * seen_bijk.log().mean()
    torch.testing.assert_close(method.loss(network, batch, 0.0), total)


def test_its_doubt_is_what_the_gradient_no_longer_pulls_to_the_label(forward):
    method, network = forward
    network.get_buffer(TRANSITION).copy_(normalised_rows(torch.rand(CLASSES, CLASSES)))
    batch = random_batch()
    network.eval()
    taken = []
    for scores in network(batch.image_bcijk):
        score_bnijk = scores.main_bnijk
        shown_bijkm = score_bnijk.softmax(1).movedim(1, -1) @ network.get_buffer(TRANSITION)
        loss = -shown_bijkm.gather(-1, batch.label_bijk[..., None]).log().sum()
        (gradient_bnijk,) = torch.autograd.grad(loss, score_bnijk)
        own = batch.label_bijk[:, None]
        pull_bijk = (score_bnijk.softmax(1).gather(1, own) - 1).squeeze(
            1
        )  # of cross-entropy, on its own score
        taken.append((1 - gradient_bnijk.gather(1, own).squeeze(1) / pull_bijk).clamp(0, 1))
    expected_bijk = torch.stack(taken).mean(0)
    torch.testing.assert_close(method.doubt(network, batch)["posterior"], expected_bijk, atol=2e-3, rtol=0)


def test_the_transition_is_estimated_from_noisy_labels_and_fixed(forward):
    method, network = forward
    assert method.study(network, confused_cases(), no_prediction, 0.0) == {}
    transition_nm = network.get_buffer(TRANSITION)
    expected_nm = torch.eye(CLASSES)
    expected_nm[1] = torch.tensor([0.0, 0.9, 0.1])
    torch.testing.assert_close(transition_nm, expected_nm)
    assert not transition_nm.requires_grad


@pytest.mark.parametrize("kind", [NoiseAdaptationMethod, ForwardCorrectionMethod])
def test_where_all_labels_are_manual_the_channel_stays_as_it_is(kind):
    method = kind()
    network = method.network(1, CLASSES, NARROW)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    manual = [case for case in confused_cases() if case.is_manual]
    assert method.study(network, iter(manual), no_prediction, 0.0) == {}
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())


def test_a_class_that_never_came_up_is_shown_as_itself():
    count_nm = torch.tensor([[3.0, 1.0], [0.0, 0.0]])
    assert normalised_rows(count_nm).tolist() == [[0.75, 0.25], [0.0, 1.0]]


@pytest.mark.parametrize("wrong", [{"networks": 0}, {"error": 1.0}, {"plain_share": -0.1}, {"rate": -1.0}])
def test_a_channel_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* must be in"):
        NoiseAdaptationMethod(**wrong)
