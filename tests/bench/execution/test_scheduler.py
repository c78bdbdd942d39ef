"""What fails takes nothing else with it, and running again goes on."""

import os
import random
import signal
import subprocess

import pytest

from bench.data.dataset import remember
from bench.execution.execute import execute
from bench.execution.local import LocalEngine
from bench.execution.scheduler import Outcome, run, summary
from bench.settings.serialise import plain
from bench.store.record import planned_rows
from bench.store.stage import in_order, stage
from bench.store.store import Store


class Bench:
    """An engine on the spot: each stage's folder is made, or its error given."""

    def __init__(self, store, errors=(), slots=1):
        self.slots = slots
        self.submitted = []
        self.closed = False
        self._store, self._errors, self._ended = store, dict(errors), []

    def submit(self, document):
        key = document["key"]
        for needed in document["inputs"].values():
            assert self._store.has(needed)
        assert len(self._ended) < self.slots
        self.submitted.append(key)
        if key not in self._errors:
            with self._store.making(key) as folder:
                (folder / "stage.json").write_text("{}")
        self._ended.append(Outcome(key, self._errors.get(key, "")))

    def wait(self, seconds):
        ended, self._ended = self._ended, []
        return ended

    def close(self):
        self.closed = True


def made(name, kind="split", **inputs):
    return stage(kind, {"name": name}, dataset=("d", "d"), images={}, labels={}, inputs=inputs)


@pytest.fixture
def graph():
    """Two teachers, pseudo labels of both, two students, and something apart."""
    split = made("split")
    one, two = made("1", "teacher", split=split), made("2", "teacher", split=split)
    pseudo = made("pseudo", "pseudo", a=one, b=two)
    students = [made(name, "student", pseudo=pseudo) for name in "ab"]
    return {
        "split": split, "one": one, "two": two, "pseudo": pseudo, "a": students[0], "b": students[1],
        "apart": made("apart"),
    }  # fmt: skip


def go(graph, store, engine, watch=lambda state: None):
    order = in_order(graph.values())
    return run(order, store, engine, watch, rows=lambda one: None)


def test_all_stages_are_made_once_and_inputs_first(graph, tmp_path):
    store = Store(tmp_path)
    engine = Bench(store)
    state = go(graph, store, engine)
    assert (state.total, state.cached, state.done) == (7, 0, 7)
    assert len(set(engine.submitted)) == 7
    assert engine.closed
    again = Bench(store)
    assert go(graph, store, again).cached == 7
    assert again.submitted == []


@pytest.mark.parametrize("slots", [1, 3])
def test_a_failure_blocks_what_needs_it_by_name_and_the_rest_goes_on(graph, tmp_path, slots):
    store = Store(tmp_path)
    failing = graph["one"].key
    state = go(graph, store, Bench(store, {failing: "out of paper."}, slots))
    blocked = {graph[name].key for name in ("pseudo", "a", "b")}
    assert state.failed == {failing: "out of paper."}
    assert state.blocked == dict.fromkeys(blocked, failing)
    assert {name for name, one in graph.items() if store.has(one.key)} == {"split", "two", "apart"}
    failures = store.failures()
    assert set(failures) == {failing} | blocked
    assert all(failing in failures[key].error for key in blocked)
    assert plain(failures[failing].stage) == graph["one"].document()


def test_running_again_makes_only_what_failed_or_was_blocked(graph, tmp_path):
    store = Store(tmp_path)
    go(graph, store, Bench(store, {graph["one"].key: "out of paper."}))
    engine = Bench(store)
    state = go(graph, store, engine)
    assert engine.submitted == [graph[name].key for name in ("one", "pseudo", "a", "b")]
    assert (state.cached, state.done, state.failed) == (3, 4, {})
    assert store.failures() == {}


def test_two_failures_name_the_first_that_blocked(graph, tmp_path):
    store = Store(tmp_path)
    errors = {graph["one"].key: "first.", graph["two"].key: "second."}
    state = go(graph, store, Bench(store, errors, slots=2))
    assert set(state.failed) == set(errors)
    assert set(state.blocked) == {graph[name].key for name in ("pseudo", "a", "b")}
    assert set(state.blocked.values()) <= set(errors)


