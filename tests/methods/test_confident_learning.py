"""Labels that are known to be wrong are found and counted, and manual ones are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.confident_learning import (
    Evidence,
    confident_counts,
    gathered,
    noise_rate,
    noise_rates,
    prune_by_class,
    prune_by_noise_rate,
)
from methods.interface import Case

SHAPE = (12, 12, 12)


def judged_of(truth_v, classes, rng, sharpness=3.0):
    """A judge who is mostly right and never the same twice: softmax of noise plus the true class."""
    score_vn = rng.normal(size=(len(truth_v), classes))
    score_vn[np.arange(len(truth_v)), truth_v] += sharpness
    return torch.softmax(torch.from_numpy(score_vn), dim=1).T.float()


def case_of(name, label_v, judged_nv, *, is_manual=False):
    label_ijk = torch.as_tensor(label_v).long().view(SHAPE)
    judged_nijk = judged_nv.view(len(judged_nv), *SHAPE)
    return Case(name, torch.zeros(1, *SHAPE), label_ijk, is_manual, judged_nijk=judged_nijk)


def flipped_case(name, rates, rng, **options):
    """Of class k the share ``rates[k]`` is labelled as the next class."""
    truth_v = rng.choice(len(rates), size=12**3, p=(0.6, 0.3, 0.1))
    is_wrong_v = rng.random(12**3) < np.asarray(rates)[truth_v]
    label_v = np.where(is_wrong_v, (truth_v + 1) % len(rates), truth_v)
    judged_nv = judged_of(truth_v, len(rates), rng, **options)
    return case_of(name, label_v, judged_nv), truth_v, label_v


def test_thresholds_and_counts_are_those_worked_out_by_hand():
    label_v = torch.tensor([0, 0, 0, 1, 1])
    judged_vn = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    # Class 0: mean(0.9, 0.7, 0.2) = 0.6; class 1: mean(0.6, 0.9) = 0.75. The fourth voxel is confident of none.
    threshold_n = torch.tensor([0.6, 0.75], dtype=torch.float64)
    assert confident_counts(label_v, judged_vn, threshold_n).tolist() == [[2, 1], [0, 1]]


def test_of_several_confident_classes_the_most_likely_counts():
    threshold_n = torch.tensor([0.2, 0.3, 0.9], dtype=torch.float64)
    assert confident_counts(torch.tensor([0]), torch.tensor([[0.35, 0.4, 0.25]]), threshold_n).tolist() == [
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_each_rule_prunes_as_many_as_the_joint_says_the_clearest_first():
    label_v = torch.tensor([0, 0, 0, 0, 1])
    judged_vn = torch.tensor(
        [[0.5, 0.5, 0.0], [0.3, 0.1, 0.6], [0.25, 0.4, 0.35], [0.35, 0.65, 0.0], [0.0, 0.1, 0.9]]
    )
    joint_nn = torch.tensor([[2.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert prune_by_class(label_v, judged_vn, joint_nn).tolist() == [False, True, True, False, False]
    # Most for class 1 against 0: the fourth, by 0.3; most for class 2: the second, by 0.3.
    assert prune_by_noise_rate(label_v, judged_vn, joint_nn).tolist() == [False, True, False, True, False]


def test_rates_of_a_joint_are_what_lies_off_its_diagonal():
    joint_nn = torch.tensor([[90.0, 10.0, 0.0], [5.0, 15.0, 0.0], [0.0, 0.0, 0.0]])
    assert noise_rates(joint_nn).tolist() == pytest.approx([0.1, 0.25, 0.0])
    assert noise_rate(joint_nn) == pytest.approx(15 / 120)


@pytest.mark.parametrize("rates", [(0.0, 0.0, 0.0), (0.1, 0.2, 0.3), (0.3, 0.05, 0.2)])
def test_the_estimated_rates_are_close_to_the_true_ones(rates):
    rng = np.random.default_rng(1)
    cases, truth_v, label_v = zip(
        *(flipped_case(f"c{n}", rates, rng, sharpness=6.0) for n in range(6)), strict=True
    )
    joint_nn = gathered(iter(cases)).joint()
    truth_v, label_v = np.concatenate(truth_v), np.concatenate(label_v)
    true_nn = np.zeros((3, 3))
    np.add.at(true_nn, (label_v, truth_v), 1)
    assert joint_nn.sum(1).tolist() == pytest.approx(true_nn.sum(1).tolist())
    assert noise_rates(joint_nn).tolist() == pytest.approx(
        noise_rates(torch.from_numpy(true_nn)).tolist(), abs=0.03
    )
    assert noise_rate(joint_nn) == pytest.approx(float((truth_v != label_v).mean()), abs=0.02)


def test_flags_are_mostly_the_wrong_labels_and_most_of_them():
    rng = np.random.default_rng(2)
    cases, truth_v, label_v = zip(
        *(flipped_case(f"c{n}", (0.1, 0.2, 0.3), rng, sharpness=5.0) for n in range(4)), strict=True
    )
    flags = gathered(cases).flags()
    assert set(flags) == {"c0", "c1", "c2", "c3"}
    flagged_v = np.concatenate([flags[f"c{n}"].numpy().ravel() for n in range(4)])
    is_wrong_v = np.concatenate(truth_v) != np.concatenate(label_v)
    assert is_wrong_v[flagged_v].mean() > 0.95
    assert flagged_v[is_wrong_v].mean() > 0.85


def test_no_voxel_is_flagged_whose_label_the_judge_thinks_most_likely():
    rng = np.random.default_rng(3)
    case, _, label_v = flipped_case("one", (0.3, 0.3, 0.3), rng, sharpness=1.0)
    flagged_v = gathered([case]).flags()["one"].numpy().ravel()
    assert flagged_v.any()
    assert not (case.judged_nijk.argmax(0).numpy().ravel()[flagged_v] == label_v[flagged_v]).any()


def test_a_manual_label_is_never_wrong_whatever_the_judge_says():
    rng = np.random.default_rng(4)
    noisy, _, _ = flipped_case("noisy", (0.1, 0.2, 0.3), rng)
    contradicted = judged_of(rng.integers(0, 3, 12**3), 3, rng)
    manual = case_of("manual", rng.integers(0, 3, 12**3), contradicted, is_manual=True)
    alone = gathered([noisy])
    both = gathered([noisy, manual])
    assert set(both.flags()) == {"noisy"}
    manual_n = torch.bincount(manual.label_ijk.flatten(), minlength=3)
    noisy_n = torch.bincount(noisy.label_ijk.flatten(), minlength=3)
    assert both.joint().sum(1).tolist() == pytest.approx((manual_n + noisy_n).tolist())
    assert bool((both.joint().diagonal() >= manual_n).all())
    assert noise_rate(gathered([manual]).joint()) == pytest.approx(0.0)
    assert noise_rate(alone.joint()) > 0.05


def test_sure_voxels_are_counted_as_if_they_had_been_kept(monkeypatch):
    rng = np.random.default_rng(5)
    case, _, _ = flipped_case("one", (0.1, 0.2, 0.3), rng, sharpness=7.0)
    few = gathered([case])
    thresholds, joint, flagged = few.thresholds(), few.joint(), few.flags()["one"]
    monkeypatch.setattr("methods.confident_learning.SURE", 1.1)
    whole = gathered([case])
    assert len(few._unsure[0].place_v) < len(whole._unsure[0].place_v) / 2
    torch.testing.assert_close(thresholds, whole.thresholds(), rtol=1e-4, atol=0)
    torch.testing.assert_close(joint, whole.joint(), rtol=0.02, atol=2.0)
    assert int((flagged ^ whole.flags()["one"]).sum()) <= 3


def test_a_class_of_which_nobody_is_confident_is_not_held_for_wrong():
    label_v = np.zeros(12**3, dtype=int)
    label_v[:5] = 1
    judged_nv = torch.full((3, 12**3), 1 / 3)
    judged_nv[:, 5:] = torch.tensor([0.9, 0.06, 0.04])[:, None]
    judged_nv[:, :5] = torch.tensor([0.5, 0.3, 0.2])[:, None]
    judged_nv[:, 0] = torch.tensor([0.2, 0.6, 0.2])
    joint_nn = gathered([case_of("one", label_v, judged_nv)]).joint()
    assert joint_nn.sum().item() == pytest.approx(12**3)
    assert noise_rates(joint_nn).tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_what_cannot_be_judged_is_refused():
    unjudged = Case("one", torch.zeros(1, 2, 2, 2), torch.zeros(2, 2, 2).long(), is_manual=False)
    with pytest.raises(ValueError, match="case one comes without a judge's probabilities"):
        gathered([unjudged])
    with pytest.raises(ValueError, match="at least 1 case"):
        gathered([])
    assert Evidence(3).flags() == {}
