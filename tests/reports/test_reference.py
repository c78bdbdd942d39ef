"""The committed tables are what the committed records give, and README says what they say.

Tables that are computed again agree on every processor: means, intervals and other computed numbers to a relative
1e-6, counts and names exactly, a verdict or a rank unless the number that decides it lies at its limit.
"""

import gzip
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.inputs import other_tables
from reports.inputs.records import read
from reports.page import write
from reports.published.verdicts import published_verdicts

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
NAMES = ("main", "paper", "hippocampus", "arena", "doubts")

RELATIVE = 1e-6
TINY = 1e-9  # what is left of a difference that is zero
COUNTS = re.compile(
    r"cases|seeds|results|failed|empty|(.*_)?(results|failed|silent|rank|rank_lower|rank_upper)"
)
JUDGED = re.compile(r"(.*_)?(verdict|need|reason|sentence)")
RANKED = re.compile(r"rank.*|holds|top|stable.*")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def differences(committed: str, again: str) -> list[str]:
    """Where two CSV tables disagree, a sentence each."""
    one, other = (
        pd.read_csv(StringIO(text), dtype=str, keep_default_na=False) for text in (committed, again)
    )
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return [f"columns {list(one.columns)} and {list(other.columns)}, {len(one)} and {len(other)} rows"]
    return [
        f"row {place}, {name}: {one.at[place, name]!r} and {other.at[place, name]!r}"
        for name in one.columns
        for place in one.index
        if not _agree(one, other, place, name)
    ]


def text_differences(committed: str, again: str) -> list[str]:
    """Where two texts disagree: words, and numbers by more than one unit of their last digit.

    One number of a text may differ by that unit: its value lies at the edge between two roundings.
    """
    parts, again_parts = (NUMBER.split(text) for text in (committed, again))
    if parts != again_parts:
        lines = zip(committed.splitlines(), again.splitlines(), strict=False)
        return [f"{a!r} and {b!r}" for a, b in lines if a != b][:5] or ["other lines"]
    numbers, again_numbers = ([m[0] for m in NUMBER.finditer(text)] for text in (committed, again))
    apart = [(a, b) for a, b in zip(numbers, again_numbers, strict=True) if a != b]
    beyond = [(a, b) for a, b in apart if "." not in a or not _is_next(a, b)]
    return [f"{a} and {b}" for a, b in (beyond or (apart if len(apart) > 1 else []))]


def _is_next(one: str, other: str) -> bool:
    unit = 10.0 ** -len(one.partition(".")[2])
    return (
        len(one.partition(".")[2]) == len(other.partition(".")[2])
        and abs(float(one) - float(other)) < 1.5 * unit
    )


def _agree(one: pd.DataFrame, other: pd.DataFrame, place: int, name: str) -> bool:
    a, b = one.at[place, name], other.at[place, name]
    if a == b:
        return True
    if JUDGED.fullmatch(name):
        return _lies_at_a_limit(one.loc[place], name)
    if RANKED.fullmatch(name):
        return _has_a_tie(one, place)
    return not COUNTS.fullmatch(name) and _close(a, b)


def _close(one: str, other: str) -> bool:
    try:
        return bool(np.isclose(float(one), float(other), rtol=RELATIVE, atol=TINY, equal_nan=True))
    except ValueError:
        return False


def _lies_at_a_limit(row: pd.Series, name: str) -> bool:
    """Whether a bound of the row's interval is zero, or its difference as large as is tolerated, but for rounding."""
    stem = name.rpartition("_")[0]
    bounds = [_number(row.get(bound, "")) for bound in ("low", "high")]
    scale = np.nanmax(np.abs([*bounds, TINY]))
    apart = abs(_number(row.get(f"{stem}_difference" if stem else "difference", "")))
    limit = _number(row.get("tolerance", ""))
    return bool((np.abs(bounds) <= RELATIVE * scale).any() or abs(apart - limit) <= RELATIVE * limit)


def _has_a_tie(table: pd.DataFrame, place: int) -> bool:
    """Whether another row has the same mean, but for rounding."""
    name = next(name for name in ("overall", "score", "mean") if name in table)
    own = table.at[place, name]
    return sum(_close(own, value) for value in table[name]) > 1


def _number(text: object) -> float:
    return float(str(text)) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", str(text)) else np.nan


