"""A store of ten thousand stages: planned, listed and shown in seconds; a finished sweep asked for again."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.data.dataset import remember
from bench.files.checksummed import sealed
from bench.plan.request import Request, planned, understood
from bench.plan.words import datasets_of
from bench.store import provenance, record
from bench.store.integrity import checksum
from bench.store.record import planned_rows
from bench.store.store import Store

SEEDS = 62  # of nine shares and four methods: 10,044 stages
ROUNDS = 5


def plan(path, seeds):
    """The main job at the smallest size, on so many seeds."""
    words = dict.fromkeys(("methods", "xi", "datasets", "experiment"))
    flags = {
        "jobs": 1,
        "device": "cpu",
        "engine": "local",
        "dry_run": False,
        "as_json": True,
        "mlflow": False,
    }
    asked = understood(Request(**words, recipe="smoke", seeds=str(seeds), changes=(), store=path, **flags))
    datasets = datasets_of(asked.datasets, asked.recipe.data, Store(path).workshop)
    return planned(asked, datasets)[0]


def fill(store, sweep):
    """Every stage of the sweep as a finished one leaves it: provenance, losses, rows with values."""
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    machine, versions, commit = provenance.machine(), provenance.versions(), provenance.commit()
    for one in sweep.stages():
        made = {
            "facts": {"steps": 8},
            "run": sweep.run,
            "commit": commit,
            "versions": versions,
            "device": "cpu",
        }
        more = {
            "machine": machine,
            "started": "2026-11-23T10:00:00+00:00",
            "seconds": 1.5,
            "peak_memory_mib": 400.0,
        }
        with store.making(one.key) as folder:
            if one.kind == "scores":
                rows = record.failed_rows(planned_rows(one))
                made_rows = [replace(row, value=0.123456789, status="ok") for row in rows]
                (folder / "records.csv").write_text(record.text_of(made_rows))
            if one.kind in ("teacher", "student"):
                lines = [f"{step},0.{step:016d},0.006" for step in range(1, 9)]
                (folder / "losses.csv").write_text("\n".join(["step,loss,learning_rate", *lines]))
            files = {path.name: checksum(path) for path in folder.iterdir()}
            text = json.dumps(sealed({**one.document(), **made, **more, "files": files}), indent=1)
            (folder / "stage.json").write_text(text)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The main job finished once, and a store of ten thousand stages."""
    found = {}
    for name, seeds in (("one", 1), ("many", SEEDS)):
        store = Store(tmp_path_factory.mktemp(name) / "store")
        with store.locked():
            sweep = plan(store.path, seeds)
            fill(store, sweep)
        found[name] = SimpleNamespace(path=store.path, stages=len(sweep.stages()), keys=store.keys())
    return SimpleNamespace(**found)


def timed(*words, rounds=ROUNDS):
    """Seconds of each round of ``bench`` in a process of its own, after one that is not counted; what it said."""
    command = [sys.executable, "-c", "from bench.cli.main import main; main()", *map(str, words)]
    seconds, said = [], ""
    for _ in range(rounds + 1):
        began = time.perf_counter()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds.append(time.perf_counter() - began)
    return seconds[1:], json.loads(said)


def test_the_main_job_finished_and_run_again(stores, side_by_side):
    words = ("run", "--recipe", "smoke", "--store", stores.one.path, "--no-mlflow", "--json")
    seconds, said = timed(*words)
    assert (said["made"], said["cached"]) == (0, stores.one.stages)
    row = "`bench run` where all is made: 4 methods, 9 ξ"
    side_by_side.value(
        row, "-", seconds, target=2.0, sense="at most", unit="s", note=f"{said['cached']} stages"
    )


def test_ten_thousand_stages_are_planned(stores, side_by_side):
    words = ("run", "--recipe", "smoke", "--seeds", SEEDS, "--store", stores.many.path, "-n", "--json")
    seconds, said = timed(*words)
    assert sum(kind["cached"] for kind in said["stages"].values()) == stores.many.stages > 10_000
    side_by_side.value(
        "`bench run -n` over a store of 10,000 stages", "-", seconds, target=5.0, sense="at most", unit="s",
        note=f"{stores.many.stages} stages, with their cost",
    )  # fmt: skip


def test_ten_thousand_stages_are_listed(stores, side_by_side):
    seconds, said = timed("status", "--store", stores.many.path, "--json")
    assert sum(said["stages"].values()) == stores.many.stages
    row = "`bench status` of a store of 10,000 stages"
    side_by_side.value(row, "-", seconds, target=1.0, sense="at most", unit="s")


def test_one_of_ten_thousand_stages_is_shown(stores, side_by_side):
    key = stores.many.keys[5000]
    seconds, said = timed("show", key, "--store", stores.many.path, "--json")
    assert said["key"] == key
    row = "`bench show` in a store of 10,000 stages"
    side_by_side.value(row, "-", seconds, target=1.0, sense="at most", unit="s")
