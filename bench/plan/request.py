"""The words of ``bench run`` -> a planned sweep, and a line for everything that it leaves out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bench.data.split import shares
from bench.errors import UsageError, unknown
from bench.plan.experiments import DEFAULT_DATASETS, Noise, Part, Plan, chosen, free_part, resolved_part
from bench.plan.sweep import Sweep
from bench.plan.words import device_of, jobs_of, recipe_of, seeds_of
from bench.plugins import methods as known_methods
from bench.plugins.methods import admit, select
from bench.plugins.noise import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.data.dataset import Dataset
    from bench.plan.recipes import Recipe

ENGINES = ("local",)
EVERY = "every"  # the word that takes whatever fits the data


REFERENCES = ("teachers", "methods")
"""Whose training on the manual labels alone is a reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The words of the command line."""

    methods: str | None  # None: not said
    xi: str | None
    datasets: str | None
    experiment: str | None
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
    checkpoint_seconds: float = 60.0  # between two checkpoints of a training; changes no result
    deterministic: bool = False
    plugins: tuple[Path, ...] = ()  # files of methods that are not of this repository
    noise: tuple[str, ...] = ()  # KIND:RATE,... injected in place of pseudo labels
    references: str = "teachers"  # what is trained on the manual labels alone: teachers, or methods too
    allow_leaks: bool = False  # whether test cases may be copies of training cases; noted with the run


class Asked(NamedTuple):
    """What the words mean before any data set is opened."""

    recipe: Recipe
    plans: Mapping[str, Plan]  # the published tables and figures by name; none in a free sweep
    parts: tuple[Part, ...]
    seeds: tuple[int, ...]
    datasets: str
    device: str
    jobs: int
    whatever_fits: bool  # whether a method that does not fit a data set is left out rather than refused


def understood(request: Request) -> Asked:
    """The words looked up and checked against one another.

    Raises:
        UsageError: A word that nothing bears, or two that cannot be said together.
    """
    if not 0 <= request.checkpoint_seconds < math.inf:
        raise UsageError(f"--checkpoint-seconds {request.checkpoint_seconds} must be a number from 0 up.")
    plans = _plans(request)
    xis = shares("0.1:0.9" if request.xi is None else request.xi)
    methods = "all" if request.methods is None else request.methods
    admit(request.plugins)
    names = [] if plans else select(methods)
    if request.engine not in ENGINES:
        raise unknown("engine", request.engine, ENGINES)
    device = device_of(request.device)
    recipe = recipe_of(request.recipe, request.changes, device)
    if request.references not in REFERENCES:
        raise unknown("reference", request.references, REFERENCES)
    alone = request.references == "methods"
    parts = tuple(resolved_part(plan, recipe, labelled_only=alone) for plan in plans.values())
    noises = _noises(request)
    _refuse_idle(recipe, noises)
    parts = parts or (free_part(names, xis, recipe, noises, labelled_only=alone),)
    _refuse_unequal_tuning(recipe, parts)
    return Asked(
        recipe=recipe,
        plans=plans,
        parts=parts,
        seeds=seeds_of(request.seeds, recipe.seeds),
        datasets=_default_datasets(parts) if request.datasets is None else request.datasets,
        device=device,
        jobs=jobs_of(request.jobs, recipe.compute.threads, device),
        whatever_fits=EVERY in {word.strip() for word in methods.split(",")},
    )


def planned(asked: Asked, datasets: tuple[Dataset, ...]) -> tuple[Sweep, list[str]]:
    """The sweep over these data sets, and a line for everything that none of them is for.

    Raises:
        UsageError: A method that was named does not fit a data set, or no data set fits any experiment.
    """
    left_out = _without_data(asked.plans, datasets)
    sweep = Sweep(asked.recipe, asked.parts, asked.seeds, datasets, tuple(asked.plans))
    for dataset, method, why in sweep.unfit():
        sentence = f"{method} on {dataset}: {why}"
        if not asked.whatever_fits:
            raise UsageError(f"{sentence}; leave it out with --methods '{EVERY}' or '!{method}'.")
        left_out.append(sentence)
    return sweep, left_out


def _noises(request: Request) -> list[Noise]:
    """What is injected; a published table or figure has its teachers' own noise."""
    if request.noise and request.experiment is not None:
        raise UsageError(f"--experiment is about pseudo labels; leave --noise {request.noise[0]} out.")
    if not request.noise:
        return []
    from bench.data.noise import parse  # scipy, which a request without noise does not wait for

    return list(dict.fromkeys(Noise(*one) for words in request.noise for one in parse(words, kinds())))


