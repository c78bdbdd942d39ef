from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.claims.gap import closed_sentences, closed_table, gap_table
from reports.inputs.other_tables import Extras
from reports.ranking.leaderboard import leaderboard
from reports.statistics.cohorts import unique

EASE = dict(zip("abcdef", (-0.05, -0.03, -0.01, 0.01, 0.03, 0.05), strict=True))


def records(scored, alone, *, seeds="012", share=0.5, full=0.9, noise="none", **more):
    """Dice of labelled-only by ξ; the method closes `share` of what it lacks of `full`."""
    rng, rows = np.random.default_rng(0), []
    for seed in seeds:
        for case, ease in EASE.items():
            where = {"seed": seed, "case": case, **more}
            rows.append(scored(full + ease, xi="1.0", role="supervised", **where))
            for xi, dice in alone.items():
                own = {"xi": xi, "noise": noise, **where}
                reached = dice + share * (full - dice) + 0.01 * rng.standard_normal()
                rows.append(scored(dice + ease, role="labelled-only", method="teachers", **own))
                rows.append(scored(reached + ease, **own))
    return unique(pd.concat(rows))


def test_a_method_closes_its_share_of_the_gap_at_each_share_and_over_all(scored):
    table = closed_table(records(scored, {"0.1": 0.5, "0.3": 0.7}))
    assert table["xi"].tolist() == ["all", "0.1", "0.3"]
    assert table["closed"].tolist() == pytest.approx([0.5] * 3, abs=0.05)
    assert (table["closed_lower"] < table["closed"]).all()
    assert (table["closed"] < table["closed_upper"]).all()
    assert table["gap"].tolist() == pytest.approx([0.3, 0.4, 0.2])
    assert set(table["note"]) == {""}


def test_where_the_gap_is_not_clearly_above_zero_there_is_nothing_to_close(scored):
    rows = records(scored, {"0.3": 0.7, "0.9": 0.9})
    table = closed_table(rows).set_index("xi")
    assert np.isnan(table.loc["0.9", "closed"])
    assert table["note"].to_dict() == {"all": "", "0.3": "", "0.9": "nothing to close here"}
    gaps = gap_table(rows).set_index(["measure", "xi"])
    assert gaps["note"]["dice", "0.9"] == gaps["note"]["overall", "0.9"] == "nothing to close here"
    assert gaps["gap"]["dice", "0.3"] == pytest.approx(0.2)
    assert closed_sentences(closed_table(records(scored, {"0.9": 0.9})), "heart") == [
        "On heart, tsman at ξ = 0.9: nothing to close here (gap 0.000 [0.000, 0.000] in mean Dice, 6 cases, 3 seeds)."
    ]


def test_one_seed_has_the_interval_over_cases_and_no_verdict(scored):
    table = closed_table(records(scored, {"0.3": 0.7}, seeds="0"))
    assert table["note"].tolist() == ["one seed: no verdict"]
    assert table[["closed", "closed_lower", "closed_upper"]].notna().all(axis=None)
    (said,) = closed_sentences(table, "heart")
    assert "of the gap at ξ = 0.3 over cases only (gap 0.200" in said
    assert said.endswith("6 cases, 1 seed); one seed: no verdict.")


def test_without_either_reference_no_share_is_closed(scored):
    rows = records(scored, {"0.3": 0.7})
    assert closed_table(rows[rows["role"] != "labelled-only"]).empty
    assert closed_table(rows[rows["role"] != "supervised"]).empty
    assert gap_table(rows[rows["role"] != "supervised"]).empty


def test_under_injected_noise_the_same_full_stands_above_and_the_leaderboard_begins_with_the_share(scored):
    rows = records(scored, {"0.3": 0.7}, noise="markov:0.2")
    table = closed_table(rows, "markov:0.2")
    assert table["closed"].tolist() == pytest.approx([0.5], abs=0.05)
    assert closed_table(rows).empty
    board = leaderboard(rows, Extras())
    first = board[board["role"] == "student"].iloc[0]
    assert first["closed"] == pytest.approx(table["closed"].iloc[0])
    assert list(board.columns).index("closed") == list(board.columns).index("method") + 1
    assert board.loc[board["role"] != "student", "closed"].isna().all()


def test_of_the_recipe_smoke_no_share_is_said(scored):
    rows = records(scored, {"0.3": 0.7}, recipe="smoke")
    (said,) = closed_sentences(closed_table(rows), "heart")
    assert "smoke: no verdict" in said
