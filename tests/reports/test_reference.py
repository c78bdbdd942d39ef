"""The committed tables are what the committed records give, and README says what they say."""

import re
from pathlib import Path

import pandas as pd
import pytest

from reports.columns import read
from reports.page import write

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"


@pytest.mark.parametrize("name", ["quick", "hippocampus"])
def test_the_committed_tables_follow_from_the_committed_records(name, tmp_path):
    write(read(REFERENCE / name / "records.csv"), tmp_path, title="again", provenance={})
    committed = sorted((REFERENCE / name / "tables").glob("*.csv"))
    assert len(committed) >= 3
    for table in committed:
        assert (tmp_path / "tables" / table.name).read_text() == table.read_text()


@pytest.mark.parametrize("name", ["quick", "hippocampus"])
def test_readme_prints_the_dice_of_the_records(name):
    rows = pd.read_csv(REFERENCE / name / "records.csv", keep_default_na=False)
    dice = rows[(rows["metric"] == "dice") & rows["role"].isin(["student", "supervised"])]
    means = dice.assign(value=dice["value"].astype(float)).groupby(["method", "xi"])["value"].mean()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for method in dice["method"].unique():
        row = " | ".join(f"{means[method, xi]:.2f}" for xi in sorted(dice["xi"].unique(), key=float))
        assert re.search(rf"^\| {re.escape(method)} \| {re.escape(row)} \|$", readme, re.MULTILINE), (
            method,
            row,
        )
