"""What is compared -> the graph of stages: data sets x seeds x ξ x methods, sharing all that is equal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.cell import Cell
from bench.graph import Stage, in_order
from bench.plain import build, merged, plain
from methods.registry import describe

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.recipes import Recipe
    from methods.interface import Method


@dataclass(frozen=True, slots=True)
class Sweep:
    """A resolved request: precision is decided, names are looked up."""

    recipe: Recipe
    methods: tuple[Method, ...]
    xis: tuple[str, ...]
    seeds: tuple[int, ...]
    datasets: tuple[Dataset, ...]

    def description(self) -> dict[str, Any]:
        """Everything that was asked for, as plain JSON."""
        return {
            "recipe": plain(self.recipe),
            "methods": [describe(method) for method in self.methods],
            "xi": list(self.xis),
            "seeds": list(self.seeds),
            "datasets": [dataset.id for dataset in self.datasets],
        }

    @property
    def run(self) -> str:
        """The name of the request: the same command is the same run, so going on is running it again."""
        text = json.dumps(self.description(), sort_keys=True)
        return f"{self.recipe.name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def stages(self) -> list[Stage]:
        """All stages, inputs before what reads them."""
        targets: list[Stage] = []
        for dataset in self.datasets:
            for seed in self.seeds:
                cell = Cell.of(self.recipe, dataset, seed)
                for xi in self.xis:
                    targets += cell.at(xi, self.methods)
                targets += cell.supervised(self.methods)
        return in_order(targets)


def configured(method: Method, recipe: Recipe) -> Method:
    """The method with the settings that the recipe changes."""
    changes = recipe.methods.get(method.name, {})
    if not changes:
        return method
    return build(type(method), merged(plain(method), changes), f"method {method.name}")


def resolved(recipe: Recipe, *, device: str, native_bfloat16: bool) -> Recipe:
    """The recipe with ``auto`` precision decided for the device, as it goes into every key."""
    if recipe.compute.precision != "auto":
        return recipe
    if device.startswith("cuda") or native_bfloat16:
        return replace(recipe, compute=replace(recipe.compute, precision="bfloat16"))
    return replace(recipe, compute=replace(recipe.compute, precision="float32"))


def title(one: Stage) -> str:
    """A stage in a reader's words."""
    settings = json.loads(one.settings)
    if one.kind == "scores":
        who = settings["identity"]
        name = " ".join(str(who[part]) for part in ("role", "method", "member") if who[part])
        return f"scores of {name}, ξ {who['xi']}, seed {who['seed']}"
    below = dict(one.inputs)
    if one.kind == "pseudo":
        return title(below["teacher01"]).replace("teacher 1", "pseudo labels")
    split = settings if one.kind == "split" else json.loads(below["split"].settings)
    manual = len(split["manual"])
    who = {"teacher": f"teacher {settings.get('member')}", "split": "split"}.get(one.kind)
    name = who or settings["method"]["name"]
    return f"{name}, {manual} of {manual + len(split['pseudo'])} manual, seed {settings['seed']}"
