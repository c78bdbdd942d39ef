"""Methods that take wrong labels back: by judges (CL-SLSR), or once a class is learned (ADELE)."""

# Legend: N classes, I J K voxel axes.

from __future__ import annotations

import math

import pytest
import torch

from methods.adele import COMMON, EITHER, TRIGGERED, EarlyLearningMethod
from methods.cl_slsr import ConfidentSmoothingMethod
from methods.early_learning import corrected, is_learned_early, overlap
from methods.interface import Batch, Case
from methods.scales import scaled_size
from methods.soft_targets import one_hot
from tsman.loss import segmentation_loss
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)
CLASSES = 3


def truth():
    """A column of class 1 and one of class 2 in background."""
    label_ijk = torch.zeros(16, 16, 16, dtype=torch.int64)
    label_ijk[2:8, 4:12, 4:12], label_ijk[8:14, 4:12, 4:12] = 1, 2
    return label_ijk


def planted():
    """Where the label is wrong: a slab of class 1 that is background, a corner of class 2 that is 1."""
    wrong_ijk = torch.zeros(16, 16, 16, dtype=torch.bool)
    wrong_ijk[2:4, 4:12, 4:12], wrong_ijk[8:10, 4:8, 4:8] = True, True
    return wrong_ijk


def flipped():
    label_ijk = truth()
    label_ijk[2:4, 4:12, 4:12], label_ijk[8:10, 4:8, 4:8] = 0, 1
    return label_ijk


def judged(label_ijk, sure=0.9):
    other = (1 - sure) / (CLASSES - 1)
    return one_hot(label_ijk, CLASSES) * (sure - other) + other


def cases():
    image_cijk = torch.zeros(1, 16, 16, 16)
    yield Case("noisy", image_cijk, flipped(), is_manual=False, judged_nijk=judged(truth()))
    yield Case("manual", image_cijk, flipped(), is_manual=True, judged_nijk=judged(truth()))


def no_prediction(image_cijk):
    raise AssertionError("no network is to be asked")


def batch_with(target_nijk, *, is_manual=False):
    target_bnijk = None if target_nijk is None else target_nijk[None]
    return Batch(torch.randn(1, 1, 16, 16, 16), flipped()[None], torch.tensor([is_manual]), target_bnijk)


def test_the_planted_errors_are_smoothed_and_no_manual_label():
    method = ConfidentSmoothingMethod()
    targets = method.study(method.network(1, CLASSES, NARROW), cases(), no_prediction, 0.0)
    assert set(targets) == {"noisy"}
    hard_nijk, target_nijk = one_hot(flipped(), CLASSES), targets["noisy"]
    kept_ijk = target_nijk.gather(0, flipped()[None])[0]
    torch.testing.assert_close(kept_ijk, torch.where(planted(), 0.75, 1.0))
    others_nijk = target_nijk[:, planted()][hard_nijk[:, planted()] == 0]
    torch.testing.assert_close(others_nijk, torch.full_like(others_nijk, 0.125))
    torch.testing.assert_close(target_nijk.sum(0), torch.ones(16, 16, 16))


def pull_gone(score_bnijk, target_nijk, label_bijk):
    """By autograd: what the soft target takes of cross-entropy's pull on the label's own score."""
    score = score_bnijk.detach().requires_grad_()
    loss = -(target_nijk * score[0].log_softmax(0)).sum()
    (gradient_bnijk,) = torch.autograd.grad(loss, score)
    own = label_bijk[:, None]
    pull_bijk = (score.detach().softmax(1).gather(1, own) - 1).squeeze(1)
    return (1 - gradient_bnijk.gather(1, own).squeeze(1) / pull_bijk).clamp(0, 1)


