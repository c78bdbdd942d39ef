"""Loss attention weighs what the two streams disagree about."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from tsman.dense_vox_net import Scores
from tsman.loss import disagreement, loss_attention, segmentation_loss, smooth, two_stream_loss
from tsman.settings import LossAttentionSettings

NOW = LossAttentionSettings(warm_up=0.0)


def scores_of(label_bijk, margin=2.0):
    """Scores whose most likely class is the label."""
    return margin * functional.one_hot(label_bijk, 3).movedim(-1, 1).float()


def pair_with_one_disagreement(size=9):
    first_bijk = torch.zeros(1, size, size, size, dtype=torch.int64)
    second_bijk = first_bijk.clone()
    second_bijk[0, 4, 4, 4] = 1
    return scores_of(first_bijk), scores_of(second_bijk)


@pytest.mark.parametrize(("in_plane", "expected"), [(False, 0.1912), (True, 0.3319)])
def test_an_isolated_disagreement_keeps_a_fifth_in_3_d_and_a_third_in_plane(in_plane, expected):
    weight_bijk = loss_attention(*pair_with_one_disagreement(), replace(NOW, in_plane=in_plane))
    assert weight_bijk[0, 4, 4, 4].item() == pytest.approx(expected, abs=1e-4)
    assert weight_bijk.sum().item() == pytest.approx(1.0, abs=1e-5), "smoothing moves weight, it makes none"


def test_a_sheet_keeps_more_than_half_and_its_neighbours_a_fifth():
    sheet_bijk = torch.zeros(1, 8, 8, 8)
    sheet_bijk[:, 4] = 1.0
    weight_bijk = smooth(sheet_bijk, in_plane=False)
    for index, expected in ((4, 0.5761), (3, 0.2119), (5, 0.2119), (2, 0.0)):
        torch.testing.assert_close(weight_bijk[0, index], torch.full((8, 8), expected), rtol=0, atol=1e-4)


def test_full_disagreement_is_plain_cross_entropy():
    first = Scores(torch.randn(1, 3, 4, 4, 4))
    second = Scores(-first.main_bnijk)
    label_bijk = torch.randint(0, 3, (1, 4, 4, 4))
    assert bool(disagreement(first.main_bnijk, second.main_bnijk).all())
    weighted = two_stream_loss((first, second), label_bijk, NOW, 1.0)
    torch.testing.assert_close(weighted, segmentation_loss((first, second), label_bijk))


def test_agreement_everywhere_skips_the_step():
    scores = Scores(torch.randn(1, 3, 4, 4, 4))
    assert two_stream_loss((scores, scores), torch.zeros(1, 4, 4, 4, dtype=torch.int64), NOW, 1.0) is None


def test_the_warm_up_is_plain_cross_entropy_and_ends():
    pair = tuple(Scores(s) for s in pair_with_one_disagreement())
    label_bijk = torch.randint(0, 3, (1, 9, 9, 9))
    settings, plain = replace(NOW, warm_up=0.4), segmentation_loss(pair, label_bijk)
    torch.testing.assert_close(two_stream_loss(pair, label_bijk, settings, 0.39), plain)
    assert not torch.isclose(two_stream_loss(pair, label_bijk, settings, 0.4), plain)


@pytest.mark.parametrize(
    ("normaliser", "floor", "divisor"),
    [("sum_weights", 0.0, 1.0), ("sum_weights", 0.1, 72.9), ("count", 0.1, 729.0)],
)
def test_normalisers_divide_by_what_they_say(normaliser, floor, divisor):
    first_bnijk, second_bnijk = pair_with_one_disagreement()
    label_bijk = torch.ones(1, 9, 9, 9, dtype=torch.int64)
    settings = replace(NOW, smooth=False, normaliser=normaliser, floor=floor)
    loss = two_stream_loss((Scores(first_bnijk), Scores(second_bnijk)), label_bijk, settings, 1.0)
    lse = math.log(math.exp(2.0) + 2.0)  # the first says 0, which is wrong; the second says 1
    assert loss.item() == pytest.approx((lse + lse - 2.0) / divisor, rel=1e-5)


def test_gradient_is_nought_where_the_streams_agree_and_never_goes_through_the_weight():
    first_bnijk, second_bnijk = (s.requires_grad_() for s in pair_with_one_disagreement())
    label_bijk = torch.ones(1, 9, 9, 9, dtype=torch.int64)
    settings = replace(NOW, smooth=False, floor=0.0)
    two_stream_loss((Scores(first_bnijk), Scores(second_bnijk)), label_bijk, settings, 1.0).backward()
    for score_bnijk in (first_bnijk, second_bnijk):
        touched = score_bnijk.grad.abs().sum(1)[0].nonzero()
        assert touched.tolist() == [[4, 4, 4]]
        expected_n = score_bnijk.detach()[0, :, 4, 4, 4].softmax(0) - torch.tensor([0.0, 1.0, 0.0])
        torch.testing.assert_close(score_bnijk.grad[0, :, 4, 4, 4], expected_n)
    assert not loss_attention(first_bnijk, second_bnijk, NOW).requires_grad


def test_the_weight_is_the_same_whichever_stream_is_first():
    first_bnijk, second_bnijk = torch.randn(1, 3, 6, 6, 6), torch.randn(1, 3, 6, 6, 6)
    assert torch.equal(
        loss_attention(first_bnijk, second_bnijk, NOW), loss_attention(second_bnijk, first_bnijk, NOW)
    )


@pytest.mark.parametrize(("rule", "touched"), [("own", 1), ("cross-entropy", 729)])
def test_the_auxiliary_loss_is_weighted_unless_it_is_plain_cross_entropy(rule, touched):
    first_bnijk, second_bnijk = pair_with_one_disagreement()
    auxiliary_bnijk = torch.randn(1, 3, 9, 9, 9, requires_grad=True)
    pair = Scores(first_bnijk, auxiliary_bnijk, 0.33, rule), Scores(second_bnijk)
    label_bijk = torch.ones(1, 9, 9, 9, dtype=torch.int64)
    two_stream_loss(pair, label_bijk, replace(NOW, smooth=False), 1.0).backward()
    assert int(auxiliary_bnijk.grad.abs().sum(1).count_nonzero()) == touched


def test_a_soft_exclusive_or_is_the_probability_that_two_draws_differ():
    first_bnijk, second_bnijk = torch.randn(2, 3, 4, 4, 4), torch.randn(2, 3, 4, 4, 4)
    weight_bijk = loss_attention(first_bnijk, second_bnijk, replace(NOW, exclusive_or="soft", smooth=False))
    p, p_hat = first_bnijk.softmax(1), second_bnijk.softmax(1)
    pairs = [p[:, n] * p_hat[:, m] for n in range(3) for m in range(3) if n != m]
    torch.testing.assert_close(weight_bijk, torch.stack(pairs).sum(0))


def test_a_soft_exclusive_or_of_sure_streams_is_the_hard_one():
    first_bijk, second_bijk = torch.randint(0, 3, (2, 1, 8, 8, 8))
    sure = scores_of(first_bijk, margin=200.0), scores_of(second_bijk, margin=200.0)
    hard, soft = (loss_attention(*sure, replace(NOW, exclusive_or=kind)) for kind in ("hard", "soft"))
    torch.testing.assert_close(soft, hard)


@pytest.mark.parametrize(("in_plane", "beside"), [(False, 0.2119 / 0.5761), (True, 0.2119 / 0.5761)])
def test_a_rescaled_omega_leaves_a_lone_disagreement_at_one(in_plane, beside):
    settings = replace(NOW, in_plane=in_plane, rescale=True)
    weight_bijk = loss_attention(*pair_with_one_disagreement(), settings)
    assert weight_bijk[0, 4, 4, 4].item() == pytest.approx(1.0, abs=1e-6)
    assert weight_bijk[0, 3, 4, 4].item() == pytest.approx(beside, abs=1e-4)
    assert weight_bijk[0, 4, 4, 3].item() == pytest.approx(0.0 if in_plane else beside, abs=1e-4)


def test_a_rescaled_omega_never_weighs_more_than_one():
    weight_bijk = loss_attention(
        torch.randn(1, 3, 8, 8, 8), torch.randn(1, 3, 8, 8, 8), replace(NOW, rescale=True)
    )
    assert weight_bijk.max().item() == 1.0
    first_bnijk, second_bnijk = pair_with_one_disagreement()
    off = replace(NOW, smooth=False, rescale=True)
    assert set(loss_attention(first_bnijk, second_bnijk, off).unique().tolist()) == {0.0, 1.0}


def test_the_floor_divides_unless_a_tenth_of_the_voxels_disagrees():
    label_bijk = torch.ones(1, 9, 9, 9, dtype=torch.int64)
    pair = tuple(Scores(one) for one in pair_with_one_disagreement())
    by_sum, by_floor, by_count = (
        two_stream_loss(pair, label_bijk, replace(NOW, **changes), 1.0).item()
        for changes in ({"floor": 0.0}, {}, {"normaliser": "count"})
    )
    # One of 729 disagrees: the weights sum to one, and a tenth of the voxels is 72.9.
    assert by_sum / by_floor == pytest.approx(72.9, rel=1e-4)
    assert by_floor / by_count == pytest.approx(10.0, rel=1e-4)


def test_by_default_the_weight_is_smoothed_disagreement_and_nothing_else():
    first_bnijk, second_bnijk = torch.randn(1, 3, 8, 8, 8), torch.randn(1, 3, 8, 8, 8)
    expected_bijk = smooth((first_bnijk.argmax(1) != second_bnijk.argmax(1)).float(), in_plane=False)
    assert torch.equal(loss_attention(first_bnijk, second_bnijk, LossAttentionSettings()), expected_bijk)


def test_the_segmentation_loss_is_main_plus_a_share_of_the_auxiliary_one():
    main_bnijk, auxiliary_bnijk = torch.randn(2, 3, 4, 4, 4), torch.randn(2, 3, 4, 4, 4)
    label_bijk = torch.randint(0, 3, (2, 4, 4, 4))
    expected = functional.cross_entropy(main_bnijk, label_bijk) + 0.33 * functional.cross_entropy(
        auxiliary_bnijk, label_bijk
    )
    torch.testing.assert_close(
        segmentation_loss([Scores(main_bnijk, auxiliary_bnijk, 0.33)], label_bijk), expected
    )
