"""The committed tables are what the committed records give, and README says what they say."""

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from reports import extras
from reports.columns import read
from reports.page import write
from reports.published.verdicts import published_verdicts

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
NAMES = ("paper", "hippocampus", "arena", "doubts")


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_tables_follow_from_the_committed_records(name, tmp_path):
    for path in (REFERENCE / name).glob("*.csv.gz"):
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    beside = extras.read(tmp_path)
    write(read(REFERENCE / name / "records.csv"), tmp_path, title="again", provenance={}, extras=beside)
    committed = sorted(
        path for path in (REFERENCE / name / "tables").iterdir() if path.suffix in (".csv", ".md")
    )
    assert len(committed) >= 10
    for table in committed:
        assert (tmp_path / "tables" / table.name).read_text() == table.read_text(), table.name


@pytest.mark.parametrize(
    ("name", "dataset"),
    [("paper", "phantom-heart"), ("paper", "phantom-tumour"), ("hippocampus", "Hippocampus")],
)
def test_readme_prints_the_dice_of_the_records(name, dataset):
    rows = pd.read_csv(REFERENCE / name / "records.csv", keep_default_na=False)
    rows = rows[(rows["dataset"] == dataset) & (rows["variant"] == "") & (rows["structure"] != "background")]
    dice = rows[(rows["metric"] == "dice") & rows["role"].isin(["student", "supervised"])]
    means = dice.assign(value=dice["value"].astype(float)).groupby(["method", "xi"])["value"].mean()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shares = sorted(dice["xi"].unique(), key=float)
    for method in dice["method"].unique():
        cells = [f"{means[method, xi]:.2f}" if (method, xi) in means.index else "" for xi in shares]
        row = " | ".join(cells)
        assert re.search(rf"^\| {re.escape(method)} \| {re.escape(row)} \|$", readme, re.MULTILINE), (
            method,
            row,
        )


def test_the_run_of_the_whole_paper_left_no_cell_without_a_verdict_and_no_exhibit_out():
    held = published_verdicts(read(REFERENCE / "paper" / "records.csv"))
    assert (held["verdict"] == "not_run").sum() == 0
    assert held.groupby("table").size().to_dict() == {
        "figure6": 4, "figure7": 5, "table1": 24, "table2": 5, "table3": 49, "table4": 24,
    }  # fmt: skip
    assert {path.stem for path in (REFERENCE / "paper" / "figures").glob("figure?.png")} == {
        f"figure{number}" for number in range(1, 8)
    }
    assert {f"table{number}.md" for number in range(1, 5)} <= {
        path.name for path in (REFERENCE / "paper" / "tables").iterdir()
    }


def rows_of(name, table):
    return pd.read_csv(REFERENCE / name / "tables" / f"{table}.csv", keep_default_na=False)


def test_readme_prints_the_leaderboard_of_the_arena():
    board = rows_of("arena", "leaderboard")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    students = board[board["role"] == "student"]
    assert len(students) == 24
    for row in students.to_dict("records"):
        rank, score = (
            [float(row[f"{name}{end}"]) for end in ("", "_lower", "_upper")] for name in ("rank", "score")
        )
        ranks = f"| {rank[0]:.0f} ({rank[1]:.0f}–{rank[2]:.0f}) | {row['method']} | "
        scores = f" | {score[0]:.2f} ({score[1]:.2f} to {score[2]:.2f}) | {float(row['passes']):.0f} | "
        assert re.search(re.escape(ranks) + r"0\.\d\d" + re.escape(scores), readme), row["method"]


def test_readme_prints_what_doubt_found():
    table = rows_of("doubts", "doubts")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = table[table["auroc"] != ""]
    assert len(said) == 8
    for row in said.to_dict("records"):
        cells = [
            f"{float(row[name]):.2f} ({float(row[name + '_lower']):.2f} to {float(row[name + '_upper']):.2f})"
            for name in ("removed_wrong", "removed_right", "auroc")
        ]
        line = f"| {row['dataset']} | {row['method']} | {row['map']} | {' | '.join(cells)} |"
        assert line in readme, line
