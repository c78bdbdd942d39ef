"""What is compared -> the graph of stages: data sets x seeds x ξ x methods, sharing all that is equal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from bench.data.copies import doubtful, leak_of
from bench.data.split import other_shares
from bench.plan.expand import scores_of, unfit
from bench.plan.stage_builder import Cell
from bench.settings.serialise import plain
from bench.store.stage import Stage, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.data.copies import Leak
    from bench.data.dataset import Dataset
    from bench.plan.experiments import Contestant, Part
    from bench.plan.recipes import Recipe


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

    def description(self) -> dict[str, object]:
        """Everything that was asked for, as plain JSON."""
        named: dict[str, object] = {"experiments": list(self.experiments)} if self.experiments else {}
        named |= {"noise": self.noises} if self.noises else {}
        named |= {"references": "methods"} if any(part.labelled_only for part in self.parts) else {}
        if self.allowed_leaks:
            named["leaks"] = [plain(leak.note) for leak in self.allowed_leaks]
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
