"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import console, provenance, record, runner, tracking
from bench.data.datasets import open_dataset, remember
from bench.data.folder import write_text
from bench.data.split import shares
from bench.engines.local import LocalEngine, cores
from bench.errors import UsageError, unknown
from bench.recipes import Recipe, recipe
from bench.store import Store
from bench.summary import curve
from bench.sweep import Sweep, configured, resolved, title
from methods.registry import METHODS, method, select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.graph import Stage

ENGINES = ("local",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The words of the command line."""

    methods: str
    xi: str
    datasets: str
    recipe: str
    seeds: str
    changes: tuple[str, ...]
    jobs: int
    device: str
    engine: str
    store: Path
    dry_run: bool
    as_json: bool
    mlflow: bool


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    names = _selected(request.methods)
    xis = shares(request.xi)
    if request.engine not in ENGINES:
        raise unknown("engine", request.engine, ENGINES)
    device = device_of(request.device)
    chosen = _recipe(request, device)
    seeds = seeds_of(request.seeds, chosen.seeds)
    store = Store(request.store)
    if not request.as_json:
        console.say(f"methods  {len(names)} of {len(METHODS)}: {', '.join(names)}")
    with store.locked(), _terminable():
        datasets = tuple(
            open_dataset(spec, chosen.data, store.workshop) for spec in request.datasets.split(",")
        )
        contestants = tuple(configured(method(name), chosen) for name in names)
        sweep = Sweep(chosen, contestants, tuple(xis), seeds, datasets)
        stages = sweep.stages()
        if not request.as_json:
            _say_plan(sweep, stages, store)
        if request.dry_run:
            if request.as_json:
                console.say_json(
                    {**sweep.description(), "run": sweep.run, "stages": runner.summary(stages, store)}
                )
            return 0
        return _carry_out(request, sweep, stages, store, device)


def _carry_out(request: Request, sweep: Sweep, stages: list[Stage], store: Store, device: str) -> int:
    store.sweep_up()
    for dataset in sweep.datasets:
        remember(dataset, store.workshop)
    request_path = store.path / "runs" / sweep.run / "request.json"
    if not request_path.is_file():
        write_text(request_path, json.dumps(sweep.description(), indent=1))
    threads = sweep.recipe.compute.threads
    jobs = _jobs(request.jobs, threads, device)
    engine = LocalEngine(store, run=sweep.run, device=device, jobs=jobs, threads=threads)
    titles = {stage.key: title(stage) for stage in stages}
    made = 0
    try:
        with console.watching(store, titles, quiet=request.as_json) as watch:
            state = runner.run(stages, store, engine, watch, rows=planned_rows)
        made = state.done + len(state.failed) + len(state.blocked)
    except KeyboardInterrupt:
        record.publish(store)
        raise
    if made or not (store.path / "records.csv").is_file():
        record.publish(store)
    if request.mlflow:
        _mirror(store, sweep, stages)
    return _say_result(request, sweep, store, state, stages)


def _mirror(store: Store, sweep: Sweep, stages: list[Stage]) -> None:
    """The mirror is a convenience: what goes wrong with it is said and costs no result."""
    try:
        tracking.mirror(
            store,
            sweep.run,
            [s.key for s in stages],
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


def _say_plan(sweep: Sweep, stages: list[Stage], store: Store) -> None:
    for dataset in sweep.datasets:
        console.say(
            f"data     {dataset.name}: {len(dataset.train)} training, {len(dataset.test)} test cases; "
            f"{', '.join(dataset.structures)}"
        )
    seeds = ", ".join(map(str, sweep.seeds))
    console.say(f"sweep    ξ {', '.join(sweep.xis)} · seeds {seeds}")
    console.say(f"recipe   {sweep.recipe.name} · {sweep.recipe.compute.precision} · run {sweep.run}")
    counted = runner.summary(stages, store)
    parts = [f"{n['stages']} {kind}" for kind, n in counted.items()]
    cached = sum(n["cached"] for n in counted.values())
    console.say(f"stages   {len(stages)} ({', '.join(parts)}), {cached} there already")


def planned_rows(stage: Stage) -> Mapping[str, Any] | None:
    """Whose rows a scores stage would have written."""
    if stage.kind != "scores":
        return None
    settings = json.loads(stage.settings)
    cases = [case for case, _ in stage.labels]
    return {"identity": settings["identity"], "cases": cases, "structures": settings["structures"]}


def _selected(words: str) -> list[str]:
    try:
        return select(words)
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def _recipe(request: Request, device: str) -> Recipe:
    name = request.recipe or ("quick" if device == "cpu" else "standard")
    chosen = recipe(name, request.changes, list(METHODS))
    return resolved(chosen, device=device, native_bfloat16=provenance.has_native_bfloat16())


def seeds_of(text: str, default: int) -> tuple[int, ...]:
    """``3`` is 0, 1, 2; ``0,2`` is those two; nothing is the recipe's number.

    Raises:
        UsageError: Not whole numbers >= 0, none at all, or one twice.
    """
    if not text:
        return tuple(range(default))
    try:
        seeds = (
            tuple(int(part) for part in text.split(",") if part.strip())
            if "," in text
            else tuple(range(int(text)))
        )
    except ValueError:
        raise UsageError(
            f"seeds {text!r} are not whole numbers; write 3 for 0, 1, 2, or a list such as 0,2."
        ) from None
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds) or len(seeds) > 1000:
        raise UsageError(f"seeds {text!r} must be different whole numbers from 0 up, at least one.")
    return seeds


def device_of(text: str) -> str:
    """The device to compute on; ``auto`` takes a GPU where there is one.

    Raises:
        UsageError: No such device here.
    """
    kind, _, index = text.partition(":")
    if kind == "cpu" and not index:
        return "cpu"
    if kind not in ("auto", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"device {text!r} is not known; choose auto, cpu, cuda or cuda:0.")
    if kind == "auto" and not Path("/dev/nvidia0").exists():
        return "cpu"
    import torch

    if torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count():
        return "cuda" if kind == "auto" else text
    if kind == "auto":
        return "cpu"
    raise UsageError(f"device {text!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices.")


def _jobs(wanted: int, threads: int, device: str) -> int:
    """As many workers as the cores bear; one for a GPU."""
    if wanted < 0:
        raise UsageError(f"--jobs {wanted} must be at least 1 (0 takes as many as the cores bear).")
    most = max(cores() // threads, 1)
    if wanted == 0:
        return most if device == "cpu" else 1
    if wanted > most:
        console.warn(
            f"note: {wanted} jobs of {threads} threads are more than {cores()} cores; taking {most}."
        )
    return min(wanted, most)


class _terminable:  # noqa: N801 - reads as a word of the with statement
    """SIGTERM ends a run as Ctrl-C does: workers stopped, records published, exit 130."""

    def __enter__(self) -> None:
        def interrupt(_signal: int, _frame: object) -> None:
            raise KeyboardInterrupt

        self._before = signal.signal(signal.SIGTERM, interrupt)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