def written_again(name, records, folder):
    """The folder of the tables that records give, with what is kept beside those of a reference run."""
    for path in (REFERENCE / name).glob("*.csv.gz"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    write(records, folder, title="again", provenance={}, extras=other_tables.read(folder))
    return folder / "tables"


def found_apart(name, tables):
    """Where the committed tables and those of a folder disagree, by the name of the table."""
    committed = sorted((REFERENCE / name / "tables").glob("*.csv"))
    assert len(committed) >= 10
    found = {}
    for path in committed:
        words = path.with_suffix(".md")
        found[path.name] = differences(path.read_text(), (tables / path.name).read_text())
        found[words.name] = text_differences(words.read_text(), (tables / words.name).read_text())
    return {table: sentences for table, sentences in found.items() if sentences}


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_tables_follow_from_the_committed_records(name, tmp_path):
    records = read(REFERENCE / name / "records.csv")
    assert found_apart(name, written_again(name, records, tmp_path)) == {}


def test_a_change_of_one_score_by_a_thousandth_is_found(tmp_path):
    records = read(REFERENCE / "hippocampus" / "records.csv")
    of_structures = (
        (records["role"] == "student") & (records["variant"] == "") & (records["metric"] != "overall")
    )
    for metric, weight, xi in (("dice", 1 / 2, "0.3"), ("adb", -1 / 4, "0.5"), ("hdd", -1 / 30, "0.7")):
        changed = records[of_structures & (records["metric"] == metric) & (records["xi"] == xi)].iloc[0]
        records.loc[changed.name, "value"] += 1e-3
        overall = (records["stage"] == changed["stage"]) & (records["case"] == changed["case"])
        records.loc[overall & (records["metric"] == "overall"), "value"] += weight * 1e-3
    found = found_apart("hippocampus", written_again("hippocampus", records, tmp_path))
    rows = [sentence.split(",")[0] for sentence in found["curve.csv"]]
    assert len(set(rows)) == 3, found["curve.csv"]  # one for each of the three scores


TABLE = (
    "method,mean,low,high,seeds,rank,verdict\na,0.5,0.1,0.9,3,1,supported\nb,0.25,-0.2,0.9,3,2,undecided\n"
)


@pytest.mark.parametrize(
    ("old", "new", "agrees"),
    [
        ("0.5,", "0.5000001,", True),
        ("0.5,", "0.500001,", False),
        ("0.9,3", "0.9,4", False),
        ("undecided", "supported", False),
        ("2,undecided", "1,undecided", False),
        ("b,", "c,", False),
        ("\nb", "\na,0.5,0.1,0.9,3,1,supported\nb", False),
        ("0.25", "", False),
    ],
)
def test_what_agrees_with_a_table(old, new, agrees):
    assert TABLE.count(old) >= 1
    assert (differences(TABLE, TABLE.replace(old, new, 1)) == []) is agrees


def test_a_verdict_may_differ_where_a_bound_is_zero_but_for_rounding():
    at_limit = TABLE.replace("-0.2", "1e-10")
    assert differences(at_limit, at_limit.replace("undecided", "supported").replace("1e-10", "-1e-10")) == []


def test_a_rank_may_differ_where_two_means_are_equal_but_for_rounding():
    tied = TABLE.replace("0.25", "0.50000001")
    assert differences(tied, tied.replace("2,undecided", "1.5,undecided").replace("1,supp", "1.5,supp")) == []


@pytest.mark.parametrize(
    ("old", "new", "agrees"),
    [
        ("0.69", "0.70", True),
        ("0.69", "0.71", False),
        ("12 cases", "13 cases", False),
        ("behind", "ahead of", False),
        ("0.69 and 0.75", "0.70 and 0.76", False),
    ],
)
def test_what_agrees_with_a_text(old, new, agrees):
    text = "tsman is behind: 0.69 and 0.75 over 12 cases"
    assert (text_differences(text, text.replace(old, new)) == []) is agrees


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("main", "phantom-heart"),
        ("paper", "phantom-heart"),
        ("paper", "phantom-tumour"),
        ("hippocampus", "Hippocampus"),
    ],
)
def test_readme_prints_the_dice_of_the_records(name, dataset):
    rows = pd.read_csv(REFERENCE / name / "records.csv", keep_default_na=False)
    rows = rows[(rows["dataset"] == dataset) & (rows["variant"] == "") & (rows["structure"] != "background")]
    dice = rows[(rows["metric"] == "dice") & rows["role"].isin(["student", "supervised", "labelled-only"])]
    dice = dice.assign(method=dice["method"].where(dice["role"] != "labelled-only", "labelled-only"))
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
