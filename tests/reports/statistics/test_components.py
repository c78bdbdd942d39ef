from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.statistics import power
from reports.statistics.cohorts import unique
from reports.statistics.components import differences, measured, power_sentences, power_table, variances
from reports.statistics.power import TARGETS, Components


def records(scored, *, seeds=6, shares=("0.3", "0.5", "0.7"), shared=0.0, spread=0.02):
    """Two methods whose difference has a luck of seed and ξ, of which a part is the seed's alone."""
    rng, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        common = rng.standard_normal()
        for xi in shares:
            luck = spread * (shared**0.5 * common + (1 - shared) ** 0.5 * rng.standard_normal())
            for case in "abcdefgh":
                where = {"seed": str(seed), "case": case, "xi": xi}
                rows += [scored(0.5, **where), scored(0.5 + luck, method="x", **where)]
    return unique(pd.concat(rows))


def test_the_variances_of_crossed_tables_are_found_by_moments():
    rng = np.random.default_rng(1)
    tables = (
        0.5 * rng.standard_normal((4000, 5, 1))
        + 1.0 * rng.standard_normal((4000, 1, 8))
        + 2.0 * rng.standard_normal((4000, 5, 8))
    )
    assert variances(tables) == pytest.approx([0.25, 1.0, 4.0], rel=0.1)


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_the_correlation_between_the_shares_of_a_seed_is_measured(scored, shared):
    found = measured(records(scored, seeds=40, shared=shared), "dice")
    assert found.seed**0.5 == pytest.approx(0.02, rel=0.2)
    assert found.shared_seed == pytest.approx(shared, abs=0.2)


def test_of_one_share_others_are_taken_to_say_nothing_new(scored):
    found = measured(records(scored, shares=("0.3",)), "dice")
    assert (found.shared_seed, found.shared_case, found.shared_rest) == (1.0, 1.0, 1.0)


def test_what_failed_or_is_alone_is_no_difference(scored, failed):
    alone = unique(pd.concat([scored(0.5, case=case) for case in "ab"]))
    assert differences(alone, "dice") is None
    lost = pd.concat([records(scored), failed(method="y", xi="0.3", case="a")])
    assert differences(unique(lost), "dice").shape == (1, 3, 6, 8)


def test_the_table_says_what_it_takes_to_decide(scored):
    table = power_table(records(scored)).set_index("measure")
    row = table.loc["dice"]
    assert row[["methods", "shares", "seeds", "cases"]].tolist() == [2, 3, 6, 8]
    assert (row["source"], row["target"], row["note"]) == ("these records", 0.01, "")
    assert int(row["seeds_needed"]) > 6
    (said,) = power_sentences(table.reset_index(), "heart")
    assert f"0.01 Dice {row['seeds_needed']}" in said
    assert "averaged over 3 ξ" in said
    assert f"These records resolve about {table.loc['overall', 'resolves']:.2g} overall" in said


def test_of_one_seed_the_committed_variances_stand_in_where_there_are_any(scored, monkeypatch):
    one = records(scored, seeds=1)
    said = power_sentences(power_table(one), "heart")
    assert said[0].endswith(
        "are not measured: it takes two seeds here, or committed variances of this data set and recipe."
    )
    parts = [Components("heart", "quick", name, 0.01, 0.0, 0.01, 0.0, 0.0, 0.0, "a test") for name in TARGETS]
    monkeypatch.setattr(power, "committed", lambda: parts)
    (known_said,) = power_sentences(power_table(one), "heart")
    assert "(variances of a test" in known_said
    assert "resolve about" not in known_said