def test_smoothed_labels_take_their_share_of_the_gradient_and_that_is_the_doubt():
    method = ConfidentSmoothingMethod()
    network = method.network(1, CLASSES, NARROW).eval()
    target_nijk = method.study(network, cases(), no_prediction, 0.0)["noisy"]
    batch = batch_with(target_nijk)
    (doubt_bijk,) = method.doubt(network, batch).values()
    gone = [pull_gone(one.main_bnijk, target_nijk, batch.label_bijk) for one in network(batch.image_bcijk)]
    torch.testing.assert_close(doubt_bijk, torch.stack(gone).mean(0), atol=1e-5, rtol=1e-4)
    assert not bool(doubt_bijk[0][~planted()].any())
    assert bool((doubt_bijk[0][planted()] > 0.25).all())
    logs = [one.main_bnijk.log_softmax(1) for one in network(batch.image_bcijk)]
    expected = sum(-(target_nijk * one[0]).sum(0).mean() for one in logs)
    torch.testing.assert_close(method.loss(network, batch, 0.5), expected)


@pytest.mark.parametrize(
    "method", [ConfidentSmoothingMethod(), EarlyLearningMethod(scales=(1.0,), consistency=0.0)]
)
def test_a_manual_label_is_learned_whatever_its_target_says(method):
    network = method.network(1, CLASSES, NARROW)
    batch = batch_with(torch.full((CLASSES, 16, 16, 16), 1 / 3), is_manual=True)
    expected = segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
    torch.testing.assert_close(method.loss(network, batch, 0.5), expected)
    assert not bool(method.doubt(network, batch)[next(iter(method.doubt(network, batch)))].any())


def test_without_a_judge_confident_smoothing_says_whose_word_is_missing():
    method = ConfidentSmoothingMethod()
    unjudged = Case("scan-7", torch.zeros(1, 16, 16, 16), flipped(), is_manual=False)
    with pytest.raises(ValueError, match="scan-7"):
        method.study(method.network(1, CLASSES, NARROW), [unjudged], no_prediction, 0.0)


def saturating(blocks):
    return [0.8 * (1 - math.exp(-block / 2)) for block in range(1, blocks + 1)]


def test_a_curve_that_saturates_is_early_learning_and_a_straight_one_is_not():
    assert is_learned_early([0.0, 0.0, *saturating(12)], 0.9)
    assert not is_learned_early([0.11 * block for block in range(1, 9)], 0.9)
    assert not is_learned_early(saturating(4), 0.9)  # its slope is still 22 % of the first
    assert not is_learned_early([0.02 * block for block in range(20)], 0.9)  # it never rose by a tenth
    assert not is_learned_early([], 0.9)


def watched(iou_by_class):
    """A network whose training IoU, block by block, was as given."""
    method = EarlyLearningMethod()
    network = method.network(1, CLASSES, NARROW).eval()
    for number, iou in iou_by_class.items():
        network.get_buffer(EITHER)[: len(iou), number] = 1000.0
        network.get_buffer(COMMON)[: len(iou), number] = 1000.0 * torch.tensor(iou, dtype=torch.float64)
    return method, network


def test_only_the_class_that_was_learned_early_is_corrected_and_no_manual_label():
    method, network = watched({1: saturating(12), 2: [0.11 * block for block in range(1, 9)]})
    targets = method.study(network, cases(), lambda _: judged(truth()), 0.6)
    assert network.get_buffer(TRIGGERED).tolist() == [False, True, False]
    expected_ijk = flipped()
    expected_ijk[2:4, 4:12, 4:12] = 1  # background where class 1 is; that of class 2 waits
    assert set(targets) == {"noisy"}
    assert torch.equal(targets["noisy"], one_hot(expected_ijk, CLASSES))
    (doubt_bijk,) = method.doubt(network, batch_with(targets["noisy"])).values()
    assert torch.equal(doubt_bijk[0].bool(), expected_ijk != flipped())


def test_without_its_targets_early_learning_doubts_what_it_would_now_correct(monkeypatch):
    method, network = watched({1: saturating(12), 2: saturating(12)})
    seen_bnijk = judged(truth())[None]
    monkeypatch.setattr(EarlyLearningMethod, "probabilities", lambda *_: seen_bnijk)
    assert not bool(method.doubt(network, batch_with(None))["correction"].any())
    method.study(network, cases(), lambda _: judged(truth()), 0.6)
    assert torch.equal(method.doubt(network, batch_with(None))["correction"][0].bool(), planted())
    assert not bool(method.doubt(network, batch_with(None, is_manual=True))["correction"].any())


