"""The experiments that are run: smoke, quick, standard, paper, or a TOML file on top of one of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.data.dataset import DataSettings
from bench.errors import UsageError, reason_of, unknown
from bench.files.names import safe_name
from bench.plugins.noise import kinds, simulator
from bench.settings.schema import (
    Cleaning,
    Compute,
    Inference,
    Metrics,
    Optimiser,
    Sampling,
    Split,
    Student,
    Teachers,
    demand,
    spending,
)
from bench.settings.serialise import assignment, build, is_shallow, merged, plain, toml
from tsman.settings import DistillationSettings, StreamSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything about an experiment but what is compared: methods, ξ, data sets, seeds."""

    name: str
    seeds: int
    data: DataSettings = field(default_factory=DataSettings)
    split: Split = field(default_factory=Split)
    stream: StreamSettings = field(default_factory=StreamSettings)
    sampling: Sampling = field(default_factory=Sampling)
    optimiser: Optimiser = field(default_factory=Optimiser)
    teachers: Teachers = field(default_factory=Teachers)
    distillation: DistillationSettings = field(default_factory=DistillationSettings)
    student: Student = field(default_factory=Student)
    inference: Inference = field(default_factory=Inference)
    cleaning: Cleaning = field(default_factory=Cleaning)
    metrics: Metrics = field(default_factory=Metrics)
    compute: Compute = field(default_factory=Compute)
    methods: dict[str, dict[str, object]] = field(default_factory=dict)  # method -> its changed settings
    noise: dict[str, dict[str, object]] = field(  # kind of noise -> its changed settings
        default_factory=dict, metadata={"later": True}
    )
    # Whether students that are compared share their random streams (docs/decisions/0033).
    seeding: Literal["common", "independent"] = "common"
    # Method -> how many development trainings its settings were chosen by (bench tune).
    tuning: dict[str, int] = field(default_factory=dict, metadata={"later": True})
    # What every student may spend, as passes:500; none: student.steps each.
    budget: str = field(default="", metadata={"later": True})

    def __post_init__(self) -> None:
        """Refuse a sweep of no seeds, and a budget in no unit."""
        demand(1 <= self.seeds <= 1000, f"seeds {self.seeds} must be in 1..1000")
        if self.budget:
            spending(self.budget)
        for name, trainings in self.tuning.items():
            demand(trainings >= 0, f"tuning.{name} {trainings} must be at least 0")


NARROW = StreamSettings(
    stem=8, growth=12, units=2, decoder=(16, 16), dropout=0.0, weight_std=0.0, average_fraction=0.95
)
"""A stream for the CPU (docs/decisions/0005)."""

STARTED = Student(steps=200, start="auto", learning_rate=2e-3, matrix_learning_rate=0.01)
"""Students that start at teachers wherever their network can (docs/decisions/0040)."""


def paper() -> Recipe:
    """P, and where P refers to Yu et al. 2017a the released HeartSeg solver and test code."""
    return Recipe(
        name="paper",
        seeds=5,
        data=DataSettings(size="paper"),
    )


def standard() -> Recipe:
    """A few hours on 2 cores: a narrow stream, an adaptive optimiser, three seeds (docs/decisions/0005)."""
    return replace(
        quick(),
        name="standard",
        seeds=3,
        teachers=Teachers(steps=(1000, 1500, 2000)),
        student=replace(STARTED, steps=1000),
    )


def quick() -> Recipe:
    """The whole main job in at most 20 minutes on 2 cores, with results that mean something."""
    return Recipe(
        name="quick",
        seeds=1,
        data=DataSettings(size="quick"),
        stream=NARROW,
        sampling=Sampling(patch=(48, 48, 48), batch=1),
        optimiser=Optimiser(kind="muon", learning_rate=6e-3),
        teachers=Teachers(steps=(500, 600, 700)),
        student=STARTED,
        inference=Inference(window="whole"),
    )


def smoke() -> Recipe:
    """Seconds: every room is walked through, the numbers mean nothing."""
    return replace(
        quick(),
        name="smoke",
        data=DataSettings(size="smoke"),
        stream=replace(NARROW, stem=4, growth=4, units=2, decoder=(8, 8)),
        sampling=Sampling(patch=(16, 16, 16), batch=2),
        teachers=Teachers(steps=(4, 6, 8)),
        student=replace(STARTED, steps=8),
    )


LARGEST = 2**18
"""Bytes of a TOML file, more than any recipe takes."""
COMPUTES: Mapping[str, Mapping[str, object]] = {
    "fast": {"compute": plain(Compute()), "metrics": {"compute": "fast"}},
    "plain": {
        "compute": {"precision": "float32", "layout": "contiguous", "path": "plain"},
        "metrics": {"compute": "plain"},
    },
}
"""What one word for ``compute`` says: as fast as it can be, or as everybody would write it."""

RECIPES: Mapping[str, Callable[[], Recipe]] = {r.__name__: r for r in (smoke, quick, standard, paper)}


