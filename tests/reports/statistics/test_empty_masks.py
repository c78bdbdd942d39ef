"""What predicts nothing, or failed, or was scored on fewer cases, is never the best of a table or figure."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.claims.pairwise import Side, versus
from reports.figures.curves import xi_curve
from reports.figures.spread import spread
from reports.inputs.records import COLUMNS, conform
from reports.ranking.sentences import ranked, verdicts
from reports.tables import TABLES
from reports.tables.means import comparison, curve, rank_intervals
from reports.text.render import markdown
from reports.text.sheet import sheet

DIAGONAL = 100.0
CASES = tuple("abcdef")
STRUCTURES = ("wall", "pool")


def one(method, case, structure, values, status, *, xi="0.3", seed="0"):
    """Rows of one structure of one case."""
    usual = {
        "run": "r", "dataset": "heart", "method": method, "xi": xi, "xi_realised": xi, "seed": seed, "split": seed,
        "role": "student", "member": "", "variant": "", "noise": "none", "recipe": "quick", "case": case,
        "unit": "", "definition": "hvsmr2016", "status": status, "stage": f"{method}-{xi}-{seed}", "commit": "c",
    }  # fmt: skip
    return [
        usual | {"structure": structure, "metric": metric, "value": value}
        for metric, value in zip(("dice", "adb", "hdd"), values, strict=True)
    ]


def measured(predicts, is_there, dice, distance):
    """Values and status by the rules of DESIGN 7, from whether either side has a voxel."""
    if predicts and is_there:
        return (dice, distance, distance), "ok"
    if not predicts and not is_there:
        return (1.0, 0.0, 0.0), "both_empty"
    return (0.0, DIAGONAL, DIAGONAL), "empty_reference" if predicts else "empty_prediction"


def frame(rows):
    """With the overall score of each case, as the stages write it."""
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    weight = found["metric"].map({"dice": 1 / 2, "adb": -1 / 4, "hdd": -1 / 30})
    whole = found.assign(value=found["value"] * weight).groupby(["stage", "case"], sort=False)
    scores = (
        whole.first()
        .reset_index()
        .assign(structure="all", metric="overall", value=whole["value"].sum().to_numpy())
    )
    return pd.concat([found, scores[list(COLUMNS)]], ignore_index=True)


@st.composite
def two_methods(draw):
    """`none` predicts nothing; `some` has a voxel in at least one case; references are empty here and there."""
    there = {place: draw(st.booleans()) for place in product(CASES, STRUCTURES)}
    there["a", "wall"] = True
    predicts = {place: draw(st.booleans()) for place in there}
    predicts[draw(st.sampled_from(sorted(predicts)))] = True
    rows = []
    for (case, structure), is_there in there.items():
        dice, distance = draw(st.floats(0.01, 1)), draw(st.floats(0, DIAGONAL))
        for method, has in (("none", False), ("some", predicts[case, structure])):
            rows += one(method, case, structure, *measured(has, is_there, dice, distance))
    return frame(rows), there


def best_in(table, block):
    """Method -> headings of its bold cells."""
    shown = sheet(table, block)
    heads = [
        f"{g} {h.text}"
        for (g, h) in zip([g for g, n in shown.groups for _ in range(n)], shown.heads, strict=True)
    ]
    return {
        name: {head for head, cell in zip(heads, row, strict=True) if cell.best}
        for name, row in zip(table["method"], shown.rows, strict=True)
    }


@settings(max_examples=15, deadline=None)
@given(two_methods())
def test_a_method_that_predicts_nothing_is_never_the_best_and_never_ranked_above(drawn):
    records, _ = drawn
    for table, block in (
        (comparison(records), "role"),
        (curve(records), "xi"),
        (curve(records, "dice"), "xi"),
    ):
        assert best_in(table, block)["none"] == set()
    ranks = rank_intervals(records)
    assert list(ranks["method"]) == ["some", "none"]
    assert list(ranks["rank"].isna()) == [False, True]
    assert best_in(ranks, "xi")["none"] == set()


@settings(max_examples=15, deadline=None)
@given(two_methods())
def test_where_every_reference_has_every_structure_nothing_is_below_something_in_every_number(drawn):
    records, there = drawn
    whole = {case for case in CASES if all(there[case, structure] for structure in STRUCTURES)}
    records = records[records["case"].isin(whole)]
    if records.empty:
        return
    means = comparison(records).set_index("method")
    assert means.loc["none", "overall"] <= means.loc["some", "overall"]
    for structure in STRUCTURES:
        assert means.loc["none", f"{structure}_dice"] <= means.loc["some", f"{structure}_dice"]
        assert means.loc["none", f"{structure}_adb"] >= means.loc["some", f"{structure}_adb"]
    for row in versus(records, Side("none"), Side("some"), "overall"):
        assert row.verdict != "better"


def necrosis(hits=0.05):
    """Nobody has a voxel of `pool` in four of six cases; `none` never predicts it, `some` always does."""
    rows = []
    for case in CASES:
        for method in ("none", "some"):
            rows += one(method, case, "wall", *measured(True, True, 0.5, 5.0))
            rows += one(method, case, "pool", *measured(method == "some", case in "ab", hits, 20.0))
    return frame(rows)


def test_a_structure_that_is_never_predicted_is_not_bold_although_its_mean_is_higher():
    table = comparison(necrosis()).set_index("method", drop=False)
    assert table.loc["none", "pool_dice"] == pytest.approx(4 / 6)
    assert table.loc["some", "pool_dice"] == pytest.approx(0.1 / 6)
    assert list(table["pool_dice_silent"]) == [1, 0]
    assert "wall_dice_silent" not in table  # nobody is silent there
    bold = best_in(table, "role")
    assert {"pool Dice ↑", "pool ADB mm ↓", "pool HDD mm ↓"} <= bold["some"]
    # The overall score counts the wall too, which both predict: it is not silent.
    assert " Overall ↑" in bold["none"]
    assert "silent" not in markdown(sheet(table, "role"), "t", "c").lower()


def test_the_rules_of_both_empty_stay_in_the_means():
    table = comparison(necrosis()).set_index("method")
    assert table.loc["none", "pool_adb"] == pytest.approx(2 * DIAGONAL / 6)
    assert list(table["empty"]) == [2, 4]


def test_every_table_is_made_of_records_in_which_every_prediction_is_empty():
    rows = [row for seed in "012" for case in CASES for method in ("tsman", "densevoxnet") for structure in STRUCTURES
            for xi in ("0.3", "0.9")
            for row in one(method, case, structure, *measured(False, True, 0, 0), xi=xi, seed=seed)]  # fmt: skip
    records = frame(rows)
    for key, table in TABLES.items():
        if not table.once and "hvsmr" in table.benchmarks:
            made = table.build(records)
            shown = sheet(made, table.block)
            assert not any(cell.best for row in shown.rows for cell in row), key
    assert any("not distinguishable" in sentence for sentence in verdicts(records))


def test_a_method_with_fewer_seeds_is_not_the_best_whatever_its_mean():
    rows = [
        row for seed in "012" for row in one("whole", "a", "wall", *measured(True, True, 0.5, 5), seed=seed)
    ]
    rows += one("lucky", "a", "wall", *measured(True, True, 0.9, 1))
    records = frame(rows)
    assert set().union(*best_in(comparison(records), "role").values()) == set()
    assert set().union(*best_in(curve(records), "xi").values()) == set()


def test_a_mean_of_fewer_seeds_is_no_rival_in_the_count_of_best_means():
    rows = [
        row for seed in "012" for xi in ("0.3", "0.6") for name, dice in (("tsman", 0.5), ("rival", 0.4))
        for row in one(name, "a", "wall", *measured(True, True, dice, 5), xi=xi, seed=seed)
    ]  # fmt: skip
    rows += [
        row
        for xi in ("0.3", "0.6")
        for row in one("lucky", "a", "wall", *measured(True, True, 0.9, 1), xi=xi)
    ]
    assert any("best mean overall score at 2 of 2" in sentence for sentence in verdicts(frame(rows)))


def test_a_case_that_only_the_other_method_has_is_a_failure_and_no_mean():
    rows = one("tsman", "a", "wall", *measured(True, True, 0.9, 1))
    rows += [row for case in "ab" for row in one("rival", case, "wall", *measured(True, True, 0.2, 1))]
    table = comparison(frame(rows)).set_index("method")
    assert np.isnan(table.loc["tsman", "overall"])
    assert list(table["failed"]) == [1, 0]
    assert list(ranked(frame(rows))["method"]) == ["rival", "tsman"]


@pytest.mark.parametrize(("metric", "value"), [("dice", 0.5), ("dice", 1.0), ("adb", 0.0), ("hdd", -1.0)])
def test_a_value_that_an_empty_mask_cannot_give_is_refused(metric, value):
    row = one("tsman", "a", "wall", (0, 1, 1), "empty_prediction")[0] | {"metric": metric, "value": value}
    with pytest.raises(ValueError, match=r"row 0: column 'value' holds .* one empty mask gives"):
        conform(pd.DataFrame([row], columns=list(COLUMNS)))


def test_the_axis_reaches_every_share_that_was_run():
    rows = [
        row
        for xi in ("0.01", "0.5", "0.99")
        for row in one("tsman", "a", "wall", *measured(True, True, 0.5, 5), xi=xi)
    ]
    for axes in xi_curve(frame(rows)).axes:
        low, high = axes.get_xlim()
        assert low < 0.01
        assert high > 0.99


def test_a_dashed_line_that_cannot_be_drawn_has_its_mark(scored, failed):
    base = [scored(0.5, case="a"), scored(0.6, xi="0.4", case="a")]
    empty = scored(0.0, 120, 120, case="a", role="supervised", xi="1.0", status="empty_prediction")
    for supervised, marker in ((empty, "v"), (failed(case="a", role="supervised", xi="1.0"), "x")):
        figure = xi_curve(pd.concat([*base, supervised]))
        marks = [
            line
            for line in figure.axes[0].lines
            if line.get_marker() == marker and list(line.get_xdata()) == [0.985]
        ]
        assert len(marks) == 1
        words = {"v": "below the axis", "x": "failed: no mean"}[marker]
        assert words in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_method_all_of_whose_cases_failed_keeps_its_place_in_the_spread(scored, failed):
    parts = [failed(method=name, case=case) if name == "lost" else scored(0.5, method=name, case=case)
             for name in ("first", "lost", "last") for case in "ab"]  # fmt: skip
    axes = spread(pd.concat(parts)).axes[-1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["first", "lost\n2 of 2 failed", "last"]
    means = {
        round(float(x))
        for line in axes.lines
        for x, y in zip(*line.get_data(), strict=True)
        if not np.isnan(y)
    }
    assert means == {0, 2}
