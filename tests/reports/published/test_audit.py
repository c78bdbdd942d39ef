from __future__ import annotations

import pytest

from reports.published.audit import audit, discrepancies


@pytest.fixture(scope="module")
def checks():
    return audit().set_index("check")


def test_six_overall_scores_follow_within_two_thousandths(checks):
    rows = checks[checks.index.str.startswith("Table 3, overall score")]
    printed = rows.dropna(subset=["printed"])
    assert len(rows) == 7
    assert len(printed) == 6
    assert (printed["difference"].abs() < 0.002).all()


def test_rounding_explains_all_of_them_but_y17(checks):
    rows = checks[checks.index.str.startswith("Table 3, overall score")].dropna(subset=["printed"])
    assert list(rows.index[~rows["agrees"]]) == ["Table 3, overall score of Y17"]
    assert rows.loc["Table 3, overall score of Y17", "recomputed"] == pytest.approx(-0.1592, abs=5e-5)
    assert rows["tolerance"].tolist() == pytest.approx([0.004583] + [0.001583] * 5, abs=1e-6)


def test_the_overall_score_that_is_not_printed_would_be_this(checks):
    assert checks.loc["Table 3, overall score of M16", "recomputed"] == pytest.approx(-1.5553, abs=5e-5)


def test_four_means_include_the_background(checks):
    rows = checks[checks.index.str.startswith("Table 4, mean of")]
    assert rows["recomputed"].tolist() == pytest.approx([0.6322, 0.7818, 0.728, 0.792])
    assert (rows["difference"].abs() < 0.001).all()
    assert rows["agrees"].all()


def test_bold_is_the_best_everywhere(checks):
    rows = checks[checks.index.str.endswith("bold is the best")]
    assert len(rows) == 3 + 1 + 7 + 6
    assert rows["agrees"].all()


def test_each_attention_adds_less_than_the_next(checks):
    gains = [checks.loc[f"Table 2: adding {name} improves the score", "recomputed"] for name in
             ("f4", "f3", "f2", "f1")]  # fmt: skip
    assert gains == pytest.approx([0.430, 0.136, 0.025, 0.015])


def test_what_does_not_add_up_is_said_and_nothing_else():
    starts = [
        "Table 3, overall score of M16: printed NA, the printed cells give -1.555.",
        "Table 3, overall score of Y17: printed -0.161, the printed cells give -0.1592, 0.0018 apart",
        "Not so in the printed numbers: Table 1 at 80%: model distillation above the best single model",
        "Not so in the printed numbers: Table 3: TSMAN improves DenseVoxNet's Blood Pool ADB",
        "Table 1: the highest overall score is within reach of Table 3's best: no, 0.810 against -0.024",
        "Table 2: the full TSMAN scores as in Table 3: no, -0.561 against -0.024",
        "Table 4: decimals of TSMAN's label 1",
        "BRATS 2015: labels named where five are announced: 5 printed, 4 counted.",
    ]
    found = discrepancies()
    assert len(found) == len(starts)
    for sentence, start in zip(found, starts, strict=True):
        assert sentence.startswith(start)