def recipe(name: str, changes: Sequence[str], methods: Mapping[str, type[object]]) -> Recipe:
    """The named recipe or TOML file, narrowed by ``--set`` assignments.

    A TOML file holds the settings as tables, and ``base``, the recipe that it narrows (quick if left out).
    A setting that begins with a method's name is a setting of that method.

    Args:
        name: Of a recipe, or the path of a file that ends in .toml.
        changes: Assignments such as ``student.steps=500``.
        methods: The class of each method's settings by name, selected or not: all that is set is checked.

    Raises:
        UsageError: No such recipe, file or setting, or a value of the wrong kind.
    """
    if name in RECIPES:
        base, title = RECIPES[name](), name
    elif name.endswith(".toml"):
        path = Path(name)
        base, title = _from_file(path, methods), safe_name(path.stem, "recipe")
    else:
        raise unknown("recipe", name, [*RECIPES, "FILE.toml"])
    for text in changes:
        keys, value = assignment(text)
        change: Any = value
        for key in reversed(keys):
            change = {key: change}
        base = _changed(base, change, methods, f"--set {text}")
    if name in RECIPES and not changes:
        return base
    # Records of a changed recipe bear another name, so that they are never averaged with the plain one's.
    mark = hashlib.sha256(json.dumps(plain(base), sort_keys=True).encode()).hexdigest()[:6]
    return replace(base, name=f"{title}+{mark}")


def _from_file(path: Path, methods: Mapping[str, type[object]]) -> Recipe:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise UsageError(f"recipe {path} is larger than {LARGEST:,} bytes; no recipe is.")
        given = toml(text.decode("utf-8"))
        if not is_shallow(given):
            raise UsageError(f"recipe {path} has tables within tables deeper than any setting.")
        json.dumps(given)
    except OSError as error:
        raise UsageError(f"recipe {path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"recipe {path} is not TOML of plain values: {error}.") from error
    base = str(given.pop("base", "quick"))
    if base not in RECIPES:
        raise unknown("base recipe", base, RECIPES)
    return _changed(RECIPES[base](), given, methods, str(path))


def _spelled_out(change: Mapping[str, object], what: str) -> Mapping[str, object]:
    """A change whose ``compute`` is one of the words of ``COMPUTES``, in the settings that it stands for."""
    word = change.get("compute")
    if not isinstance(word, str):
        return change
    if word not in COMPUTES:
        raise unknown("compute", word, COMPUTES, where=what)
    return merged(COMPUTES[word], {key: value for key, value in change.items() if key != "compute"})


def _changed(
    base: Recipe, change: Mapping[str, object], methods: Mapping[str, type[object]], what: str
) -> Recipe:
    routed: dict[str, object] = {}
    for key, value in _spelled_out(change, what).items():
        if key == "name":
            raise UsageError(f"{what}: a recipe is named by its file; leave name out.")
        routed = merged(routed, {"methods": {key: value}} if key in methods else {key: value})
    narrowed = build(Recipe, merged(plain(base), routed), what)
    for name in (*narrowed.tuning, *narrowed.methods):
        if name not in methods:
            raise unknown("method", name, methods)
    for name, settings in narrowed.methods.items():
        if not isinstance(settings, dict):
            raise UsageError(f"{what}: {name} holds settings of its own; write {name}.NAME={settings}.")
        build(methods[name], merged(plain(methods[name]()), settings), f"{what}: method {name}")
    if narrowed.noise:
        _demand_noise(narrowed.noise, what)
    if narrowed.metrics.more:
        from bench.plugins import (
            metrics as extra_metrics,
        )  # numpy, which a request without them does not wait for

        extra_metrics.demand(narrowed.metrics.more, what)
    return narrowed


def _demand_noise(changed: Mapping[str, object], what: str) -> None:
    for kind, settings in changed.items():
        if kind not in kinds():
            raise unknown("kind of noise", kind, kinds())
        if not isinstance(settings, dict):
            raise UsageError(f"{what}: noise.{kind} holds settings; write noise.{kind}.NAME={settings}.")
        build(simulator(kind), settings, f"{what}: noise {kind}")


SMALLEST_BFLOAT16 = 16
"""Voxels of a patch's side, 4 of which are left where a stream is narrowest (docs/reliability.md)."""


def resolved(recipe: Recipe, *, device: str, native_bfloat16: bool) -> Recipe:
    """The recipe with ``auto`` precision decided for the device, as it goes into every key.

    Raises:
        UsageError: It could not be repeated on a CPU.
    """
    chosen, patch = recipe.compute, recipe.sampling.patch
    repeats = device != "cpu" or min(patch) >= SMALLEST_BFLOAT16
    if chosen.precision == "auto":
        fits = repeats and (device.startswith("cuda") or native_bfloat16)
        chosen = replace(chosen, precision="bfloat16" if fits else "float32")
    if chosen.precision == "bfloat16" and not repeats:
        raise UsageError(
            f"sampling.patch {list(patch)} is too small for bfloat16 on a CPU, where PyTorch's gradients "
            f"over 2 voxels are of memory that nobody wrote: take sides of {SMALLEST_BFLOAT16}, or float32."
        )
    budget = recipe.budget
    if budget and spending(budget).unit == "seconds" and "@" not in budget:
        budget = f"{budget}@{device.partition(':')[0]}"
    return replace(recipe, compute=chosen, budget=budget)