def _refuse_idle(recipe: Recipe, noises: list[Noise]) -> None:
    """A setting of noise that nobody injects would rename equal work.

    Raises:
        UsageError: Names the kind.
    """
    injected = {part for noise in noises for part in noise.kind.split("+")}
    for kind in recipe.noise.keys() - injected:
        raise UsageError(f"noise.{kind} is set, but --noise injects {', '.join(sorted(injected)) or 'none'}.")


def _refuse_unequal_tuning(recipe: Recipe, parts: tuple[Part, ...]) -> None:
    """A ranking says nothing of methods whose settings were chosen by unequal numbers of trainings.

    Those of the recipe count too, though they are not asked for now: the results of one recipe are ranked
    together. A method that declares no search space has nothing to tune.

    Raises:
        UsageError: Names two methods and their numbers.
    """
    if not recipe.tuning:
        return
    asked = {one.method.name: one.method for part in parts for one in (*part.students, *part.supervised)}
    asked |= {name: known_methods.method(name) for name in recipe.tuning}
    budgets = {
        name: recipe.tuning.get(name, 0) for name, one in asked.items() if getattr(one, "search_space", None)
    }
    if not budgets:
        return
    most, least = max(budgets, key=budgets.__getitem__), min(budgets, key=budgets.__getitem__)
    if budgets[most] != budgets[least]:
        raise UsageError(
            f"tuning budgets differ: {budgets[most]} trainings of {most}, {budgets[least]} of {least};"
            " a ranking needs equal budgets, so tune each by as many (bench tune), or leave it out."
        )


def _plans(request: Request) -> dict[str, Plan]:
    """The published tables and figures asked for, at other ξ where given; none in a free sweep."""
    if request.experiment is None:
        return {}
    if request.methods is not None:
        raise UsageError(f"--experiment has its own methods; leave --methods {request.methods} out.")
    plans = chosen(request.experiment)
    if request.xi is None:
        return plans
    return {name: replace(plan, xis=tuple(shares(request.xi))) for name, plan in plans.items()}


def _default_datasets(parts: tuple[Part, ...]) -> str:
    wanted = dict.fromkeys(part.benchmark or "hvsmr" for part in parts)
    return ",".join(DEFAULT_DATASETS[benchmark] for benchmark in wanted)


def _without_data(plans: Mapping[str, Plan], datasets: tuple[Dataset, ...]) -> list[str]:
    """The experiments that no data set stands in for the benchmark of, and the data sets of no experiment."""
    there = {dataset.benchmark for dataset in datasets}
    wanted = {plan.benchmark for plan in plans.values()} or there
    idle = [dataset.name for dataset in datasets if dataset.benchmark not in wanted]
    unused = [f"{name}: none of {', '.join(plans)} is run on such data" for name in idle]
    lacking = [name for name, plan in plans.items() if plan.benchmark not in there]
    if not lacking:
        return unused
    named = ", ".join(dataset.name for dataset in datasets)
    wants = "tumours with BRATS' labels" if plans[lacking[0]].benchmark == "brats" else "no tumours"
    sentence = f"{', '.join(lacking)}: wants a data set with {wants}; --dataset names {named}"
    if len(lacking) == len(plans):
        raise UsageError(f"{sentence}.")
    return [sentence, *unused]
