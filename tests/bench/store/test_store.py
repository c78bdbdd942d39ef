"""A stage's folder is there whole or not at all, and a store has one driver at a time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.store.documents import FailureNote
from bench.store.store import Store


def finished(store, key, text="{}"):
    with store.making(key) as folder:
        (folder / "stage.json").write_text(text)


def everything_in(path):
    return sorted(str(one.relative_to(path)) for one in path.rglob("*"))


def test_a_stage_is_absent_until_its_folder_is_whole(tmp_path):
    store = Store(tmp_path)
    with store.making("split-1") as folder:
        (folder / "stage.json").write_text('{"kind": "split"}')
        (folder / "more").mkdir()
        assert not store.has("split-1")
        assert store.keys() == []
    assert store.has("split-1")
    assert store.keys() == store.keys("split") == ["split-1"]
    assert store.keys("teacher") == []
    assert store.stage("split-1") == {"kind": "split"}


def test_a_stage_that_failed_half_way_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def fail():
        with store.making("split-1") as folder:
            (folder / "stage.json").write_text("{}")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert not store.has("split-1")
    assert [path for path in everything_in(tmp_path) if path != "stages"] == []


def test_only_whole_folders_count_as_finished(tmp_path):
    store = Store(tmp_path)
    assert store.finished() == set()
    finished(store, "split-1")
    finished(store, "splitter-1")
    (tmp_path / "stages" / "split-2").mkdir()
    (tmp_path / "stages" / ".split-3.abc").mkdir()
    (tmp_path / "stages" / ".split-3.abc" / "stage.json").write_text("{}")
    (tmp_path / "stages" / "note.txt").write_text("mine")
    assert store.finished() == {"split-1", "splitter-1"}
    assert all(store.has(key) for key in store.finished())
    assert store.keys("split") == ["split-1"]


def test_who_was_first_stays_where_two_make_the_same_stage(tmp_path):
    store = Store(tmp_path)
    with store.making("split-1") as slow:
        (slow / "stage.json").write_text('{"by": "slow"}')
        finished(store, "split-1", '{"by": "fast"}')
    assert store.stage("split-1") == {"by": "fast"}
    assert everything_in(tmp_path / "stages") == ["split-1", "split-1/stage.json"]


def test_a_failure_is_kept_until_the_stage_is_made(tmp_path):
    store = Store(tmp_path)
    store.fail("student-1", FailureNote(error="the loss became nan"))
    store.fail("student-2", FailureNote(error="blocked"))
    assert list(store.failures()) == ["student-1", "student-2"]
    finished(store, "student-1")
    assert store.failures() == {"student-2": FailureNote(error="blocked")}
    assert not (tmp_path / "failed" / "student-1.json").exists()


def test_what_a_killed_process_left_is_swept_up_and_what_is_finished_stays(tmp_path):
    store = Store(tmp_path)
    finished(store, "split-1")
    aside = tmp_path / "stages" / ".split-2.abc_d3fg"
    aside.mkdir()
    (aside / "half").write_text("x")
    (tmp_path / ".records.csv.abc_d3fg").write_text("half")
    (tmp_path / ".records.parquet.aside").write_text("half")
    store.scratch("split-2").mkdir(parents=True)
    (store.scratch("split-2") / "checkpoint-1.aside").write_text("half")
    for mine in (".my.notes", "data/.mine/thesis", "stages/.mine/thesis"):
        (tmp_path / mine).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / mine).write_text("years of it")
    store.sweep_up()
    ours = ["stages/split-1", "stages/split-1/stage.json"]
    theirs = [".my.notes", "data", "data/.mine", "data/.mine/thesis", "stages/.mine", "stages/.mine/thesis"]
    assert everything_in(tmp_path) == sorted([*theirs, "stages", *ours])


def test_a_store_that_lost_its_mark_is_a_store_by_its_stages(tmp_path):
    store = Store(tmp_path)
    with store.locked():
        finished(store, "split-1")
    (tmp_path / "store.json").unlink()
    assert store.is_store
    with store.locked():
        assert (tmp_path / "store.json").is_file()


def test_progress_is_empty_where_a_stage_has_said_nothing_or_was_cut_off(tmp_path):
    store = Store(tmp_path)
    assert store.progress("x") == {}
    store.scratch("x").mkdir(parents=True)
    (store.scratch("x") / "progress.json").write_text('{"step": 3')
    assert store.progress("x") == {}


HOLD = """
import sys
from pathlib import Path
from bench.store.store import Store
with Store(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held_store(tmp_path):
    """A store that another process holds."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        yield Store(tmp_path)
        other.stdin.close()


def refused(store):
    with pytest.raises(UsageError) as caught, store.locked():
        pass
    return caught.value


def test_a_store_that_another_process_holds_is_refused_and_named(held_store):
    error = refused(held_store)
    assert error.exit_code == 2
    assert str(held_store.path) in str(error)
    assert "in use by another process" in str(error)


@pytest.mark.parametrize("words", [("run", "--recipe", "smoke"), ("clean",)], ids=["run", "clean"])
def test_every_verb_that_writes_leaves_a_held_store_alone_and_exits_with_2(held_store, bench, words):
    before = everything_in(held_store.path)
    done = bench(*words, "--store", held_store.path)
    assert done.returncode == 2
    assert "in use by another process" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything_in(held_store.path) == before


def test_a_store_whose_holder_was_killed_is_free_again(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait()
    with Store(tmp_path).locked():
        pass


@pytest.mark.parametrize("where", ["/proc/bench-store", "file/store", "file"])
def test_a_store_that_cannot_be_written_is_refused_and_named(tmp_path, where):
    (tmp_path / "file").write_text("not a folder")
    error = refused(Store(tmp_path / where))  # an absolute path stands for itself
    assert error.exit_code == 2
    assert Path(where).name in str(error)
    assert "cannot be written" in str(error)


@pytest.mark.parametrize("where", ["file/store", "file", "dangling", "dangling/store", "loop"])
def test_what_cannot_become_a_store_is_refused_alike_before_a_plan_and_before_a_run(tmp_path, where):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    store = Store(tmp_path / where)
    with pytest.raises(UsageError) as planned:
        store.refuse_foreign()
    assert str(refused(store)) == str(planned.value)
    what = "no folder" if where.startswith("file") else "a link to nothing"
    assert f"is {what}; name another with --store." in str(planned.value)
    assert not (tmp_path / "nowhere").exists()


def test_no_lock_is_left_in_a_folder_that_is_no_store(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of it")
    assert "holds 'thesis.txt'" in str(refused(Store(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_is_no_store_loses_nothing_of_its_owners(tmp_path, bench):
    for name in ("work", "stages", "failed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("years of it")
    bench("clean", "--all", "--store", tmp_path)
    for name in ("work", "stages", "failed"):
        assert (tmp_path / name / "thesis.txt").is_file()


@pytest.mark.parametrize("word", ["", "--failed", "--all"])
def test_cleaning_keeps_checkpoints_unless_it_is_asked_to_forget(tmp_path, bench, word):
    store = Store(tmp_path / "store")
    with store.locked():
        finished(store, "split-1")
        for key in ("student-1", "student-2"):
            store.scratch(key).mkdir(parents=True)
        (store.scratch("student-1") / "checkpoint-cases.json").write_text("hours")
        (store.path / "damaged" / "split-2.1").mkdir(parents=True)
    done = bench("clean", *filter(None, [word]), "--store", store.path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["damaged"] == 1
    assert store.checkpointed() == ([] if word else ["student-1"])
    assert not store.scratch("student-2").exists()
    assert store.has("split-1") == (word != "--all")


def test_a_stage_whose_scratch_folder_another_worker_removes_meanwhile_is_held_all_the_same(
    tmp_path, monkeypatch, tried
):
    import filelock

    store = Store(tmp_path / "store")
    acquire, removed = filelock.FileLock.acquire, []

    def removed_meanwhile(lock, *args, **options):
        if not removed:
            removed.append(store.scratch("teacher-1"))
            shutil.rmtree(removed[0])
        return acquire(lock, *args, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", removed_meanwhile)
    with store.at_work("teacher-1"), pytest.raises(filelock.Timeout):
        filelock.FileLock(store.scratch("teacher-1") / ".lock", timeout=0).acquire()
    assert removed
    with filelock.FileLock(store.scratch("teacher-1") / ".lock", timeout=0):
        pass
    tried("a scratch folder removed by a worker that outlived its driver", 1)