def test_an_interrupted_run_closes_its_engine(graph, tmp_path):
    store = Store(tmp_path)
    engine = Bench(store)

    def interrupt(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(graph, store, engine, interrupt)
    assert engine.closed


def test_the_summary_counts_stages_and_what_is_there(graph, tmp_path):
    store = Store(tmp_path)
    go({"one": graph["one"]}, store, Bench(store))
    assert summary(in_order(graph.values()), store) == {
        "split": {"stages": 2, "cached": 1},
        "teacher": {"stages": 2, "cached": 1},
        "pseudo": {"stages": 1, "cached": 0},
        "student": {"stages": 2, "cached": 0},
    }


def workers():
    """The process ids of this process's own worker processes."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "bench.execution.worker"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(word) for word in found.stdout.split()]


def test_a_worker_that_is_killed_costs_its_stage_alone(tiny_lab):
    store = tiny_lab.store
    sweep = tiny_lab.plan("densevoxnet", changes=["teachers.steps=[1,100000]"])
    stages = sweep.stages()
    long = next(one for one in stages if one.kind == "teacher" and '"steps":100000' in one.settings)
    killed = []

    def kill_the_long_one(state):
        if long.key in state.running and store.progress(long.key) and not killed:
            killed.extend(workers())
            os.kill(killed[0], signal.SIGKILL)

    engine = LocalEngine(store, run="test", device="cpu", jobs=1, threads=1)
    state = run(stages, store, engine, kill_the_long_one, rows=planned_rows)
    assert len(killed) == 1
    assert list(state.failed) == [long.key]
    assert "SIGKILL" in state.failed[long.key]
    assert state.done + len(state.blocked) + 1 == state.total
    blocked = {one.kind for one in stages if one.key in state.blocked}
    assert blocked == {"pseudo", "ensemble", "student", "scores"}
    supervised = [one for one in stages if one.kind == "student" and "pseudo" not in dict(one.inputs)]
    assert all(store.has(one.key) for one in supervised)
    assert workers() == []
    again = Bench(store)
    run(stages, store, again, lambda state: None, rows=planned_rows)
    assert set(again.submitted) == {long.key, *state.blocked}


def test_a_stage_that_breaks_in_a_worker_is_told_with_its_traceback(tiny_lab):
    sweep = tiny_lab.plan("densevoxnet", changes=["student.steps=1"])
    (tiny_lab.store.workshop.path / f"{tiny_lab.dataset.id}.json").unlink()
    stages = [one for one in sweep.stages() if one.kind == "split"]
    engine = LocalEngine(tiny_lab.store, run="test", device="cpu", jobs=2, threads=1)
    state = run(stages, tiny_lab.store, engine, lambda state: None, rows=planned_rows)
    assert len(state.failed) == 2
    assert all("is missing" in reason for reason in state.failed.values())
    assert "Traceback" in tiny_lab.store.failures()[stages[0].key].detail


def test_results_do_not_depend_on_the_order_in_which_stages_are_made(tiny_lab, tmp_path, tried):
    stages = tiny_lab.plan("densevoxnet", "tsman").stages()

    def made(store, order):
        remember(tiny_lab.dataset, store.workshop)
        left = list(order)
        while left:
            one = next(one for one in left if all(store.has(needed.key) for _, needed in one.inputs))
            left.remove(one)
            execute(one.document(), store, run="test", device="cpu")
        return {one.key: store.stage(one.key)["files"] for one in stages}

    shuffled = random.Random(3).sample(stages, len(stages))
    assert made(Store(tmp_path / "planned"), stages) == made(Store(tmp_path / "shuffled"), shuffled)
    assert made(Store(tmp_path / "reversed"), stages[::-1]) == made(Store(tmp_path / "planned"), stages)
    tried("another order of stages", 2)
