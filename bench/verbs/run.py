"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from bench import console, mirror, provenance, record, runner, runs
from bench.data.changes import changes
from bench.data.dataset import remember
from bench.engines.local import GRACE_SECONDS, LocalEngine
from bench.lab import Conduct
from bench.metrics import METRICS_OF
from bench.soundness import put_damaged_aside
from bench.store import Store
from bench.summary import curve
from bench.sweep import title
from bench.verbs.determinism import found_in as determinism
from bench.verbs.determinism import say as say_determinism
from bench.verbs.plan import cost_of, prices_of, say_cost, say_methods, say_plan
from bench.verbs.request import planned, understood
from bench.verbs.words import datasets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.graph import Stage
    from bench.sweep import Sweep
    from bench.verbs.request import Request


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    asked = understood(request)
    store = Store(request.store)
    if not request.as_json:
        say_methods(asked.parts)
    with store.locked(), _stoppable():
        sweep, left_out = planned(asked, datasets_of(asked.datasets, asked.recipe.data, store.workshop))
        stages = sweep.stages()
        damaged = {} if request.dry_run else put_damaged_aside(store, stages)
        for key, what in damaged.items():
            is_planned = any(stage.key == key for stage in stages)
            then = "it is made again" if is_planned else "the run that planned it makes it again"
            console.warn(f"damaged: {key}: {what}; {then}. What was there is in {store.path / 'damaged'}.")
        if not request.as_json:
            say_plan(sweep, stages, store, left_out)
        found = determinism(sweep, asked.device) if request.deterministic else None
        if found and not request.as_json:
            say_determinism(found)
        if not request.dry_run:
            threads = asked.recipe.compute.threads
            engine = LocalEngine(
                store,
                run=sweep.run,
                device=asked.device,
                jobs=asked.jobs,
                threads=threads,
                conduct=Conduct(
                    checkpoint_seconds=request.checkpoint_seconds, deterministic=request.deterministic
                ),
            )
            is_finished = {stage.key for stage in stages} <= store.finished()
            known = None if is_finished else prices_of(sweep, stages, store, asked.device)
            seconds = known.seconds if known else runner.alike
            state = _carry_out(request, sweep, stages, engine, seconds)
            return _say_result(request, sweep, state, stages, {"determinism": found} if found else {})
        cost = cost_of(sweep, stages, store, asked)
        if not request.as_json:
            say_cost(cost)
            return 0
        console.say_json(
            {
                **sweep.description(),
                "run": sweep.run,
                "stages": runner.summary(stages, store),
                "left_out": left_out,
                "cost": cost,
                **({"determinism": found} if found else {}),
            }
        )
        return 0


def _carry_out(
    request: Request,
    sweep: Sweep,
    stages: list[Stage],
    engine: runner.Engine,
    seconds: Callable[[Stage], float],
) -> runner.State:
    store = Store(request.store)
    store.sweep_up()
    for dataset in sweep.datasets:
        for sentence in changes(dataset, store.workshop):
            console.warn(sentence)
        remember(dataset, store.workshop)
    titles = {stage.key: title(stage) for stage in stages}
    runs.note(store, sweep.run, sweep.description(), titles)
    try:
        with console.watching(store, titles, quiet=request.as_json) as watch:
            rows = partial(planned_rows, run=sweep.run)
            state = runner.run(stages, store, engine, watch, rows=rows, expected=seconds)
    finally:
        store.sweep_up()
        record.publish(store)
    if request.mlflow:
        _mirror(store, sweep, titles)
    return state


def _mirror(store: Store, sweep: Sweep, titles: Mapping[str, str]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or mirror.default_uri(store)
    page = mirror.Mirror(store, sweep.run, titles, sweep.description(), uri)
    if not page.is_behind:
        return
    try:
        page.fill(store.finished())
    except mirror.MirrorError as error:
        fill = f"bench export mlflow --store {store.path}"
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
                **more,
            }
        )
        return code
    console.say(console.headline(state))
    for key, reason in state.failed.items():
        console.warn(f"failed: {key}: {reason} Details: {store.path / 'failed' / key}.json")
    console.say()
    console.say(curve(store, [stage.key for stage in stages]))
    console.say()
    console.say(f"records  {store.path / 'records.csv'}")
    console.say(f"report   bench report --store {store.path}")
    return code


def planned_rows(stage: Stage, run: str = "") -> Mapping[str, Any] | None:
    """Whose rows a scores stage would have written; ``None`` for any other stage."""
    if stage.kind != "scores":
        return None
    settings = json.loads(stage.settings)
    definition = settings["metrics"]["definition"]
    return {
        "identity": {**settings["identity"], "run": run, "commit": provenance.commit()},
        "cases": [case for case, _ in stage.labels],
        "structures": settings["structures"],
        "background": settings.get("background", False),
        "definition": definition,
        "metrics": list(METRICS_OF[definition]),
        "stage": stage.key,
    }


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _stoppable:  # noqa: N801 - reads as a word of the with statement
    """Ctrl-C, SIGTERM and a lost terminal end a run alike: checkpoints kept, records published, exit 130."""

    def __enter__(self) -> None:
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, before in self._before.items():
            if before is not signal.SIG_IGN:  # nohup: a lost terminal is not to end it
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, _frame: object) -> None:
        with suppress(OSError):  # there may be no terminal any more
            console.warn(
                f"{signal.Signals(number).name}: stopping at the next step, {GRACE_SECONDS:.0f} s at most; "
                "once more to stop at once."
            )
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
