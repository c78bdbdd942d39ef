"""What a doubt is worth, on doubts whose worth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from bench.metrics.detection import Voxels, measure
from bench.metrics.detection.measures import BINS

COUNT = 3000


def voxels(doubt_v, wrong_v, *, differs_v=None, weight_v=None):
    doubt_v, wrong_v = np.asarray(doubt_v, np.float32), np.asarray(wrong_v, bool)
    differs_v = np.ones(len(doubt_v), bool) if differs_v is None else np.asarray(differs_v, bool)
    weight_v = np.ones(len(doubt_v), np.float32) if weight_v is None else np.asarray(weight_v, np.float32)
    return Voxels(doubt_v, wrong_v, differs_v, weight_v)


def values(*given, **more):
    return {one.measure: one.value for one in measure(voxels(*given, **more))}


@pytest.fixture
def wrong_v():
    return np.random.default_rng(0).random(COUNT) < 0.2


def test_a_doubt_of_exactly_the_wrong_labels_is_perfect(wrong_v):
    found = values(wrong_v, wrong_v)
    assert found.pop("wrong_share") == wrong_v.mean()
    assert found == {
        "removed_wrong": 1, "removed_right": 0, "auroc": 1, "auprc": 1, "precision": 1, "calibration": 0,
    }  # fmt: skip


def test_a_doubt_of_exactly_the_right_labels_is_the_worst_there_is(wrong_v):
    found = values(~wrong_v, wrong_v)
    assert (found["removed_wrong"], found["removed_right"]) == (0, 1)
    assert (found["auroc"], found["precision"], found["calibration"]) == (0, 0, 1)


@pytest.mark.parametrize("doubt", [0.0, 0.3, 1.0])
def test_an_equal_doubt_of_every_label_tells_nothing_apart(wrong_v, doubt):
    found = values(np.full(COUNT, doubt), wrong_v)
    base = wrong_v.mean()
    assert found["auroc"] == 0.5
    assert found["precision"] == found["auprc"] == pytest.approx(base)
    assert found["removed_wrong"] == pytest.approx(doubt) == found["removed_right"]
    assert found["calibration"] == pytest.approx(abs(doubt - base))


def test_a_doubt_by_chance_finds_no_more_than_chance_does(wrong_v):
    found = values(np.random.default_rng(1).random(COUNT), wrong_v)
    assert found["auroc"] == pytest.approx(0.5, abs=0.05)
    assert found["precision"] == pytest.approx(wrong_v.mean(), abs=0.05)
    assert found["removed_wrong"] == pytest.approx(0.5, abs=0.05) == found["removed_right"]


def test_a_doubt_that_is_the_probability_of_being_wrong_is_calibrated():
    rng = np.random.default_rng(2)
    doubt_v = rng.random(200_000)
    assert values(doubt_v, rng.random(len(doubt_v)) < doubt_v)["calibration"] < 0.01


def test_ties_at_the_last_place_count_by_expectation_and_not_by_order():
    doubt_v = [0.9, 0.5, 0.5, 0.5, 0.5, 0.1]
    wrong_v = [True, True, False, False, False, True]  # 3 are wrong: the first, and two drawn of four
    for order in (slice(None), slice(None, None, -1)):
        found = values(doubt_v[order], wrong_v[order])
        assert found["precision"] == pytest.approx((1 + 2 * 1 / 4) / 3)
        # Pairs won of 9: all 3 by 0.9, half of 3 by 0.5, none by 0.1.
        assert found["auroc"] == pytest.approx(4.5 / 9)


@pytest.mark.parametrize("wrong", [True, False])
def test_where_all_labels_are_of_one_kind_nothing_can_be_told_apart(wrong):
    found = values([0.2, 0.8], [wrong, wrong])
    assert found["auroc"] is found["auprc"] is found["precision"] is None
    assert found["removed_right" if wrong else "removed_wrong"] is None
    assert found["removed_wrong" if wrong else "removed_right"] == pytest.approx(0.5)
    assert found["wrong_share"] == wrong


def test_of_no_voxels_nothing_is_known():
    assert {(one.value, one.voxels) for one in measure(voxels([], []))} == {(None, 0)}


def test_what_is_removed_is_a_share_of_mass_and_not_of_voxels():
    found = values([1, 0, 0.5, 0], [True, True, False, False], weight_v=[3, 1, 1, 4])
    assert (found["removed_wrong"], found["removed_right"]) == pytest.approx((0.75, 0.1))


def test_labels_that_are_predicted_as_they_are_count_for_mass_and_calibration_alone():
    doubt_v, wrong_v = [0.0, 1.0, 1.0, 1.0], [False, True, False, False]
    found = {
        one.measure: one for one in measure(voxels(doubt_v, wrong_v, differs_v=[True, True, False, False]))
    }
    assert (found["auroc"].value, found["precision"].value, found["wrong_share"].value) == (1, 1, 0.5)
    assert found["removed_right"].value == pytest.approx(2 / 3)
    assert found["calibration"].value == pytest.approx(0.5)
    counted = {name: one.voxels for name, one in found.items()}
    assert counted == {
        "removed_wrong": 1, "removed_right": 3, "auroc": 2, "auprc": 2, "precision": 2, "calibration": 4,
        "wrong_share": 2,
    }  # fmt: skip


@given(
    st.integers(2, 60).flatmap(
        lambda count: st.tuples(
            arrays.arrays(np.float32, count, elements=st.sampled_from([0, 0.1, 0.25, 0.5, 0.75, 1])),
            arrays.arrays(bool, count),
        )
    )
)
def test_the_ranking_says_what_scikit_learn_says(given_arrays):
    doubt_v, wrong_v = given_arrays
    found = values(doubt_v, wrong_v)
    if wrong_v.all() or not wrong_v.any():
        assert found["auroc"] is None
        return
    assert found["auroc"] == pytest.approx(roc_auc_score(wrong_v, doubt_v))
    assert found["auprc"] == pytest.approx(average_precision_score(wrong_v, doubt_v))


def test_the_calibration_error_is_that_of_scikit_learns_bins():
    rng = np.random.default_rng(3)
    doubt_v = rng.random(5000).astype(np.float32)
    wrong_v = rng.random(5000) < 0.3
    share_b, mean_b = calibration_curve(wrong_v, doubt_v, n_bins=BINS)
    weight_b = np.histogram(doubt_v, BINS, (0, 1))[0] / 5000
    assert values(doubt_v, wrong_v)["calibration"] == pytest.approx(
        float(np.abs(share_b - mean_b) @ weight_b)
    )
