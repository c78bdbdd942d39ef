from __future__ import annotations

import re

import pandas as pd
import pytest

from reports.tables import TABLES, table1, table2, table3, table4
from reports.text.render import comma_separated, latex, markdown
from reports.text.sheet import sheet

PRINTED = (0.990, 0.776, 0.720, 0.684, 0.790)


def pseudo(scored, variant, member="", xi="0.3", dice=0.5, **where):
    names = {"role": "pseudo", "method": "distillation"}
    return scored(dice, variant=variant, member=member, xi=xi, **(names | where))


def lines(frame, block):
    return markdown(sheet(frame, block), "T", "C").splitlines()


def test_table_1_is_laid_out_as_the_paper_prints_it(scored):
    parts = [("single", "1", 0.2), ("single", "2", 0.4), ("single", "3", 0.6), ("md", "", 0.8),
             ("dd", "1", 0.3), ("dd", "2", 0.5), ("dd", "3", 0.7), ("hd", "", 0.9)]  # fmt: skip
    table = table1(pd.concat([pseudo(scored, variant, member, dice=dice) for variant, member, dice in parts]))
    assert list(zip(table["xi"], table["views"], strict=True)) == [
        (xi, views) for xi in ("0.3", "0.5", "0.8") for views in ("", "DD")
    ]
    assert table.loc[0, ["A", "B", "C", "MD"]].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert table.loc[1, ["A", "B", "C", "MD"]].tolist() == pytest.approx([0.15, 0.25, 0.35, 0.45])
    assert table.loc[1, ["MD_printed", "MD_verdict"]].tolist() == ["0.191", "not_comparable"]
    assert table.loc[1, "MD_difference"] == pytest.approx(0.45 - 0.191)
    assert "0.450 (P 0.191)" in lines(table, "xi")[5]


def test_table_1_has_our_other_shares_too(scored):
    table = table1(pseudo(scored, "hd", xi="0.4"))
    at = table[table["xi"] == "0.4"].squeeze()
    assert (at["views"], at["MD_printed"], at["cases"]) == ("DD", "", 1)


def test_a_failed_teacher_is_failed_alone(scored):
    records = pd.concat([
        pseudo(scored, "single", "1"), pseudo(scored, "single", "2", dice=float("nan"), status="failed"),
    ])  # fmt: skip
    line = lines(table1(records), "xi")[4]
    assert line.count("failed 1/1 (P 0.154)") == 1
    assert "0.250 (P 0.005)" in line
    assert "– (P 0.171)" in line


def ablated(scored, variant, xi="0.3", dice=0.5):
    return scored(dice, variant=variant, xi=xi)


def test_table_2_ticks_the_attentions_and_keeps_the_order_of_the_paper(scored):
    variants = ("f4-unsmoothed", "f1234", "f4", "baseline")
    table = table2(
        pd.concat([ablated(scored, variant, dice=0.2 * place) for place, variant in enumerate(variants)])
    )
    ticks = [
        "".join("x" if row[f"f{number}"] else "." for number in range(1, 5)) for _, row in table.iterrows()
    ]
    assert ticks == ["....", "...x", "..xx", ".xxx", "xxxx", "...x"]
    assert list(table["smoothing"] != "") == [False, True, True, True, True, False]
    assert table["overall"].tolist() == pytest.approx(
        [0.3, 0.2, float("nan"), float("nan"), 0.1, 0.0], nan_ok=True
    )
    assert list(table["overall_printed"]) == ["-1.167", "-0.737", "-0.601", "-0.576", "-0.561", ""]


def test_table_2_prints_the_paper_beside_the_smallest_share_alone(scored):
    table = table2(pd.concat([ablated(scored, "f4", xi="0.5"), ablated(scored, "f4", xi="0.3")]))
    assert list(table["xi"]) == ["0.3"] * 6 + ["0.5"] * 6
    assert set(table.loc[table["xi"] == "0.5", "overall_printed"]) == {""}


def test_tsman_as_it_is_fills_the_row_of_all_four_where_they_were_ablated(scored):
    plain = [scored(0.9, xi=xi) for xi in ("0.3", "0.5")]
    table = table2(pd.concat([ablated(scored, "f4"), *plain]))
    assert set(table["xi"]) == {"0.3"}
    assert table["overall"].tolist()[4] == pytest.approx(0.45)


def test_table_3_shows_ours_beside_the_printed_and_the_leaderboard_below(scored):
    rows = pd.concat([scored(0.8, xi="0.9"), scored(0.7, xi="1.0", role="supervised", method="densevoxnet")])
    rows["structure"] = rows["structure"].replace("wall", "myocardium")
    table = table3(rows).set_index("in_paper")
    assert list(table.index) == ["Ours", "Y17", "M16", "T16", "V17", "W16", "Y16"]
    assert table.loc["Ours", "myocardium_dice_printed"] == "0.820"
    assert table.loc["Ours", "myocardium_dice_difference"] == pytest.approx(-0.02)
    assert table.loc["Y17", "overall_printed"] == "-0.161"
    assert table.loc["M16", ["overall_printed", "role", "cases"]].tolist() == ["NA", "published", 0]
    assert table["cases"].dtype == "int64"


def test_table_3_prints_nothing_beside_another_share_than_the_papers(scored):
    table = table3(pd.concat([scored(0.8, xi="0.7")])).set_index("method")
    assert list(table.index) == ["tsman", "M16", "T16", "V17", "W16", "Y16", "densevoxnet", "tsman"]
    assert list(table.loc["tsman", "overall_printed"]) == ["", "-0.024"]


def test_table_4_has_the_labels_and_their_mean(brats):
    table = table4(brats(PRINTED)).set_index("in_paper")
    assert list(table.index) == ["TSMAN", "U-Net", "MME", "DVN"]
    assert table.loc["TSMAN", "mean"] == pytest.approx(0.792)
    assert table.loc["TSMAN", ["necrosis_dice_printed", "mean_verdict"]].tolist() == ["0.7760", "reproduced"]
    assert pd.isna(table.loc["MME", "mean"])


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4"])
def test_where_nothing_was_recorded_the_printed_values_stand_alone(scored, name):
    frame = TABLES[name].build(scored(0.5, role="teacher", member="1"))
    text = markdown(sheet(frame, TABLES[name].block), "T", "C")
    printed = {"table1": 24, "table2": 5, "table3": 49, "table4": 24}[name]
    assert text.count("– (P ") == printed
    verdicts = {value for column in frame for value in frame[column] if column.endswith("_verdict")} - {""}
    assert verdicts == ({"not_run", "not_comparable"} if name == "table3" else {"not_run"})


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4", "verdicts"])
def test_every_table_is_written_in_three_ways(scored, brats, name):
    records = brats(PRINTED) if name == "table4" else scored(0.5, xi="0.9")
    frame = TABLES[name].build(records)
    found = sheet(frame, TABLES[name].block)
    rows = [line for line in latex(found, name, "T", "C").splitlines() if line.endswith(r"\\")]
    assert len({line.count(" & ") for line in rows if not re.search("multicolumn|caption", line)}) == 1
    assert len(markdown(found, "T", "C").splitlines()) == len(frame) + 6
    assert "'-0." not in comma_separated(frame)


def test_the_verdicts_list_every_cell_of_the_benchmark(scored, brats):
    assert len(TABLES["verdicts"].build(scored(0.5))) == 24 + 5 + 49 + 4
    assert len(TABLES["verdicts"].build(brats(PRINTED))) == 24 + 5
