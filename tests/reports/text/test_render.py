from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest

from reports.tables import comparison, curve
from reports.text.render import comma_separated, latex, latex_text, markdown
from reports.text.sheet import sheet


def lines_of(frame, block="role"):
    return markdown(sheet(frame, block), "Title", "Caption.").splitlines()


def test_markdown_marks_the_best_of_each_block_and_shows_the_spread(sweep):
    lines = lines_of(comparison(sweep))
    assert lines[2].startswith(
        "| Method | Role | ξ | wall Dice ↑ | wall ADB mm ↓ | wall HDD mm ↓ | Overall ↑ |"
    )
    assert "| **0.760 ± 0.014** | **1.240 ± 0.014** | **9.00 ± 0.00** |" in lines[4]
    assert "| 0.660 ± 0.014 | 1.340 ± 0.014 | **9.00 ± 0.00** |" in lines[5]
    assert lines[-1] == "Caption."


def test_a_failed_mean_reads_failed_with_its_counts(scored, failed):
    lines = lines_of(
        comparison(
            pd.concat(
                [scored(0.5), scored(0.5, case="b"), failed(method="x"), scored(0.5, method="x", case="b")]
            )
        )
    )
    assert lines[5].count("failed 1/2") == 4


def test_a_method_alone_in_its_block_is_not_called_best(scored):
    assert "**" not in "".join(lines_of(comparison(scored(0.5))))


def test_names_are_harmless_in_markdown(scored):
    lines = lines_of(comparison(scored(0.5, method="a|b*c*<i>\nd")))
    assert lines[4].startswith(r"| a\|b\*c\*\<i\> d | student |")


def test_csv_comes_back_with_ten_significant_digits(sweep):
    table = comparison(sweep)
    text = comma_separated(table)
    back = pd.read_csv(StringIO(text), dtype={"xi": str})
    pd.testing.assert_frame_equal(back, table, check_dtype=False, rtol=1e-9)
    assert "**" not in text


def test_csv_leaves_out_the_digits_in_which_processors_differ():
    frame = pd.DataFrame({"mean": [-0.797651120105, 152.87845617692051, 3.0], "of": ["a", 1 / 3, None]})
    assert comma_separated(frame).splitlines() == [
        "mean,of",
        "-0.7976511201,a",
        "152.8784562,0.3333333333",
        "3,",
    ]
    other = frame.assign(mean=frame["mean"] * (1 + 1e-13))
    assert comma_separated(other) == comma_separated(frame)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-x", "@sum", "\tx"])
def test_csv_holds_no_formula_but_keeps_negative_numbers(scored, name):
    table = comparison(scored(0.1, 5, 9, method=name, structure="wall").iloc[:3])
    back = pd.read_csv(StringIO(comma_separated(table)))
    assert back["method"].item() == f"'{name}"
    assert back["overall"].item() == pytest.approx(0.05 - 1.25 - 0.3)


def test_latex_uses_booktabs_and_bold(sweep):
    text = latex(sheet(comparison(sweep), "role"), "table3", "Title", "Caption.")
    assert all(f"\\{rule}" in text for rule in ("toprule", "midrule", "cmidrule(lr){4-6}", "bottomrule"))
    assert r"\textbf{0.760 $\pm$ 0.014}" in text
    assert r"$-$0.230 $\pm$ 0.011" in text


def test_every_latex_row_has_as_many_cells_as_the_head(sweep):
    text = latex(sheet(curve(sweep), "xi"), "curve", "Title", "Caption.")
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 7
    assert len({line.count(" & ") for line in rows}) == 1


def test_hostile_names_are_text_in_latex(scored):
    text = latex(sheet(comparison(scored(0.5, method=r"\input{x}_%$&#^~[")), "role"), "t", "T", "C")
    assert r"\textbackslash{}input\{x\}\_\%\$\&\#\textasciicircum{}\textasciitilde{}{[}" in text
    assert r"\input{x}" not in text


def test_latex_knows_every_sign_that_captions_use():
    assert latex_text("ξ ± ↑ ↓ − – ½ ¼ “x”").isascii()


def test_a_table_of_more_rows_than_a_page_holds_runs_over_pages(scored):
    rows = pd.concat([scored(0.5, method=f"m{place}") for place in range(50)])
    text = latex(sheet(comparison(rows), "role"), "long", "Title", "Caption.")
    assert text.count("longtable}") == 3
    assert r"\begin{table}" not in text
    assert r"\caption{Title. Caption.}\label{tab:long}\\" in text


def test_long_texts_are_broken_into_lines(scored):
    text = latex(sheet(comparison(scored(0.5, method="x" * 61)), "role"), "t", "T", "C")
    assert r"\begin{tabular}{p{5cm}llrrrrrrrr}" in text


@pytest.mark.parametrize("number", ["-0.024", "-1"])
def test_csv_leaves_a_number_that_is_kept_as_text_alone(number):
    assert comma_separated(pd.DataFrame({"printed": [number]})) == f"printed\n{number}\n"


def test_a_verdict_stands_beside_what_it_judges():
    frame = pd.DataFrame({"topic": ["t"], "claim": ["c"], "paper": [0.5], "verdict": ["undecided"]})
    assert lines_of(frame, "topic")[2] == "| Topic | Claim | Verdict | Paper |"


def test_numbers_of_no_measure_have_the_decimals_that_they_take():
    frame = pd.DataFrame(
        {"check": ["a", "b"], "recomputed": [30.0, -0.1592333], "apart": [float("nan"), 0.0]}
    )
    assert lines_of(frame, "check")[4:6] == ["| a | 30 | – |", "| b | -0.1592 | 0 |"]
