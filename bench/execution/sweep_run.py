"""A planned sweep carried out: missing stages made, records published, the MLflow mirror filled."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from bench.data.dataset import remember
from bench.execution import scheduler
from bench.execution.local import LocalEngine
from bench.plan.estimate import prices_of
from bench.plugins import methods
from bench.records import mlflow_mirror
from bench.records.mlflow_mirror import put_unsound_aside
from bench.records.publish import publish
from bench.stages.context import Conduct
from bench.store import run_log
from bench.store.record import planned_rows
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.execution.sweep_plan import PlannedSweep
    from bench.store.store import Store


LOGGER = logging.getLogger(__name__)

Watching: TypeAlias = (
    "Callable[[Store, Mapping[str, str]], AbstractContextManager[Callable[[scheduler.State], None]]]"
)
"""Takes the store and the titles of its stages; a context in which the run is shown, which gives what to
call with the run's state."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        run: The name of the run, the same for the same request.
        store: The folder of its results.
        stages: How many stages the sweep has.
        made: How many of them were computed now.
        cached: How many the store had already.
        failed: Key of a stage that failed -> why.
        blocked: Key of a stage that was not tried -> the failed stage whose result it needs.
    """

    run: str
    store: Path
    stages: int
    made: int
    cached: int
    failed: Mapping[str, str]
    blocked: Mapping[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether the store has the results of all stages."""
        return self.made + self.cached == self.stages


def carry_out(plan: PlannedSweep, watching: Watching) -> scheduler.State:
    """Make what is missing of the sweep; its records are published however it ends.

    Args:
        plan: The sweep, while its store is locked.
        watching: Shows how far it is.

    Raises:
        StoreError: The store cannot be written any more; what is finished is kept.
    """
    store, sweep, stages = plan.store, plan.sweep, plan.stages
    is_finished = {stage.key for stage in stages} <= store.finished()
    seconds = scheduler.alike if is_finished else prices_of(sweep, stages, store, plan.asked.device).seconds
    store.sweep_up()
    methods.keep(store.plugins)
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    titles = {stage.key: title(stage) for stage in stages}
    run_log.note(store, sweep.run, sweep.description(), titles)
    try:
        with watching(store, titles) as watch:
            rows = partial(planned_rows, run=sweep.run)
            state = scheduler.run(stages, store, _engine(plan), watch, rows=rows, expected=seconds)
    finally:
        store.sweep_up()
        publish(store)
    if plan.request.mlflow:
        _mirror(plan, titles)
    _warn_of_shortfalls(plan, titles)
    return state


def result_of(plan: PlannedSweep, state: scheduler.State) -> SweepResult:
    """The result of a sweep that was carried out."""
    return SweepResult(
        run=plan.sweep.run,
        store=plan.store.path,
        stages=state.total,
        made=state.done,
        cached=state.cached,
        failed=dict(state.failed),
        blocked=dict(state.blocked),
    )


def nothing_made(plan: PlannedSweep) -> SweepResult:
    """The result of a dry run: how many stages there are, and how many the store has."""
    there = plan.store.finished()
    cached = sum(stage.key in there for stage in plan.stages)
    return SweepResult(plan.sweep.run, plan.store.path, len(plan.stages), 0, cached, {}, {})


def watched_by(progress: Callable[[scheduler.State], None] | None) -> Watching:
    """Show a run by calling a function, if there is one, with its state a few times a second."""
    watch = progress or (lambda _state: None)
    return lambda _store, _titles: nullcontext(watch)


def _engine(plan: PlannedSweep) -> scheduler.Engine:
    request, asked = plan.request, plan.asked
    conduct = Conduct(
        checkpoint_seconds=request.checkpoint_seconds,
        deterministic=request.deterministic,
        plugins=methods.handed(),
    )
    return LocalEngine(
        plan.store,
        run=plan.sweep.run,
        device=asked.device,
        jobs=asked.jobs,
        threads=asked.recipe.compute.threads,
        conduct=conduct,
    )


def _mirror(plan: PlannedSweep, titles: Mapping[str, str]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
    store, sweep = plan.store, plan.sweep
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or mlflow_mirror.default_uri(store)
    page = mlflow_mirror.Mirror(store, sweep.run, titles, sweep.description(), uri)
    fill = f"bench export mlflow --store {store.path}"
    try:
        if put_unsound_aside(store, uri) and len(run_log.plans(store)) > 1:
            LOGGER.warning(f"note: the other runs of this store are mirrored again by `{fill}`.")
        if page.is_behind:
            page.fill(store.finished())
    except mlflow_mirror.MirrorError as error:
        LOGGER.warning(f"warning: {str(error)[:-1]}; no result depends on it, fill it later with `{fill}`.")


def _warn_of_shortfalls(plan: PlannedSweep, titles: Mapping[str, str]) -> None:
    """Warn where injected noise is not what was asked for."""
    for stage in plan.stages:
        if stage.kind == "noise" and plan.store.has(stage.key):
            short = plan.store.stage(stage.key)["facts"]["shortfalls"]
            more = f", and {len(short) - 1} more" if len(short) > 1 else ""
            if short:
                where = plan.store.folder(stage.key) / "noise.json"
                LOGGER.warning(f"note: {titles[stage.key]}: {short[0]}{more}; {where} has what was reached.")
