"""What sharing saves by the plan itself, and how busy a real sweep keeps its workers."""

import resource
import time

import pytest

from bench.data.catalogue import open_dataset
from bench.data.dataset import CaseFiles, Dataset, remember
from bench.execution.local import LocalEngine
from bench.execution.scheduler import run
from bench.files.processor import has_native_bfloat16
from bench.plan.estimate import prices_of
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plan.workload import work_of
from bench.store.record import planned_rows
from bench.store.stage import in_order
from bench.store.store import Store
from methods.registry import PAPER, classes

NINE = tuple(f"0.{tenths}" for tenths in range(1, 10))
JOBS = 2


def sweep(dataset, names, xis, seeds, chosen):
    return Sweep(chosen, (free_part(names, xis, chosen),), tuple(range(seeds)), (dataset,))


def set_up(name, changes=()):
    return resolved(recipe(name, changes, classes()), device="cpu", native_bfloat16=has_native_bfloat16())


def network_steps(stages):
    return sum(work_of(one).network_steps for one in stages)


def pipeline(stages):
    """Teachers, pseudo labels, students; the fully supervised references are no part of it."""
    return in_order(one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs))


def test_the_main_job_against_its_pipelines_run_separately(side_by_side):
    names = [f"scan_{number}" for number in range(20)]
    cases = {case: CaseFiles((case,), case, f"image {case}", f"label {case}") for case in names}
    dataset = Dataset("heart", ("MRI",), ("wall", "blood"), cases, tuple(names[:10]), tuple(names[10:]))
    chosen = set_up("paper")
    together = sweep(dataset, PAPER, NINE, 3, chosen).stages()
    apart = [sweep(dataset, (name,), NINE, 3, chosen).stages() for name in PAPER]
    share = network_steps(pipeline(together)) / sum(network_steps(pipeline(one)) for one in apart)
    with_references = network_steps(together) / sum(map(network_steps, apart))
    assert share == pytest.approx((45 + 4 * 70) / (4 * 115))
    assert share < with_references < 1
    side_by_side.value(
        "network steps of --methods all --xi 0.1:0.9 --seeds 3", "each method's pipeline run separately", share,
        target=0.72, sense="at most", unit="of the steps",
        note=f"{with_references:.3f} with the fully supervised references, which none can share, on both sides",
    )  # fmt: skip


def test_two_workers_are_kept_busy(tmp_path, side_by_side):
    few = ["student.steps=30", "teachers.steps=[20,25,30]"]
    chosen, store = set_up("quick", few), Store(tmp_path / "store")
    with store.locked():
        dataset = open_dataset("phantom-heart", chosen.data, store.workshop)
        remember(dataset, store.workshop)
        asked = sweep(dataset, PAPER, ("0.5",), 1, chosen)
        stages = asked.stages()
        seconds = prices_of(asked, stages, store, "cpu").seconds
        engine = LocalEngine(store, run=asked.run, device="cpu", jobs=JOBS, threads=chosen.compute.threads)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        state = run(stages, store, engine, lambda _: None, rows=planned_rows, expected=seconds)
        wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert state.done == len(stages)
    assert state.failed == {}
    on_cores = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / (wall * JOBS)
    at_work = sum(store.stage(one.key)["seconds"] for one in stages) / (wall * JOBS)
    assert at_work < 1
    side_by_side.value(
        "2 workers at work, from the first stage to the last", "their wall time", at_work,
        target=0.9, sense="at least", unit="of the time",
        note=f"{len(stages)} stages in {wall:.0f} s; processor time {on_cores:.2f} of two cores",
    )  # fmt: skip
