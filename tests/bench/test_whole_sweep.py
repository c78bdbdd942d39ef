"""From NIfTI to Markdown: made once, gone on with after a kill, equal on any number of workers."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.data.images.volumes import write_scan
from bench.store.artifacts import WEIGHTS

METHODS = "densevoxnet,deep-level-set"


def words(folder, store, tiny, *more):
    sets = [word for change in tiny for word in ("--set", change)]
    where = ["--dataset", f"decathlon:{folder}", "--store", store, "--no-mlflow"]
    return ["run", "--recipe", "smoke", "--methods", METHODS, "--xi", "0.3,0.6", *where, *sets, *more]


def rows_of(store):
    """All records but the commit, which another edit of this very checkout may change between two runs."""
    with (store / "records.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0][-1] == "commit"
    return [line[:-1] for line in lines]


def stages_of(store):
    return {path.parent.name: json.loads(path.read_text()) for path in store.glob("stages/*/stage.json")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, spheres, tiny, bench):
    """A store that one worker filled without a break, and how long that took."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    began = time.monotonic()
    done = bench(*words(spheres, store, tiny, "--jobs", 1))
    assert done.returncode == 0, done.stderr
    return store, time.monotonic() - began


def test_a_sweep_on_phantoms_ends_in_a_report_and_is_made_once(swept, bench, tmp_path):
    assert "phantom-heart" in swept.made.stdout
    for label in swept.path.glob("stages/scores-*/labels/*.nii.gz"):
        scan = next(swept.path.glob(f"data/phantom-heart-*/imagesTr/{label.name}"))
        assert np.allclose(nibabel.load(label).affine, nibabel.load(scan).affine, atol=1e-5)
        assert nibabel.load(label).shape == nibabel.load(scan).shape
    done = bench("report", "--store", swept.path, "--out", tmp_path / "report", "--json")
    assert done.returncode == 0, done.stderr
    files = [Path(path) for path in json.loads(done.stdout)["files"]]
    assert all(path.is_file() for path in files)
    suffixes = {path.suffix for path in files}
    assert {".md", ".csv", ".tex", ".png", ".pdf", ".html"} <= suffixes
    text = "\n".join(path.read_text() for path in files if path.suffix == ".md")
    assert "tsman" in text.lower()
    assert "densevoxnet" in text.lower()
    before = {path: path.stat().st_mtime_ns for path in swept.path.glob("stages/*/*")}
    again = bench(*swept.words, "--no-mlflow", "--json")
    assert json.loads(again.stdout)["made"] == 0
    assert {path: path.stat().st_mtime_ns for path in swept.path.glob("stages/*/*")} == before


def test_two_workers_make_the_records_of_one(undisturbed, spheres, tiny, bench, tmp_path):
    store, _ = undisturbed
    done = bench(*words(spheres, tmp_path / "store", tiny, "--jobs", 2))
    assert done.returncode == 0, done.stderr
    assert rows_of(tmp_path / "store") == rows_of(store)
    assert (tmp_path / "store" / "records.parquet").is_file()


def killed(command, seconds):
    """Run a driver and kill it after ``seconds``; whether it was still running."""
    with subprocess.Popen(
        [sys.executable, "-c", "from bench.cli.main import main; main()", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as driver:
        try:
            driver.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            return True
        return False


def test_a_run_that_is_killed_twice_goes_on_and_ends_with_the_same_records(
    undisturbed, spheres, tiny, bench, tmp_path
):
    reference, seconds = undisturbed
    store = tmp_path / "store"
    moment = random.SystemRandom().uniform
    kills = [moment(0.3, 0.7) * seconds, moment(0.1, 0.5) * seconds]
    for after in kills:
        killed(words(spheres, store, tiny, "--jobs", 1), after)
    made = {key: path.stat().st_mtime_ns for key in stages_of(store) for path in [store / "stages" / key]}
    last = bench(*words(spheres, store, tiny, "--jobs", 1, "--json"))
    assert last.returncode == 0, (kills, last.stderr)
    assert json.loads(last.stdout)["cached"] == len(made), kills
    assert {key: (store / "stages" / key).stat().st_mtime_ns for key in made} == made
    assert rows_of(store) == rows_of(reference), kills
    assert list(store.glob("stages/.*")) == []
    for key, described in stages_of(reference).items():
        assert described["files"] == stages_of(store)[key]["files"], key


def test_changing_the_withheld_truth_changes_no_weight(undisturbed, spheres, tiny, bench, tmp_path):
    reference, _ = undisturbed
    folder = tmp_path / "copy"
    shutil.copytree(spheres, folder)
    always_manual = {
        case for one in stages_of(reference).values() if one["kind"] == "teacher" for case in one["labels"]
    }
    trained = {
        case for one in stages_of(reference).values() if one["kind"] == "student" for case in one["images"]
    }
    withheld = min(trained - always_manual)
    path = folder / "labelsTr" / f"{withheld}.nii.gz"
    lie_ijk = np.zeros(nibabel.load(path).shape, np.uint8)
    lie_ijk[2:9, 3:9, 2:7] = 2
    write_scan(lie_ijk, nibabel.load(path).affine, path)
    store = tmp_path / "store"
    done = bench(*words(folder, store, tiny, "--jobs", 2))
    assert done.returncode == 0, done.stderr
    mine, theirs = stages_of(store), stages_of(reference)
    learnt = [
        key for key, one in theirs.items() if one["kind"] in ("teacher", "pseudo", "student") and withheld not in one["labels"]
    ]  # fmt: skip
    assert len(learnt) == 4 + 2 + 4
    for key in learnt:
        assert mine[key]["files"] == theirs[key]["files"]
    weights = [key for key in learnt if (reference / "stages" / key / WEIGHTS).is_file()]
    assert len(weights) == 8
    for key in weights:
        one, other = (root / "stages" / key / WEIGHTS for root in (store, reference))
        assert one.read_bytes() == other.read_bytes()
    differing = {key.partition("-")[0] for key in set(mine) ^ set(theirs)}
    assert differing == {
        "student",
        "scores",
    }  # the supervised references, and the scores of the pseudo labels