def test_without_its_targets_confident_smoothing_says_nothing():
    method = ConfidentSmoothingMethod()
    assert method.doubt(method.network(1, CLASSES, NARROW), batch_with(None)) == {}


def test_what_was_learned_early_stays_so():
    method, network = watched({1: saturating(12)})
    method.study(network, cases(), lambda _: judged(truth()), 0.6)
    network.get_buffer(COMMON).zero_()
    assert set(method.study(network, cases(), lambda _: judged(truth()), 0.7)) == {"noisy"}


def test_before_any_class_is_learned_no_network_is_asked():
    method, network = watched({1: saturating(4)})
    assert method.study(network, cases(), no_prediction, 0.3) == {}


def test_an_unsure_prediction_and_an_absent_structure_correct_nothing():
    triggered_n = torch.tensor([False, True, True])
    label_ijk, seen = flipped(), truth()
    assert torch.equal(corrected(label_ijk, judged(seen, sure=0.6), triggered_n, 0.7), label_ijk)
    assert torch.equal(corrected(label_ijk, judged(seen, sure=0.8), triggered_n, 0.7), seen)
    without_ijk = torch.where(label_ijk == 2, 0, label_ijk)
    assert not bool((corrected(without_ijk, judged(seen), triggered_n, 0.7) == 2).any())


def test_training_counts_how_well_noisy_labels_are_repeated():
    method = EarlyLearningMethod()
    network = method.network(1, CLASSES, NARROW)
    method.loss(network, batch_with(None, is_manual=True), 0.5)
    assert not bool(network.get_buffer(EITHER).any())
    method.loss(network, batch_with(None), 0.5)
    either_en = network.get_buffer(EITHER)
    assert either_en.sum(dim=1).nonzero().flatten().tolist() == [10]
    assert bool((either_en[10] >= torch.bincount(flipped().flatten())).all())
    network.eval()
    before = either_en.clone()
    method.loss(network, batch_with(None), 0.5)
    assert torch.equal(either_en, before)


def test_overlap_counts_what_both_labels_and_either_call_so():
    first = torch.tensor([0, 1, 1, 2]).view(1, 1, 1, 4)
    second = torch.tensor([0, 1, 2, 2]).view(1, 1, 1, 4)
    common_n, either_n = overlap(first, second, CLASSES)
    assert (common_n.tolist(), either_n.tolist()) == ([1, 1, 1], [1, 2, 2])


def test_a_view_at_another_scale_is_on_a_grid_of_fours():
    assert scaled_size((48, 20, 4), 0.75) == (36, 16, 4)
    method = EarlyLearningMethod(scales=(1.0, 0.75, 1.5))
    network = method.network(1, CLASSES, NARROW).eval()
    assert method.networks == 3
    assert method.probabilities(network, torch.randn(1, 1, 16, 12, 8)).shape == (1, CLASSES, 16, 12, 8)


def test_scales_that_agree_have_nothing_to_be_held_to():
    once, thrice = (EarlyLearningMethod(scales=(1.0,) * count, consistency=100.0) for count in (1, 3))
    network, batch = once.network(1, CLASSES, NARROW).eval(), batch_with(None)
    torch.testing.assert_close(once.loss(network, batch, 0.5), thrice.loss(network, batch, 0.5))


@pytest.mark.parametrize(
    "wrong", [{"scales": ()}, {"blocks": 0}, {"studies": (0.5, 0.5)}, {"confidence": 2.0}]
)
def test_early_learning_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EarlyLearningMethod(**wrong)


@pytest.mark.parametrize("wrong", [{"epsilon": 1.5}, {"networks": 0}])
def test_smoothing_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* must be in"):
        ConfidentSmoothingMethod(**wrong)
