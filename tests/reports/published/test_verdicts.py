from __future__ import annotations

import pandas as pd
import pytest

from reports.published.cells import published
from reports.published.verdicts import VERDICTS, Tolerances, published_verdicts
from reports.text.sheet import sheet

PRINTED = (0.990, 0.776, 0.720, 0.684, 0.790)  # Table 4, TSMAN


def row_of(table, name, row, column):
    return table[(table["table"] == name) & (table["row"] == row) & (table["column"] == column)].squeeze()


def mean_of_tsman(records, **settings):
    return row_of(published_verdicts(records, **settings), "table4", "TSMAN", "mean")


def shifted(by):
    return [value + by for value in PRINTED]


def test_every_cell_has_a_verdict_whatever_was_recorded(sweep):
    table = published_verdicts(sweep)
    assert len(table) == len(published())
    assert set(table["verdict"]) <= set(VERDICTS)
    assert (table["reason"] != "").all()


def test_a_cell_is_judged_once_for_each_cohort_of_its_benchmark(scored, brats):
    records = pd.concat([scored(0.5), scored(0.5, dataset="other"), brats(PRINTED)])
    table = published_verdicts(records)
    assert (table["table"] == "table3").sum() == 2 * 49
    assert (table["table"] == "table4").sum() == 24
    assert set(table["dataset"]) == {"heart", "other", "brats2015"}


def test_an_interval_inside_the_tolerance_reproduces(brats):
    found = mean_of_tsman(brats(shifted(0.005), spread=0.0002))
    assert found["verdict"] == "reproduced"
    assert (found["low"], found["high"]) == pytest.approx((0.797 - 0.0025, 0.797 + 0.0025), abs=1e-4)
    assert found["difference"] == pytest.approx(0.005)
    assert "lies inside 0.792 ± 0.02" in found["reason"]


@pytest.mark.parametrize("by", [-0.03, 0.03])
def test_an_interval_outside_the_tolerance_deviates(brats, by):
    assert mean_of_tsman(brats(shifted(by), spread=0.0002))["verdict"] == "deviates"


def test_an_interval_across_the_edge_is_consistent(brats):
    assert mean_of_tsman(brats(shifted(0.02), spread=0.01))["verdict"] == "consistent"


def test_a_wide_interval_that_holds_the_printed_value_is_never_reproduced(brats):
    """Not significantly different is not the same."""
    assert mean_of_tsman(brats(shifted(0.0), spread=0.2))["verdict"] == "consistent"


def test_the_tolerance_is_a_setting(brats):
    records = brats(shifted(0.03), spread=0.0002)
    assert mean_of_tsman(records, tolerances=Tolerances(dice=0.05))["verdict"] == "reproduced"


def test_fewer_than_three_seeds_are_insufficient_however_near(brats):
    found = mean_of_tsman(brats(PRINTED, seeds=2))
    assert (found["verdict"], found["reason"]) == ("insufficient", "too few seeds (2 of 3)")


def test_one_case_is_insufficient(brats):
    records = brats(PRINTED)
    found = mean_of_tsman(records[records["case"] == "a"])
    assert (found["verdict"], found["reason"]) == ("insufficient", "one case gives no interval")


def test_the_mean_counts_the_background(brats):
    assert mean_of_tsman(brats((1.0, 0.5, 0.5, 0.5, 0.5)))["ours"] == pytest.approx(0.6)


def test_other_data_and_recipe_are_not_comparable_and_all_reasons_are_said(brats):
    found = mean_of_tsman(brats(PRINTED, seeds=1, dataset="phantom-tumour", recipe="quick"))
    assert found["verdict"] == "not_comparable"
    assert found["reason"] == (
        "other data (phantom-tumour, P has brats2015); another recipe (quick, not paper); "
        "too few seeds (1 of 3)"
    )


def test_a_changed_paper_recipe_is_another_recipe(brats):
    assert mean_of_tsman(brats(PRINTED, recipe="paper+1a2b3c"))["verdict"] == "not_comparable"


def test_rows_that_the_paper_quotes_are_not_comparable(brats):
    where = {"method": "mme", "role": "supervised", "xi": "1.0"}
    records = brats((0.966, 0.943, 0.712, 0.328, 0.960), **where)
    found = row_of(published_verdicts(records), "table4", "MME", "1")
    assert found["ours"] == pytest.approx(0.943)
    assert (found["verdict"], found["reason"]) == (
        "not_comparable", "P quotes it in a metric it does not name"
    )  # fmt: skip


def heart(scored, **where):
    parts = [
        scored(0.8, 1.0, 6.0, seed=seed, case=case, **({"dataset": "hvsmr2016", "recipe": "paper"} | where))
        for seed in "012"
        for case in "ab"
    ]
    rows = pd.concat(parts)
    wall = rows[rows["structure"] == "wall"]
    return pd.concat([wall.assign(structure="myocardium"), wall.assign(structure="blood_pool")])


def test_even_hvsmr_2016_is_another_evaluation_set_in_table_3(scored):
    found = row_of(published_verdicts(heart(scored, xi="0.9")), "table3", "Ours", "Myocardium Dice")
    assert found["ours"] == pytest.approx(0.8)
    assert found["verdict"] == "not_comparable"
    assert "test scans are withheld" in found["reason"]


def test_what_has_no_record_says_what_would_make_it(scored):
    found = row_of(published_verdicts(heart(scored, xi="0.9")), "table1", "30%", "A")
    assert (found["verdict"], found["reason"]) == (
        "not_run", "no record; bench run --experiment table1 makes it"
    )  # fmt: skip
    assert pd.isna(found["ours"])


def test_the_leaderboard_is_not_comparable_and_figures_print_nothing(scored):
    table = published_verdicts(heart(scored, xi="0.9"))
    found = row_of(table, "table3", "M16", "Overall")
    assert (found["printed"], found["verdict"]) == ("NA", "not_comparable")
    assert set(table.loc[table["table"] == "figure6", "verdict"]) == {"figure_only"}


def test_a_data_set_without_the_structure_is_not_comparable(scored):
    found = row_of(published_verdicts(scored(0.5, xi="0.9")), "table3", "Ours", "Blood Pool HDD")
    assert found["verdict"] == "not_comparable"
    assert found["reason"].endswith("heart has no blood pool")


def test_a_failed_case_leaves_no_mean_and_no_verdict_on_the_rest(brats):
    records = brats(PRINTED).reset_index(drop=True)
    lost = (records["seed"] == "1") & (records["case"] == "b")
    records.loc[lost, ["value", "status"]] = [float("nan"), "failed"]
    found = mean_of_tsman(records)
    assert pd.isna(found["ours"])
    assert found["verdict"] == "not_run"
    assert found["reason"].startswith("1 of 6 case results failed, so there is no mean")
    shown = sheet(published_verdicts(records), "table")
    assert sum(cell.text == "failed 1/6" for row in shown.rows for cell in row) == 6


def test_table_2_is_held_against_the_smallest_share_that_was_ablated(scored):
    records = pd.concat([heart(scored, xi=xi, variant="f34") for xi in ("0.3", "0.5")])
    found = row_of(published_verdicts(records), "table2", "f34", "score")
    assert found["ours"] == pytest.approx(2 * (0.4 - 0.25 - 0.2))
    assert found["reason"].endswith("P states no ξ, ours is at 0.3")


def test_tsman_as_it_is_stands_for_all_four_attentions(scored):
    records = pd.concat([heart(scored, variant="f34"), heart(scored, variant="")])
    assert row_of(published_verdicts(records), "table2", "f1234", "score")["seeds"] == 3
