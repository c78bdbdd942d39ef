from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.claims import mixed_effects
from reports.claims.mixed_effects import mixed_sentences, mixed_table
from reports.statistics.cohorts import unique


def records(scored, *, seeds=6, of_seed=0.02, of_case=0.02, of_rest=0.02):
    rng, rows = np.random.default_rng(0), []
    case_c = of_case * rng.standard_normal(10)
    for seed in range(seeds):
        luck = of_seed * rng.standard_normal()
        for number, case in enumerate("abcdefghij"):
            lead = 0.1 + luck + case_c[number] + of_rest * rng.standard_normal()
            where = {"seed": str(seed), "case": case}
            rows += [scored(0.5 + lead, **where), scored(0.5, method="x", **where)]
    return unique(pd.concat(rows))


def test_the_analysis_agrees_with_the_interval_where_all_parts_vary(scored):
    (row,) = mixed_table(records(scored)).to_dict("records")
    assert (row["against"], row["note"], row["seeds"], row["cases"]) == ("x", "", 6, 10)
    assert row["difference"] == pytest.approx(0.05, abs=0.02)
    assert row["low"] < row["difference"] < row["high"]
    assert [row["sd_seed"], row["sd_case"], row["sd_rest"]] == pytest.approx([0.01] * 3, rel=0.6)
    assert mixed_sentences(mixed_table(records(scored)), "heart")[0].startswith(
        "On heart the mixed-effects analysis agrees with the intervals in 1 of 1 differences"
    )


def test_what_does_not_agree_is_left_out_with_its_reason(scored, monkeypatch):
    monkeypatch.setattr(mixed_effects, "AGREES", (2.0, 3.0))
    (row,) = mixed_table(records(scored)).to_dict("records")
    assert row["note"] == "left out: it does not agree with the interval"
    assert np.isnan(row["difference"])


def test_a_difference_that_never_varies_and_two_seeds_have_no_analysis(scored):
    (row,) = mixed_table(records(scored, of_seed=0, of_case=0, of_rest=0)).to_dict("records")
    assert row["note"] == "left out: it could not be fitted"
    assert mixed_table(records(scored, seeds=2)).empty
    assert mixed_sentences(mixed_table(records(scored, seeds=2)), "heart") == []
