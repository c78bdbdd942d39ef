"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

from bench import console, provenance, record, runner, tracking
from bench.data.dataset import remember
from bench.data.folder import write_text
from bench.engines.local import LocalEngine
from bench.metrics import METRICS_OF
from bench.store import Store
from bench.summary import curve
from bench.sweep import title
from bench.verbs.request import planned, understood
from bench.verbs.words import datasets_of
from methods.registry import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.experiments import Part
    from bench.graph import Stage
    from bench.sweep import Sweep
    from bench.verbs.request import Request


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    asked = understood(request)
    store = Store(request.store)
    if not request.as_json:
        _say_methods(asked.parts)
    with store.locked(), _terminable():
        sweep, left_out = planned(asked, datasets_of(asked.datasets, asked.recipe.data, store.workshop))
        stages = sweep.stages()
        if not request.as_json:
            _say_plan(sweep, stages, store, left_out)
        if not request.dry_run:
            threads = asked.recipe.compute.threads
            engine = LocalEngine(store, run=sweep.run, device=asked.device, jobs=asked.jobs, threads=threads)
            return _carry_out(request, sweep, stages, store, engine)
        if request.as_json:
            console.say_json(
                {
                    **sweep.description(),
                    "run": sweep.run,
                    "stages": runner.summary(stages, store),
                    "left_out": left_out,
                }
            )
        return 0


def _carry_out(
    request: Request, sweep: Sweep, stages: list[Stage], store: Store, engine: runner.Engine
) -> int:
    store.sweep_up()
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    request_path = store.path / "runs" / sweep.run / "request.json"
    if not request_path.is_file():
        write_text(request_path, json.dumps(sweep.description(), indent=1))
    titles = {stage.key: title(stage) for stage in stages}
    try:
        with console.watching(store, titles, quiet=request.as_json) as watch:
            rows = partial(planned_rows, run=sweep.run)
            state = runner.run(stages, store, engine, watch, rows=rows)
    finally:
        store.sweep_up()
        record.publish(store)
    if request.mlflow:
        _mirror(store, sweep, titles)
    return _say_result(request, sweep, store, state, stages)


def _mirror(store: Store, sweep: Sweep, titles: Mapping[str, str]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
    try:
        tracking.mirror(
            store,
            sweep.run,
            titles,
            sweep.description(),
            os.environ.get("MLFLOW_TRACKING_URI", ""),
        )
    except Exception as error:
        console.warn(
            f"warning: the MLflow mirror is behind ({type(error).__name__}: {error}); run again to fill it."
        )


def _say_result(
    request: Request, sweep: Sweep, store: Store, state: runner.State, stages: list[Stage]
) -> int:
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


def _say_methods(parts: tuple[Part, ...]) -> None:
    every = [one.method.name for part in parts for one in (*part.students, *part.supervised)]
    names = list(dict.fromkeys(every))
    ablations = len({one.variant for part in parts for one in part.students if one.variant})
    more = f"; {ablations} ablations" if ablations else ""
    listed = ", ".join(names) or "none but the teachers"
    console.say(f"methods  {len(names)} of {len(METHODS)}: {listed}{more}")


def _say_plan(sweep: Sweep, stages: list[Stage], store: Store, left_out: list[str]) -> None:
    for sentence in left_out:
        console.say(f"left out {sentence}")
    for dataset in sweep.datasets:
        console.say(
            f"data     {dataset.name}: {len(dataset.train)} training, {len(dataset.test)} test cases; "
            f"{', '.join(dataset.structures)}"
        )
    seeds = ", ".join(map(str, sweep.seeds))
    if sweep.experiments:
        console.say(f"paper    {', '.join(sweep.experiments)}")
    console.say(f"sweep    ξ {', '.join(sweep.xis)} · seeds {seeds}")
    console.say(f"recipe   {sweep.recipe.name} · {sweep.recipe.compute.precision} · run {sweep.run}")
    counted = runner.summary(stages, store)
    parts = [f"{n['stages']} {kind}" for kind, n in counted.items()]
    cached = sum(n["cached"] for n in counted.values())
    console.say(f"stages   {len(stages)} ({', '.join(parts)}), {cached} there already")


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


class _terminable:  # noqa: N801 - reads as a word of the with statement
    """SIGTERM ends a run as Ctrl-C does: workers stopped, records published, exit 130."""

    def __enter__(self) -> None:
        def interrupt(_signal: int, _frame: object) -> None:
            raise KeyboardInterrupt

        self._before = signal.signal(signal.SIGTERM, interrupt)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
