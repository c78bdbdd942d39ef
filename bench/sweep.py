"""What is compared -> the graph of stages: data sets x seeds x ξ x methods, sharing all that is equal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.cell import Cell
from bench.data.copies import doubtful, leak_of
from bench.data.split import other_shares
from bench.errors import UsageError
from bench.graph import Stage, in_order
from bench.plain import plain
from bench.planning import scores_of, unfit
from bench.settings import spending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.data.copies import Leak
    from bench.data.dataset import Dataset
    from bench.experiments import Contestant, Part
    from bench.recipes import Recipe


SMALLEST_BFLOAT16 = 16
"""Voxels of a patch's side, 4 of which are left where a stream is narrowest (docs/reliability.md)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A resolved request: precision is decided, names are looked up."""

    recipe: Recipe
    parts: tuple[Part, ...]
    seeds: tuple[int, ...]
    datasets: tuple[Dataset, ...]
    experiments: tuple[
        str, ...
    ] = ()  # the published tables and figures that the parts are; none: a free sweep
    allowed_leaks: tuple[Leak, ...] = ()  # that were found and are to be run on; noted with the run

    @property
    def xis(self) -> list[str]:
        """Every ξ of any part, ascending."""
        return sorted({xi for part in self.parts for xi in part.xis}, key=Decimal)

    @property
    def noises(self) -> list[str]:
        """Every injected noise of any part, as it stands in the records."""
        return list(dict.fromkeys(noise.name for part in self.parts for noise in part.noises))

    @property
    def contestants(self) -> list[Contestant]:
        """Every contestant of any part, each once."""
        every = [one for part in self.parts for one in (*part.students, *part.supervised)]
        return [one for place, one in enumerate(every) if one not in every[:place]]

    def description(self) -> dict[str, Any]:
        """Everything that was asked for, as plain JSON."""
        named: dict[str, Any] = {"experiments": list(self.experiments)} if self.experiments else {}
        named |= {"noise": self.noises} if self.noises else {}
        named |= {"references": "methods"} if any(part.labelled_only for part in self.parts) else {}
        if self.allowed_leaks:
            named["leaks"] = [leak.describe() for leak in self.allowed_leaks]
        return named | {
            "recipe": plain(self.recipe),
            "methods": [one.describe() for one in self.contestants],
            "xi": self.xis,
            "seeds": list(self.seeds),
            "datasets": [dataset.id for dataset in self.datasets],
        }

    @property
    def run(self) -> str:
        """The name of the request: the same command is the same run, so going on is running it again."""
        text = json.dumps(self.description(), sort_keys=True)
        return f"{self.recipe.name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def other_shares(self) -> dict[str, list[str]]:
        """Data set -> a phrase for each ξ that is another ξ on it."""
        found: dict[str, list[str]] = {}
        for dataset in self.datasets:
            drawn = dataset.drawn(0)
            parts = [part for part in self.parts if part.benchmark in (None, dataset.benchmark)]
            said = [phrase for part in parts for phrase in other_shares(part.xis, len(drawn.train))]
            if said:
                found[dataset.name] = list(dict.fromkeys(said))
        return found

    def splits(self) -> Iterator[tuple[Dataset, int | None]]:
        """Each data set with the test cases of each split, and the seed that they were drawn by, if any."""
        for dataset in self.datasets:
            cells = [Cell.of(self.recipe, dataset, seed) for seed in self.seeds]
            drawn = {cell.split_seed: cell.dataset for cell in cells}
            if dataset.test_by_seed:
                yield from ((one, seed) for seed, one in drawn.items())
            else:
                yield dataset, None

    def leaks(self) -> tuple[Leak, ...]:
        """The test cases that are copies of training cases, for each split that has any."""
        found = (leak_of(dataset, seed) for dataset, seed in self.splits())
        return tuple(leak for leak in found if leak)

    def doubtful(self) -> list[str]:
        """What the splits do to the scores that is worth knowing and no error, a sentence each."""
        return [sentence for split in self.splits() for sentence in doubtful(*split)]

    def unfit(self) -> list[tuple[str, str, str]]:
        """Data set, method and reason wherever a method cannot be trained on what it is asked for."""
        found = {
            (dataset.name, method): why
            for dataset in self.datasets
            for part in self.parts
            if part.benchmark in (None, dataset.benchmark)
            for method, why in unfit(Cell.of(self.recipe, dataset, self.seeds[0]), part).items()
        }
        return [(dataset, method, why) for (dataset, method), why in found.items()]

    def stages(self) -> list[Stage]:
        """All stages, inputs before what reads them."""
        targets: list[Stage] = []
        for dataset in self.datasets:
            for seed in self.seeds:
                cell = Cell.of(self.recipe, dataset, seed)
                for part in self.parts:
                    if part.benchmark in (None, dataset.benchmark):
                        targets += scores_of(cell, part)
        return in_order(targets)


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


def title(one: Stage) -> str:
    """A stage in a reader's words."""
    settings = json.loads(one.settings)
    if one.kind in ("scores", "doubts"):
        who = settings["identity"]
        name = " ".join(str(who[part]) for part in ("role", "method", "variant", "member") if who[part])
        under = "" if who["noise"] == "none" else f", {who['noise']}"
        return f"{one.kind} of {name}, ξ {who['xi']}{under}, seed {who['seed']}"
    below = dict(one.inputs)
    if one.kind != "split" and not {"split", "teacher01"} & set(below):
        return one.key  # what it came from is not in the store any more
    if one.kind in ("pseudo", "ensemble"):
        name = _voters(settings) if one.kind == "pseudo" else "averaged teachers"
        return title(below["teacher01"]).replace(f"teacher {settings['members'][0]['member']}", name)
    split = settings if one.kind == "split" else json.loads(below["split"].settings)
    manual = len(split["manual"])
    who = {
        "teacher": f"teacher {settings.get('member')}",
        "split": "split",
        "noise": f"noise {settings.get('kind')}:{settings.get('rate')}",
        "judge": f"judge of {len(settings.get('judged', ()))} labels",
    }.get(one.kind)
    name = who or settings["method"]["name"]
    alone = one.kind == "student" and bool(split["pseudo"]) and "pseudo" not in below
    name = f"{name} on manual labels alone" if alone else name
    return (
        f"{name}, {manual} of {manual + len(split['pseudo'])} manual{_under(below)}, seed {settings['seed']}"
    )


def _under(below: Mapping[str, Stage]) -> str:
    """The injected noise that a stage learns from; nothing where there is none."""
    instead = below.get("pseudo")
    if instead is None or instead.kind != "noise":
        return ""
    settings = json.loads(instead.settings)
    return f", {settings['kind']}:{settings['rate']}"


def _voters(settings: Mapping[str, Any]) -> str:
    """Pseudo labels by those who made them."""
    members, views = settings["members"], settings["distillation"]["views"]
    alone = f" of teacher {members[0]['member']}" if len(members) == 1 else ""
    return f"pseudo labels{alone}" + (" through one view" if views == "identity" else "")
