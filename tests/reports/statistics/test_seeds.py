"""Three seeds, each with a split of its own as in real records, are one result with a spread, everywhere."""

from __future__ import annotations

import pandas as pd
import pytest

from reports.claims.hypothesis_tests import trends
from reports.figures.curves import five_label_curve, xi_curve
from reports.page.cases import case_table
from reports.page.trace import traced
from reports.published.verdicts import published_verdicts
from reports.ranking.sentences import ranked, verdicts
from reports.tables import comparison, curve, mean_dice_curve, pseudo_labels, table1, table2, table3, table4
from reports.tables.means import rank_intervals

VARIANTS = ("baseline", "f4", "f34", "f234", "f1234", "f4-unsmoothed")
LABELS = (0.990, 0.776, 0.720, 0.684, 0.790)


@pytest.fixture(scope="module")
def records(scored):
    """Dice 0.5, 0.6 and 0.7 of the three seeds, 0.1 less of the rival; so overall scores 0.25, 0.3, 0.35."""
    kinds = [{"method": method, "xi": xi} for method in ("tsman", "densevoxnet") for xi in ("0.3", "0.9")]
    kinds += [{"method": "densevoxnet", "xi": "1.0", "role": "supervised"}]
    kinds += [{"variant": variant} for variant in VARIANTS]
    distilled = {"role": "pseudo", "method": "distillation"}
    kinds += [
        distilled | {"variant": variant, "member": member}
        for variant in ("single", "dd") for member in "123"
    ] + [distilled | {"variant": variant} for variant in ("md", "hd")]  # fmt: skip
    rows = [
        scored(
            0.5 + seed / 10 - (kind.get("method") == "densevoxnet") / 10, seed=str(seed), case=case, **kind
        )
        for kind in kinds
        for seed in range(3)
        for case in "ab"
    ]
    found = pd.concat(rows, ignore_index=True)
    assert found.groupby("seed")["split"].unique().map(len).eq(1).all()
    assert found["split"].nunique() == 3
    return found


def test_each_method_has_one_row_with_its_mean_and_spread(records):
    table = comparison(records).set_index(["method", "role"])
    assert len(table) == 3
    ours = table.loc[("tsman", "student")]
    assert ours[["overall", "overall_sd"]].tolist() == pytest.approx([0.3, 0.05])
    assert set(table["seeds"]) == {3}


def test_pseudo_labels_have_one_row_for_each_variant_and_teacher(records):
    table = pseudo_labels(records)
    assert len(table) == 8
    assert set(table["seeds"]) == {3}
    assert table["overall_sd"].tolist() == pytest.approx([0.05] * 8)


def test_tables_1_to_3_have_one_row_for_each_row_of_the_paper(records):
    first, second, third = table1(records), table2(records), table3(records)
    assert list(zip(first["xi"], first["views"], strict=True)) == [
        (xi, views) for xi in ("0.3", "0.5", "0.8") for views in ("", "DD")
    ]
    assert first.loc[0, ["A", "MD", "MD_sd", "seeds"]].tolist() == pytest.approx([0.3, 0.3, 0.05, 3])
    assert second["overall"].tolist() == pytest.approx([0.3] * 6)
    assert second["overall_sd"].tolist() == pytest.approx([0.05] * 6)
    assert second["seeds"].tolist() == [3] * 6
    assert list(third["in_paper"]) == ["Ours", "", "Y17", "M16", "T16", "V17", "W16", "Y16"]
    assert third["seeds"].tolist() == [3, 3, 3, 0, 0, 0, 0, 0]


def test_table_4_has_one_row_for_each_row_of_the_paper(brats):
    table = table4(pd.concat([brats(LABELS), brats(LABELS, method="densevoxnet")]))
    assert list(table["in_paper"]) == ["TSMAN", "", "U-Net", "MME", "DVN"]
    assert table["seeds"].tolist() == [3, 3, 0, 0, 0]


def test_a_curve_has_one_point_for_each_share_and_a_band_over_the_seeds(records, brats):
    for table, of in ((curve(records), 0.5), (mean_dice_curve(records), 1.0)):
        own = table[table["method"] == "tsman"]
        assert list(own["xi"]) == ["0.3", "0.9"]
        band = own[["low", "mean", "high"]].iloc[0].tolist()
        assert band == pytest.approx([of * 0.5, of * 0.6, of * 0.7])
    for figure in (xi_curve(records), five_label_curve(brats(LABELS))):
        points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
        assert len(points[0].get_xdata()) == len(set(points[0].get_xdata()))
        assert "lowest to highest seed" in {text.get_text() for text in figure.legends[0].get_texts()}


def test_claims_ranks_and_verdicts_count_three_seeds(records):
    tried = trends(records).query("verdict != 'not run'")
    assert set(tried["seeds"]) == {3}
    lead = tried.set_index("claim").loc["tsman above densevoxnet at ξ = 0.9"]
    assert lead["difference"] == pytest.approx(0.05)
    assert ranked(records)[["rank", "seeds"]].to_numpy().tolist() == [[1, 3], [2, 3]]
    assert "over 2 cases and 3 seeds" in verdicts(records)[0]
    held = published_verdicts(records)
    assert set(held.loc[held["ours"].notna(), "seeds"]) == {3}


@pytest.mark.parametrize(
    ("build", "cases"), [(comparison, 6), (pseudo_labels, 6), (table1, 24), (table3, 6), (curve, 6)]
)
def test_every_row_leads_to_the_cases_of_all_seeds(records, build, cases):
    frame = build(records)
    traces = [trace for trace in traced(frame, case_table(records)) if trace]
    assert len(traces) == (frame["seeds"] > 0).sum()
    assert {trace.cases for trace in traces} == {cases}


def test_methods_are_ranked_at_each_share_and_only_where_they_have_the_same_cases(scored):
    rows = [
        scored(dice + 0.01 * seed, method=method, xi=xi, case=case, seed=str(seed), split=str(seed))
        for xi, leads in (("0.3", {"a": 0.2, "b": 0.5}), ("0.9", {"a": 0.9, "b": 0.4}))
        for method, dice in leads.items()
        for seed in (0, 1, 2)
        for case in "uvw"
    ]
    table = rank_intervals(pd.concat(rows))
    assert table[["xi", "method", "rank", "seeds"]].to_numpy().tolist() == [
        ["0.3", "b", 1, 3], ["0.3", "a", 2, 3], ["0.9", "a", 1, 3], ["0.9", "b", 2, 3],
    ]  # fmt: skip
    fewer = pd.concat(rows[:-1])
    apart = rank_intervals(fewer).query("xi == '0.9'")
    assert apart["method"].tolist() == ["a", "b"]
    assert apart["rank"].isna().all()
