"""A planned sweep carried out: missing stages made, records published, the MLflow mirror filled."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from bench.data.dataset import remember
from bench.errors import DataError
from bench.execution import scheduler
from bench.execution.local import LocalEngine
from bench.files.checksummed import unsealed
from bench.plan.estimate import prices_of
from bench.plugins import methods
from bench.records import mlflow_mirror
from bench.records.mlflow_mirror import put_unsound_aside
from bench.records.publish import publish
from bench.settings.stage_specs import read
from bench.stages.context import Conduct
from bench.store import run_log
from bench.store.documents import FailureNote, FinishedStage
from bench.store.record import planned_rows
from bench.store.store import Store
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.plan.request import Asked, Request
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage


LOGGER = logging.getLogger(__name__)

Watching: TypeAlias = (
    "Callable[[Store, Mapping[str, str]], AbstractContextManager[Callable[[scheduler.State], None]]]"
)
"""Takes the store and the titles of its stages; a context in which the run is shown, which gives what to
call with the run's state."""


def keep_damaged_rows(store: Store, key: str, what: str) -> None:
    """A result that this run does not make again is missing, not forgotten: its rows stay, without values."""
    error = f"damaged: {what}; the run that planned it makes it again."
    reason = FailureNote(error=error)
    with suppress(ValueError, DataError):  # what it was may not be known any more
        path = max((store.path / "damaged").glob(f"{key}.*"), key=_number) / "stage.json"
        described = read(FinishedStage, unsealed(path), str(path))
        reason = replace(reason, stage=described, planned_rows=planned_rows(described))
    store.fail(key, reason)


def _number(path: Path) -> int:
    """Which of several things of one name was put aside; the last has the highest."""
    return int(path.suffix[1:])


def _engine(request: Request, asked: Asked, store: Store, run_name: str) -> scheduler.Engine:
    conduct = Conduct(
        checkpoint_seconds=request.checkpoint_seconds,
        deterministic=request.deterministic,
        plugins=methods.handed(),
    )
    threads = asked.recipe.compute.threads
    return LocalEngine(
        store, run=run_name, device=asked.device, jobs=asked.jobs, threads=threads, conduct=conduct
    )


def carry_out(
    request: Request, asked: Asked, sweep: Sweep, stages: list[Stage], watching: Watching
) -> scheduler.State:
    """Make what is missing of the sweep; its records are published however it ends."""
    store = Store(request.store)
    is_finished = {stage.key for stage in stages} <= store.finished()
    seconds = scheduler.alike if is_finished else prices_of(sweep, stages, store, asked.device).seconds
    store.sweep_up()
    methods.keep(store.plugins)
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    titles = {stage.key: title(stage) for stage in stages}
    run_log.note(store, sweep.run, sweep.description(), titles)
    try:
        with watching(store, titles) as watch:
            rows = partial(planned_rows, run=sweep.run)
            engine = _engine(request, asked, store, sweep.run)
            state = scheduler.run(stages, store, engine, watch, rows=rows, expected=seconds)
    finally:
        store.sweep_up()
        publish(store)
    if request.mlflow:
        _mirror(store, sweep, titles)
    return state


def _mirror(store: Store, sweep: Sweep, titles: Mapping[str, str]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
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
