"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import console, mirror, provenance, runner, runs
from bench.data.changes import changes
from bench.data.dataset import remember
from bench.engines.local import LocalEngine
from bench.errors import DataError
from bench.lab import Conduct
from bench.metrics import METRICS_OF
from bench.plugins import contestants
from bench.publication import publish
from bench.seals import unsealed
from bench.soundness import put_damaged_aside
from bench.store import Store
from bench.summary import closed, curve, dice_rows
from bench.sweep import title
from bench.verbs.determinism import found_in as determinism
from bench.verbs.determinism import say as say_determinism
from bench.verbs.mirror import put_unsound_aside
from bench.verbs.plan import (
    cost_of,
    gaps_known,
    power_of,
    prices_of,
    say_cost,
    say_methods,
    say_other_shares,
    say_plan,
)
from bench.verbs.request import planned, understood
from bench.verbs.stopping import stoppable
from bench.verbs.words import datasets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.data.copies import Leak
    from bench.data.dataset import Workshop
    from bench.graph import Stage
    from bench.sweep import Sweep
    from bench.verbs.request import Asked, Request

MOST_DOUBTFUL = 5  # sentences on a plan that are told in full


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    asked = understood(request)
    store = Store(request.store)
    if not request.as_json:
        say_methods(asked.parts)
    with _held(store, dry_run=request.dry_run) as workshop, stoppable():
        sweep, left_out = planned(asked, datasets_of(asked.datasets, asked.recipe.data, workshop))
        leaks = sweep.leaks()
        if leaks and not request.allow_leaks and not request.dry_run:
            raise refused(leaks)
        sweep = replace(sweep, allowed_leaks=leaks)
        stages = sweep.stages()
        _say_changes(store, sweep, workshop)
        _say_doubtful(sweep)
        more: dict[str, Any] = {}
        if not request.dry_run:
            more["damaged"] = put_damaged_aside(store, stages)
            _say_damage(store, stages, more["damaged"])
        if not request.as_json:
            say_plan(sweep, stages, store, left_out)
        if request.deterministic:
            more["determinism"] = determinism(sweep, asked.device)
            if not request.as_json:
                say_determinism(more["determinism"])
        if request.dry_run:
            more |= {"left_out": left_out, "cost": cost_of(sweep, stages, store, asked)}
            more["power"] = power_of(sweep)
            more["gaps"] = gaps_known(sweep)
            code = _say_plan_alone(request, sweep, stages, more)
            if leaks and not request.allow_leaks:
                raise refused(leaks)
            return code
        state = _carry_out(request, asked, sweep, stages)
        return _say_result(request, sweep, state, stages, more)


@contextmanager
def _held(store: Store, *, dry_run: bool) -> Iterator[Workshop]:
    """The store's data, under its lock; for a plan alone nothing is locked or written there."""
    if dry_run:
        store.refuse_foreign()
        with tempfile.TemporaryDirectory(prefix="bench-plan-") as spare:
            yield replace(store.workshop, spare=Path(spare))
        return
    with store.locked():
        yield store.workshop


def _say_changes(store: Store, sweep: Sweep, workshop: Workshop) -> None:
    """Data that changed since the store last knew them, before anything is computed from them."""
    known = runs.data_sets(store)
    for dataset in sweep.datasets:
        for sentence in changes(dataset, workshop, known):
            console.warn(sentence)


def _say_doubtful(sweep: Sweep) -> None:
    """Say effects of the splits on the scores that are no reason to refuse."""
    found = sweep.doubtful()
    for sentence in found[:MOST_DOUBTFUL]:
        console.warn(f"note: {sentence}.")
    if len(found) > MOST_DOUBTFUL:
        console.warn(f"note: and {len(found) - MOST_DOUBTFUL} more like these.")


def refused(leaks: tuple[Leak, ...]) -> DataError:
    """The error that refuses test cases which are copies of training cases."""
    first = leaks[0]
    test, train = first.pairs[0]
    more = f" The same holds for {len(leaks) - 1} more splits." if len(leaks) > 1 else ""
    return DataError(
        f"{first.dataset}: {first.sentence}, the first is {test}, whose image is that of {train}; leave the "
        f"copies out, or add --allow-leaks, which goes on and marks every table.{more}"
    )


def _say_damage(store: Store, stages: list[Stage], damaged: Mapping[str, str]) -> None:
    keys = {stage.key for stage in stages}
    for key, what in damaged.items():
        then = "it is made again" if key in keys else "the run that planned it makes it again"
        console.warn(f"damaged: {key}: {what}; {then}. What was there is in {store.path / 'damaged'}.")
        if key not in keys:
            _book_damage(store, key, what)


def _book_damage(store: Store, key: str, what: str) -> None:
    """A result that this run does not make again is missing, not forgotten: its rows stay, without values."""
    error = f"damaged: {what}; the run that planned it makes it again."
    reason: dict[str, Any] = {"error": error, "detail": "", "when": ""}
    with suppress(ValueError, KeyError, TypeError):  # what it was may not be known any more
        described = unsealed(max((store.path / "damaged").glob(f"{key}.*"), key=_number) / "stage.json")
        rows = rows_planned(described, str(described["run"]), str(described["commit"]))
        reason |= {"stage": described, "planned_rows": rows}
    store.fail(key, reason)


def _number(path: Path) -> int:
    """Which of several things of one name was put aside; the last has the highest."""
    return int(path.suffix[1:])


