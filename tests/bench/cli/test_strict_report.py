"""``bench report --strict``: a printed cell that deviates is an exit code of its own."""

import csv
import json

import pytest

from bench.cli.main import app
from bench.store.record import COLUMNS

LABELS = ("background", "necrosis", "oedema", "non_enhancing_core", "enhancing_core")
PRINTED = (0.990, 0.776, 0.720, 0.684, 0.790)


@pytest.fixture
def store(tmp_path):
    """A function that writes a store of TSMAN's results on BRATS 2015, as far from the printed ones as told."""

    def write(off):
        usual = dict.fromkeys(COLUMNS, "") | {
            "run": "r", "dataset": "brats2015", "method": "tsman", "xi": "0.9", "xi_realised": "0.9",
            "split": "0", "role": "student", "noise": "none", "recipe": "paper", "metric": "dice",
            "definition": "hvsmr2016", "status": "ok", "stage": "s",
        }  # fmt: skip
        with (tmp_path / "records.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for seed in range(3):
                for case in "ab":
                    for name, value in zip(LABELS, PRINTED, strict=True):
                        where = {"seed": seed, "case": case, "structure": name, "value": value + off}
                        writer.writerow(usual | where)
        return tmp_path

    return write


def report(store, *more):
    return app(["report", "--store", str(store), *more], standalone_mode=False)


def test_a_deviation_ends_with_5_and_is_named(store, capsys):
    assert report(store(-0.1), "--strict") == 5
    said = capsys.readouterr()
    assert "brats2015: table4, TSMAN, mean deviates: 0.692, printed 0.792; the whole 95 %" in said.err
    assert said.err.count("\n") == 6
    assert "6 deviates" in said.out


def test_without_strict_a_deviation_is_only_counted(store, capsys):
    assert report(store(-0.1), "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdicts"]["deviates"] == 6


def test_what_of_the_paper_does_not_add_up_is_said_in_one_line(store, capsys):
    folder = store(0.0)
    assert report(folder) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    audit = folder / "report" / "tables" / "audit.md"
    assert last == f"the paper's own numbers: 8 things do not add up; see {audit}"
    assert "Table 3, overall score of Y17" in audit.read_text()


def test_what_is_reproduced_passes_strictly(store, capsys):
    assert report(store(0.0), "--strict", "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdicts"]["reproduced"] == 6


def test_a_report_of_one_seed_says_that_it_decides_nothing_and_what_it_would_take(store, capsys):
    path = store(0.0) / "records.csv"
    head, *lines = path.read_text().splitlines()
    place = head.split(",").index("seed")
    first = [line for line in lines if line.split(",")[place] == "0"]
    path.write_text(
        "\n".join([head, *first, *(line.replace(",tsman,", ",decoupling,") for line in first)]) + "\n"
    )
    assert report(path.parent) == 0
    *_, none, takes = capsys.readouterr().out.splitlines()
    assert none == "One seed: no verdict on brats2015; `--seeds 3` is the fewest that decides."
    assert takes.startswith(
        "On brats2015, the difference of two methods at one ξ: the seeds needed are not measured"
    )
