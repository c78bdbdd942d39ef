from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.tables.means import comparison, curve, mean_dice_curve, pseudo_labels


def test_the_comparison_stands_at_the_largest_share_and_adds_the_supervised(sweep):
    table = comparison(sweep)
    assert list(zip(table["method"], table["role"], table["xi"], strict=True)) == [
        ("tsman", "student", "0.9"), ("densevoxnet", "student", "0.9"),
        ("tsman", "supervised", "1.0"), ("densevoxnet", "supervised", "1.0"),
    ]  # fmt: skip
    first = table.iloc[0]
    assert first["wall_dice"] == pytest.approx(0.76)
    assert first["wall_adb"] == pytest.approx(1.24)
    assert first["wall_hdd"] == pytest.approx(9)
    assert first["overall"] == pytest.approx(0.38 - 0.31 - 0.3)
    assert first["wall_dice_sd"] == pytest.approx(0.02 / np.sqrt(2))
    assert list(first[["cases", "seeds", "results", "failed", "empty"]]) == [2, 2, 4, 0, 0]


def test_the_comparison_can_stand_at_another_share(sweep):
    assert set(comparison(sweep, xi="0.30")["xi"]) == {"0.3", "1.0"}


def test_a_share_that_nobody_was_trained_at_is_refused(sweep):
    with pytest.raises(ValueError, match=r"no student was trained at ξ = 0\.5"):
        comparison(sweep, xi="0.5")


def test_the_comparison_does_without_the_supervised(sweep):
    assert set(comparison(sweep[sweep["role"] != "supervised"])["role"]) == {"student"}


def test_several_data_sets_stand_one_below_the_other_at_their_own_shares(scored):
    table = comparison(pd.concat([scored(0.5, dataset="x", xi="0.8"), scored(0.5, dataset="w", xi="0.2")]))
    assert list(zip(table["dataset"], table["xi"], strict=True)) == [("w", "0.2"), ("x", "0.8")]


def test_what_predicts_nothing_ranks_below_what_predicts_something(scored):
    something = [scored(0.05, 40, 90, method="poor", case=case) for case in "ab"]
    nothing = [scored(0.0, 120, 120, method="none", case=case, status="empty_prediction") for case in "ab"]
    table = comparison(pd.concat([*something, *nothing])).set_index("method")
    assert table.loc["none", "overall"] < table.loc["poor", "overall"]
    assert table.loc["none", "empty"] == 2


def test_pseudo_labels_are_told_apart_by_share_variant_and_teacher(sweep):
    table = pseudo_labels(sweep)
    assert list(zip(table["xi"], table["variant"], table["member"], strict=True)) == [
        ("0.3", "single", "1"), ("0.3", "single", "2"), ("0.3", "hd", ""),
    ]  # fmt: skip
    assert list(table["wall_dice"]) == pytest.approx([0.41, 0.51, 0.61])
    assert list(table["overall"]) == pytest.approx([0.205 - 0.45, 0.255 - 0.45, 0.305 - 0.45])


def test_pseudo_labels_of_each_share_may_be_of_other_cases(scored):
    where = {"role": "pseudo", "variant": "hd"}
    records = pd.concat([scored(0.5, xi="0.3", case="a", **where), scored(0.5, xi="0.3", case="b", **where),
                         scored(0.7, xi="0.6", case="b", **where)])  # fmt: skip
    table = pseudo_labels(records)
    assert list(table["cases"]) == [2, 1]
    assert list(table["failed"]) == [0, 0]


def test_without_pseudo_labels_the_table_is_empty_but_has_its_columns(scored):
    table = pseudo_labels(scored(0.5))
    assert table.empty
    assert {"xi", "variant", "overall"} <= set(table.columns)


def test_the_curve_has_its_band_over_seeds(sweep):
    table = curve(sweep)
    assert list(table.columns) == ["dataset", "method", "xi", "mean", "low", "high", "seeds", "failed"]
    assert list(zip(table["method"], table["xi"], strict=True)) == [
        (method, xi) for method in ("tsman", "densevoxnet") for xi in ("0.3", "0.9", "1.0")
    ]
    first = table.iloc[0]
    # Dice of the seeds: 0.65 and 0.67; ADB is 2 - Dice.
    assert first["low"] == pytest.approx(0.65 * 0.75 - 0.5 - 0.3)
    assert first["high"] == pytest.approx(0.67 * 0.75 - 0.5 - 0.3)
    assert first["mean"] == pytest.approx(0.66 * 0.75 - 0.5 - 0.3)


def test_the_curve_of_a_metric_averages_structures(scored):
    pool = scored(0.9).iloc[:3].assign(structure="pool")
    assert curve(pd.concat([scored(0.5).iloc[:3], pool]), "dice")["mean"].item() == pytest.approx(0.7)


def test_the_curve_shows_a_failure_as_a_gap(scored, failed):
    table = curve(pd.concat([scored(0.5, xi="0.1"), failed(xi="0.2")]))
    assert list(table["mean"].isna()) == [False, True]
    assert list(table["failed"]) == [0, 1]


def test_the_curve_of_an_unknown_metric_is_refused_with_the_known(sweep):
    with pytest.raises(
        ValueError, match=r"no record has the metric 'dicee'; there are adb, dice, hdd, overall"
    ):
        curve(sweep, "dicee")


def test_without_dice_the_curve_of_dice_is_empty(scored):
    assert mean_dice_curve(scored(0.5).iloc[3:]).empty


@pytest.mark.parametrize("table", [comparison, pseudo_labels, curve])
def test_no_records_make_no_table(sweep, table):
    with pytest.raises(ValueError, match="there are no records to report"):
        table(sweep.iloc[:0])