def _say_plan_alone(request: Request, sweep: Sweep, stages: list[Stage], more: Mapping[str, Any]) -> int:
    if not request.as_json:
        say_cost(more["cost"])
        return 0
    counted = runner.summary(stages, Store(request.store))
    planned = {"run": sweep.run, "stages": counted, "other_xi": sweep.other_shares()}
    leaks = [leak.describe() for leak in sweep.allowed_leaks]
    console.say_json({**sweep.description(), **planned, "leaks": leaks, **more})
    return 0


def _engine(request: Request, asked: Asked, store: Store, run_name: str) -> runner.Engine:
    conduct = Conduct(
        checkpoint_seconds=request.checkpoint_seconds,
        deterministic=request.deterministic,
        plugins=contestants.handed(),
    )
    threads = asked.recipe.compute.threads
    return LocalEngine(
        store, run=run_name, device=asked.device, jobs=asked.jobs, threads=threads, conduct=conduct
    )


def _carry_out(request: Request, asked: Asked, sweep: Sweep, stages: list[Stage]) -> runner.State:
    store = Store(request.store)
    is_finished = {stage.key for stage in stages} <= store.finished()
    seconds = runner.alike if is_finished else prices_of(sweep, stages, store, asked.device).seconds
    store.sweep_up()
    contestants.keep(store.plugins)
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    titles = {stage.key: title(stage) for stage in stages}
    runs.note(store, sweep.run, sweep.description(), titles)
    try:
        with console.watching(store, titles, quiet=request.as_json) as watch:
            rows = partial(planned_rows, run=sweep.run)
            engine = _engine(request, asked, store, sweep.run)
            state = runner.run(stages, store, engine, watch, rows=rows, expected=seconds)
    finally:
        store.sweep_up()
        publish(store)
    if request.mlflow:
        _mirror(store, sweep, titles)
    return state


def _mirror(store: Store, sweep: Sweep, titles: Mapping[str, str]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or mirror.default_uri(store)
    page = mirror.Mirror(store, sweep.run, titles, sweep.description(), uri)
    fill = f"bench export mlflow --store {store.path}"
    try:
        if put_unsound_aside(store, uri) and len(runs.plans(store)) > 1:
            console.warn(f"note: the other runs of this store are mirrored again by `{fill}`.")
        if page.is_behind:
            page.fill(store.finished())
    except mirror.MirrorError as error:
        console.warn(f"warning: {str(error)[:-1]}; no result depends on it, fill it later with `{fill}`.")


def _say_result(
    request: Request, sweep: Sweep, state: runner.State, stages: list[Stage], more: Mapping[str, Any]
) -> int:
    store = Store(request.store)
    code = 3 if state.failed or state.blocked else 0
    if request.as_json:
        console.say_json(
            {
                "run": sweep.run,
                "store": str(store.path),
                "records": str(store.path / "records.csv"),
                "stages": runner.summary(stages, store),
                "made": state.done,
                "cached": state.cached,
                "failed": state.failed,
                "blocked": state.blocked,
                "leaks": [leak.describe() for leak in sweep.allowed_leaks],
                **more,
            }
        )
        return code
    console.say(console.headline(state))
    for sentence in _shortfalls(store, stages):
        console.warn(sentence)
    for key, reason in state.failed.items():
        console.warn(f"failed: {key}: {reason} Details: {store.path / 'failed' / key}.json")
        console.warn(_blocked_by(key, state, stages))
    console.say()
    rows = dice_rows(store, [stage.key for stage in stages])
    if said := closed(rows):
        console.say(f"{said}\n")
    console.say(curve(rows))
    say_other_shares(sweep)
    for leak in sweep.allowed_leaks:
        console.say(f"leak     {leak.dataset}: {leak.sentence}")
    console.say()
    console.say(f"records  {store.path / 'records.csv'}")
    console.say(f"report   bench report --store {store.path}")
    return code


def _shortfalls(store: Store, stages: list[Stage]) -> list[str]:
    """Where injected noise is not what was asked for."""
    told = []
    for stage in stages:
        if stage.kind == "noise" and store.has(stage.key):
            short = store.stage(stage.key)["facts"]["shortfalls"]
            more = f", and {len(short) - 1} more" if len(short) > 1 else ""
            if short:
                where = store.folder(stage.key) / "noise.json"
                told.append(f"note: {title(stage)}: {short[0]}{more}; {where} has what was reached.")
    return told


def _blocked_by(key: str, state: runner.State, stages: list[Stage]) -> str:
    """The stages that wait for a failed one, the first of them by name."""
    named = [title(stage) for stage in stages if state.blocked.get(stage.key) == key]
    more = f" and {len(named) - 3} more (`bench status` lists them)" if len(named) > 3 else ""
    return f"  blocked by it: {'; '.join(named[:3]) or 'nothing'}{more}"


def planned_rows(stage: Stage, run: str = "") -> Mapping[str, Any] | None:
    """Whose rows a scores stage would have written; ``None`` for any other stage."""
    return rows_planned(stage.document(), run, provenance.commit())


def rows_planned(document: Mapping[str, Any], run: str, commit: str) -> dict[str, Any] | None:
    """The same of a stage's document."""
    if document["kind"] != "scores":
        return None
    settings = document["settings"]
    definition, more = settings["metrics"]["definition"], settings["metrics"].get("more", [])
    return {
        "identity": {**settings["identity"], "run": run, "commit": commit},
        "cases": list(document["labels"]),
        "structures": settings["structures"],
        "background": settings.get("background", False),
        "definition": definition,
        "metrics": [*METRICS_OF[definition], *more],
        "units": settings.get("units", {}),
        "stage": document["key"],
    }
