"""``bench tune``: a declared number of development trainings of a method; the best settings of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Final

from bench.cli import console
from bench.cli.signals import stoppable
from bench.cli.tune import trials as kept
from bench.cli.tune.trials import Trial
from bench.data.dataset import remember
from bench.errors import UsageError, unknown
from bench.execution import scheduler
from bench.execution.local import LocalEngine
from bench.files.atomic import write_text
from bench.plan.experiments import Noise, free_part
from bench.plan.recipes import RECIPES
from bench.plan.sweep import Sweep
from bench.plan.words import datasets_of, device_of, jobs_of, recipe_of
from bench.plugins import methods
from bench.plugins.noise import kinds
from bench.settings.serialise import plain
from bench.settings.stage_specs import MeasuredSpec
from bench.stages.context import Conduct
from bench.store import record
from bench.store.record import planned_rows
from bench.store.store import Store
from methods.interface import DependsOnStart

if TYPE_CHECKING:
    from pathlib import Path

    from bench.data.dataset import Dataset
    from bench.store.stage import Stage
    from methods.interface import Method
    from methods.search import SearchSpace, Value

DEVELOPMENT: Final = 1000
"""The first seed of data that is for development; all below are the benchmark's own."""
PHANTOMS: Final = "phantom-"
METRICS: Final = ("dice", "overall")
MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The words of the command line."""

    method: str
    budget: int  # development trainings
    xi: str
    noise: str
    dataset: str
    recipe: str
    changes: tuple[str, ...]
    first_seed: int
    metric: str
    seed: int  # of the search and of the trainings
    jobs: int
    device: str
    store: Path
    as_json: bool
    plugins: tuple[Path, ...] = ()


def tune(search: Search) -> int:
    """Carry out ``bench tune``; returns the exit code."""
    _refuse(search)
    methods.admit(search.plugins)
    method = _settled(search, methods.method(search.method))
    space = kept.space_of(method)
    # A store of its own, so that no report of the results ever takes a trial for one of them.
    store = Store(search.store / "tuning")
    folder = store.path / "searches" / f"{method.name}-{_mark(search, method, space)}"
    with store.locked(), stoppable():
        folder.mkdir(parents=True, exist_ok=True)
        trials = kept.read(folder, space)[: search.budget]
        while len(trials) < search.budget:
            settings = kept.proposed(method, space, trials, search.seed)
            trials.append(_tried(search, store, len(trials), settings))
            kept.write(folder, trials)
            _say(search, trials[-1])
    return _outcome(search, folder, trials)


def _settled(search: Search, method: Method) -> Method:
    """The method with the defaults that hang on where its student starts, as the first trial has them."""
    if not isinstance(method, DependsOnStart):
        return method
    start = recipe_of(search.recipe, search.changes, device_of(search.device)).student.start
    is_fresh = start == "fresh" or (start == "auto" and bool(search.noise))
    return method.resolved("fresh" if is_fresh else "teachers")


def _refuse(search: Search) -> None:
    """Refuse what is no search on development data."""
    if not 1 <= search.budget <= MOST:
        raise UsageError(f"--trials {search.budget} must be in 1..{MOST}.")
    if search.first_seed < DEVELOPMENT:
        raise UsageError(
            f"--first-seed {search.first_seed} is the benchmark's data; development begins at {DEVELOPMENT}."
        )
    if not search.dataset.startswith(PHANTOMS) or "," in search.dataset:
        raise UsageError(
            f"--dataset {search.dataset} has no development seeds; tune on one phantom, as phantom-heart."
        )
    if search.metric not in METRICS:
        raise unknown("metric", search.metric, METRICS)
    if search.recipe and search.recipe not in RECIPES:
        raise unknown("recipe", search.recipe, RECIPES)
    for text in search.changes:
        if text.partition("=")[0].strip() == "data.first_seed":
            raise UsageError(f"--set {text} is said by --first-seed here.")


def _mark(search: Search, method: Method, space: SearchSpace) -> str:
    """What tells searches of one method apart: all that a trial depends on, and not how many there are."""
    said = [
        plain(method), method.version, methods.origin_of(method), {n: repr(v) for n, v in space.items()},
        search.xi, search.noise, search.dataset, search.recipe, search.changes, search.first_seed,
        search.metric, search.seed, device_of(search.device),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:10]


def _tried(search: Search, store: Store, number: int, settings: dict[str, Value]) -> Trial:
    """One development training with these settings."""
    words = [f"{search.method}.{name}={json.dumps(value)}" for name, value in settings.items()]
    device = device_of(search.device)
    chosen = recipe_of(
        search.recipe, [f"data.first_seed={search.first_seed}", *search.changes, *words], device
    )
    noises = _noises(search)
    (dataset,) = datasets_of(search.dataset, chosen.data, store.workshop)
    part = free_part((search.method,), (search.xi,), chosen, noises)
    sweep = Sweep(chosen, (part,), (search.seed,), (dataset,))
    wanted = [stage for stage in sweep.stages() if _is_students(stage)]
    state = _made(search, store, sweep, wanted, dataset)
    (scores,) = wanted
    if reason := next(iter(state.failed.values()), ""):
        return Trial(number, settings, None, scores.key, reason)
    rows = record.read(store.folder(scores.key) / "records.csv")
    values = [row.value for row in rows if row.metric == search.metric and row.value is not None]
    return Trial(number, settings, fmean(values), scores.key)


def _made(
    search: Search, store: Store, sweep: Sweep, wanted: list[Stage], dataset: Dataset
) -> scheduler.State:
    threads = sweep.recipe.compute.threads
    device = device_of(search.device)
    remember(dataset, store.workshop)
    methods.keep(store.plugins)
    engine = LocalEngine(
        store, run=sweep.run, device=device, jobs=jobs_of(search.jobs, threads, device), threads=threads,
        conduct=Conduct(plugins=methods.handed()),
    )  # fmt: skip
    from bench.store.stage import in_order

    return scheduler.run(
        in_order(wanted), store, engine, lambda _state: None, rows=partial(planned_rows, run=sweep.run)
    )


def _noises(search: Search) -> list[Noise]:
    if not search.noise:
        return []
    from bench.data.noise import parse

    found = [Noise(*one) for one in parse(search.noise, kinds())]
    if len(found) != 1:
        raise UsageError(f"--noise {search.noise} names {len(found)} noises; a search is under one.")
    return found


def _is_students(stage: Stage) -> bool:
    if stage.kind != "scores":
        return False
    return stage.spec_as(MeasuredSpec).identity.role == "student"


def _say(search: Search, trial: Trial) -> None:
    if not search.as_json:
        said = f"failed: {trial.reason}" if trial.value is None else f"{search.metric} {trial.value:.4f}"
        words = ", ".join(f"{name}={value}" for name, value in trial.settings.items())
        console.say(f"trial {trial.number + 1}/{search.budget}  {said}  {words}")


def _outcome(search: Search, folder: Path, trials: list[Trial]) -> int:
    best = kept.best_of(trials)
    outcome = folder / "best.toml"
    if best is not None:
        write_text(outcome, toml_of(search, best))
    if search.as_json:
        said: dict[str, object] = {
            "method": search.method, "budget": search.budget, "metric": search.metric,
            "trials": [{"value": t.value, "settings": dict(t.settings), "stage": t.stage} for t in trials],
            "best": None if best is None else best.number,
            "records": str(folder / kept.FILE),
            "recipe": "" if best is None else str(outcome),
        }  # fmt: skip
        console.say_json(said)
    elif best is None:
        console.warn(f"all {len(trials)} trials failed; {folder / kept.FILE} says why.")
    else:
        console.say(f"best     trial {best.number + 1}, {search.metric} {best.value:.4f}")
        console.say(f"records  {folder / kept.FILE}")
        console.say(f"recipe   bench run --recipe {outcome}")
    return 0 if best is not None else 3


def toml_of(search: Search, best: Trial) -> str:
    """A recipe file that holds the best settings, and how many trainings they cost."""
    base = search.recipe or "quick"
    place = f"{search.dataset} from seed {search.first_seed}, xi {search.xi}, noise {search.noise or 'none'}"
    lines = [
        f"# bench tune {search.method}: {search.metric} {best.value!r} on {place}",
        f"base = {json.dumps(base)}", "", "[tuning]", f"{search.method} = {search.budget}",
    ]  # fmt: skip
    tables: dict[str, list[str]] = {}
    for name, value in best.settings.items():
        table, _, key = f"{search.method}.{name}".rpartition(".")
        tables.setdefault(table, []).append(f"{key} = {json.dumps(value)}")
    for table, settings in tables.items():
        lines += ["", f"[{table}]", *settings]
    return "\n".join(lines) + "\n"
