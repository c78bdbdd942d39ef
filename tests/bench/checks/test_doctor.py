"""Each thing that can be wrong with a store is found by its check, and nothing else; the store is only read."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import filelock
import pytest

from bench.checks.machine import of_machine
from bench.checks.store import of_store
from bench.records import mlflow_mirror
from bench.store.documents import FailureNote
from bench.store.run_log import plans
from bench.store.store import Store


@pytest.fixture
def copied(tmp_path, swept):
    """A healthy store that may be spoiled."""
    shutil.copytree(swept.path, tmp_path / "store")
    return Store(tmp_path / "store")


def found(store):
    """What is not ok: check -> state and sentence."""
    return {one.check: (one.state, one.says) for one in of_store(store, lambda *_: None) if one.state != "ok"}


def lacking_a_stage(store):
    shutil.rmtree(store.folder(store.keys("student")[0]))


def flipped(store):
    path = min(store.folder(store.keys("pseudo")[0]).glob("labels/*"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def failed(store):
    store.fail("student-1", FailureNote(error="the loss became nan."))


def put_aside(store):
    shutil.copytree(store.folder(store.keys("split")[0]), store.path / "damaged" / "split-1.1")


def edited(store):
    (store.path / "records.csv").write_text("run\n")


def behind(store):
    mlflow_mirror.database(store).write_bytes(b"no database")


def manifest(store):
    return next(path for path in store.workshop.path.glob("phantom-heart-*.json"))


def gone(store):
    manifest(store).write_text(manifest(store).read_text().replace("/", "/nowhere/"))


def changed(store):
    text = manifest(store).read_text()
    cases = json.loads(text)["cases"]
    labels = [Path(cases[case]["label"]) for case in ("heart_0000", "heart_0001")]
    moved = store.path / "moved"
    shutil.copytree(labels[0].parents[1], moved)
    manifest(store).write_text(text.replace(str(labels[0].parents[1]), str(moved)))
    shutil.copy(labels[1], moved / labels[0].relative_to(labels[0].parents[1]))


SPOILED = {
    lacking_a_stage: ("runs", "warning", "lacks 1 of"),
    flipped: ("stages", "error", "labels/"),
    failed: ("failures", "warning", "student-1"),
    put_aside: ("leavings", "warning", "bench clean"),
    edited: ("records", "warning", "behind"),
    behind: ("mirror", "warning", "bench export mlflow"),
    gone: ("data", "error", "/nowhere/"),
    changed: ("data", "warning", "1 cases changed: heart_0000"),
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_each_fault_is_found_by_its_own_check(copied, spoil):
    assert found(copied) == {}
    spoil(copied)
    check, state, words = SPOILED[spoil]
    said = found(copied)
    if spoil is failed:
        said.pop("records")  # a failure has rows of its own to gather
    assert said.keys() == {check}
    assert said[check][0] == state
    assert words in said[check][1]


def test_a_store_in_use_is_said_to_be_so(copied):
    with filelock.FileLock(copied.path / ".lock"):
        assert found(copied).keys() == {"lock"}


def test_checkpoints_are_counted_and_are_nothing_wrong(copied):
    copied.scratch("student-1").mkdir(parents=True)
    (copied.scratch("student-1") / "checkpoint").write_bytes(b"0" * 2**20)
    said = {one.check: one for one in of_store(copied, lambda *_: None)}
    assert said["leavings"].state == "ok"
    assert "1 stages, 1.0 MiB" in said["leavings"].says


def test_every_finished_stage_is_read(copied):
    seen = []
    list(of_store(copied, lambda done, total: seen.append((done, total))))
    assert seen == [(number, len(copied.keys())) for number in range(1, len(copied.keys()) + 1)]


def test_the_command_says_each_check_in_80_columns_and_changes_nothing(copied, bench):
    before = {one: one.read_bytes() for one in copied.path.rglob("*") if one.is_file()}
    healthy = bench("doctor", "--store", copied.path)
    assert healthy.returncode == 0, healthy.stderr
    assert max(map(len, healthy.stdout.splitlines())) <= 80
    assert "phantom-heart" in healthy.stdout
    assert {one: one.read_bytes() for one in copied.path.rglob("*") if one.is_file()} == before
    flipped(copied)
    sick = bench("doctor", "--store", copied.path, "--json")
    assert sick.returncode == 4
    states = {one["check"]: one["state"] for one in json.loads(sick.stdout)["checks"]}
    assert states["stages"] == "error"
    assert states["python"] == states["packages"] == "ok"
    (run,) = plans(copied)
    assert run in bench("status", "--store", copied.path).stdout


def test_a_package_out_of_bounds_and_talkative_mlflow_are_named(monkeypatch):
    from importlib import metadata

    monkeypatch.setattr(
        metadata, "requires", lambda name: ["torch<1", "nowhere>=2", "pytest<1; extra=='test'"]
    )
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    said = {one.check: SimpleNamespace(state=one.state, says=one.says) for one in of_machine(2)}
    assert said["packages"].state == "error"
    assert "torch" in said["packages"].says
    assert "nowhere is missing" in said["packages"].says
    assert "pytest" not in said["packages"].says
    assert said["telemetry"].state == "warning"
