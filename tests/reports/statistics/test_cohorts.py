from __future__ import annotations

import pandas as pd
import pytest

from reports.statistics.cohorts import ablations, cohorts, evaluated, omitted, unique


def test_a_stage_shared_by_two_runs_counts_once(scored):
    both = pd.concat([scored(0.5, run="monday"), scored(0.5, run="tuesday")])
    assert len(unique(both)) == len(scored(0.5))


def test_a_failure_that_was_repaired_is_no_failure(scored, failed):
    both = pd.concat([failed(run="monday"), scored(0.5, run="tuesday")])
    assert set(unique(both)["status"]) == {"ok"}


def test_two_stages_that_claim_one_result_are_refused_by_name(scored):
    both = pd.concat([scored(0.5, stage="one"), scored(0.6, stage="two")])
    with pytest.raises(
        ValueError, match=r"student tsman at ξ = 0\.3, seed 0, case a has 2 .*stages one, two"
    ):
        unique(both)


def test_noise_ablations_and_teachers_are_left_out_and_counted(scored):
    other = [
        {"noise": "flip:0.2"},
        {"variant": "literal"},
        {"role": "teacher", "member": "1"},
    ]
    everything = pd.concat([scored(0.5), *(scored(0.1, **change) for change in other)])
    assert len(evaluated(everything, ("student", "supervised"))) == 4
    assert omitted(everything) == [
        "4 rows of variants of a method that no table shows",
        "4 rows of teachers scored on the test cases",
    ]


def test_mixed_recipes_are_refused_in_one_table(scored):
    both = pd.concat([scored(0.5), scored(0.6, recipe="paper")])
    with pytest.raises(ValueError, match=r"mix several values of 'recipe' \(paper, quick\)"):
        evaluated(both, ("student",))


def test_the_first_cohort_has_no_suffix_and_the_others_have_safe_ones(scored):
    several = pd.concat([
        scored(0.5, dataset="tumour"), scored(0.5, dataset="heart"), scored(0.5, dataset="../x"),
        scored(0.5, dataset="tumour", recipe="paper"),
    ])  # fmt: skip
    found = {cohort.name: cohort.suffix for cohort in cohorts(several)}
    assert found == {
        "../x": "",
        "heart": "-heart",
        "tumour, paper": "-tumour-paper",
        "tumour, quick": "-tumour-quick",
    }


def test_the_ablations_of_table_2_are_kept_apart_and_are_not_called_left_out(scored):
    other = [{"variant": "f5"}, {"variant": "f4", "method": "x"}, {"variant": "f4", "noise": "flip:0.2"}]
    rows = pd.concat([scored(0.5), scored(0.4, variant="f4"), *(scored(0.1, **change) for change in other)])
    assert set(ablations(rows)["value"]) == {0.4, 0.2, 0.0}
    assert len(evaluated(rows, ("student",))) == 4
    assert omitted(rows) == [
        "4 rows with injected noise that is not ranked",
        "8 rows of variants of a method that no table shows",
    ]


def test_ablations_on_tumours_are_left_out_since_table_2_is_of_hearts(brats):
    rows = pd.concat([brats([0.5] * 5), brats([0.5] * 5, variant="f4")])
    assert omitted(rows) == ["30 rows of variants of a method that no table shows"]
