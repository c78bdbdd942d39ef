"""A ξ that is another ξ on a data set: drawn once, and said."""

import pandas as pd
import pytest

from reports.inputs.images import Exhibits
from reports.page import write
from reports.statistics.aggregate import once, other_shares
from reports.tables.means import curve, mean_dice_curve, pseudo_labels, rank_intervals


def at(records, share, came_to, stage):
    """The records of a student at ξ = 0.3 as another ξ that came to a share."""
    rows = records[records["xi"] == "0.3"]
    return rows.assign(xi=share, xi_realised=came_to, stage=stage)


@pytest.fixture
def twice(sweep):
    """0.2 and 0.3 kept the same scans, as in stores that trained both names; 0.9 came to 0.8571."""
    records = sweep.assign(xi_realised=sweep["xi"].replace({"0.3": "0.2857", "0.9": "0.8571"}))
    return pd.concat([at(records, "0.2", "0.2857", "t"), records], ignore_index=True)


@pytest.mark.parametrize("table", [curve, mean_dice_curve, rank_intervals, pseudo_labels])
def test_the_same_training_stands_once_under_the_smallest_share(twice, sweep, table):
    assert "0.3" in set(table(sweep)["xi"])
    assert "0.3" not in set(table(twice)["xi"])
    assert "0.2" in set(table(twice)["xi"])


def test_who_has_only_the_larger_share_keeps_it(twice):
    alone = twice[(twice["method"] != "densevoxnet") | (twice["xi"] != "0.2")]
    kept = once(alone)
    assert set(kept.loc[kept["method"] == "densevoxnet", "xi"]) == {"0.3", "0.9", "1.0"}
    assert set(kept.loc[kept["method"] == "tsman", "xi"]) == {"0.2", "0.9", "1.0"}


def test_each_is_named_once_with_what_it_is(twice, sweep):
    assert other_shares(twice) == ["ξ = 0.2 is 0.2857 here", "ξ = 0.3 is 0.2 here, the same training"]
    assert other_shares(sweep) == []
    # Rounding to whole scans alone makes no other ξ: 0.3111 is 0.3 to the digits that were asked for.
    near = sweep.assign(xi_realised=sweep["xi"].replace({"0.3": "0.3111", "0.9": "0.9111"}))
    assert other_shares(near) == []
    assert other_shares(sweep.assign(xi_realised="nonsense"))[1:] == []


def test_the_tables_over_shares_and_the_page_say_it(twice, tmp_path):
    write(twice, tmp_path, title="t", provenance={})
    said = "ξ = 0.3 is 0.2 here, the same training"
    for name in ("curve", "curve_dice", "ranks", "pseudo", "table1"):
        assert said in (tmp_path / "tables" / f"{name}.md").read_text(), name
    assert (tmp_path / "index.html").read_text().count(said) > 5


def test_what_was_asked_for_and_planned_as_a_smaller_share_is_named_too(sweep, tmp_path):
    folded = {"0.35": "0.3", "0.95": "0.9", "0.9": "0.3", "0.5": "0.4"}
    said = ["ξ = 0.35 is 0.3 here, the same training", "ξ = 0.95 is 0.9 here, the same training"]
    assert other_shares(sweep, folded) == said  # 0.9 has rows of its own, 0.4 has none that 0.5 could be
    (name,) = sweep["dataset"].unique()
    write(sweep, tmp_path, title="t", provenance={}, exhibits=Exhibits(folded={name: folded}))
    for table in ("curve", "curve_dice", "ranks", "pseudo"):
        assert "; ".join(said) in (tmp_path / "tables" / f"{table}.md").read_text(), table
    assert (tmp_path / "index.html").read_text().count(said[0]) > 5
