"""What is compared -> the graph of stages: data sets x seeds x ξ x methods, sharing all that is equal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.data.split import manual_cases, quota
from bench.graph import Stage, in_order, stage
from bench.settings import build, merged, plain
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Revises
from methods.registry import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.datasets import Dataset
    from bench.recipes import Recipe
    from methods.interface import Method

SUPERVISED = "1.0"


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
                cell = _Cell(self.recipe, dataset, seed)
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


@dataclass(frozen=True, slots=True)
class _Cell:
    """One data set and one seed."""

    recipe: Recipe
    dataset: Dataset
    seed: int

    def at(self, xi: str, methods: Sequence[Method]) -> list[Stage]:
        """All scores at one ξ < 1."""
        split = self._split(xi)
        teachers = [self._teacher(split, xi, member) for member in range(len(self.recipe.teachers.steps))]
        pseudo = self._pseudo(xi, teachers)
        identity = self._identity(xi)
        scores = [
            self._pseudo_scores(
                pseudo, xi, {**identity, "role": "pseudo", "method": "distillation", "variant": "hd"}
            )
        ]
        for member, teacher in enumerate(teachers):
            own = {**identity, "role": "teacher", "method": "densevoxnet", "member": str(member + 1)}
            scores.append(self._scores(teacher, own))
        for method in methods:
            student = self._student(method, split, pseudo, self._manual(xi))
            scores.append(self._scores(student, {**identity, "role": "student", "method": method.name}))
        return scores

    def supervised(self, methods: Sequence[Method]) -> list[Stage]:
        """The fully supervised reference of every method."""
        split = self._split(SUPERVISED)
        identity = {**self._identity(SUPERVISED), "role": "supervised"}
        return [
            self._scores(
                self._student(method, split, None, self.dataset.train), {**identity, "method": method.name}
            )
            for method in methods
        ]

    @property
    def _split_seed(self) -> int:
        return self.seed if self.recipe.split.seed is None else self.recipe.split.seed

    @property
    def _place(self) -> tuple[str, str]:
        return self.dataset.name, self.dataset.id

    def _manual(self, xi: str) -> tuple[str, ...]:
        return manual_cases(self.dataset.train, xi, dataset=self.dataset.name, seed=self._split_seed)

    def _images(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].image_print for case in cases}

    def _labels(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].label_print for case in cases}

    def _identity(self, xi: str) -> dict[str, Any]:
        manual = quota(xi, len(self.dataset.train))
        realised = round(Decimal(manual) / len(self.dataset.train), 4).normalize()
        return {
            "dataset": self.dataset.name,
            "method": "",
            "xi": xi,
            "xi_realised": SUPERVISED if realised == 1 else format(realised, "f"),
            "seed": self.seed,
            "split": self._split_seed,
            "role": "",
            "member": "",
            "variant": "",
            "noise": "none",
            "recipe": self.recipe.name,
        }

    def _split(self, xi: str) -> Stage:
        manual = self._manual(xi)
        settings = {
            "xi": xi,
            "seed": self._split_seed,
            "manual": list(manual),
            "pseudo": sorted(set(self.dataset.train) - set(manual)),
            "test": list(self.dataset.test),
        }
        return stage("split", settings, dataset=self._place, images={}, labels={}, inputs={})

    def _training(self, method: Method, steps: int) -> dict[str, Any]:
        settings = {
            "method": {"name": method.name, "version": method.version, "settings": plain(method)},
            "stream": plain(self.recipe.stream),
            "sampling": plain(self.recipe.sampling),
            "optimiser": plain(self.recipe.optimiser),
            "steps": steps,
            "seed": self.seed,
            "compute": plain(self.recipe.compute),
        }
        return settings | self._inference() if isinstance(method, Revises) else settings

    def _inference(self) -> dict[str, Any]:
        return {"inference": plain(self.recipe.inference), "patch": list(self.recipe.sampling.patch)}

    def _teacher(self, split: Stage, xi: str, member: int) -> Stage:
        settings = self._training(DenseVoxNetMethod(networks=1), self.recipe.teachers.steps[member])
        manual = self._manual(xi)
        return stage(
            "teacher",
            {**settings, "member": member + 1},
            dataset=self._place,
            images=self._images(manual),
            labels=self._labels(manual),
            inputs={"split": split},
        )

    def _pseudo(self, xi: str, teachers: Sequence[Stage]) -> Stage:
        settings = {
            "members": [json.loads(teacher.settings) for teacher in teachers],
            "distillation": plain(self.recipe.distillation),
            "compute": plain(self.recipe.compute),
            **self._inference(),
        }
        withheld = sorted(set(self.dataset.train) - set(self._manual(xi)))
        return stage(
            "pseudo",
            settings,
            dataset=self._place,
            images=self._images(withheld),
            labels={},
            inputs={f"teacher{place:02d}": teacher for place, teacher in enumerate(teachers, start=1)},
        )

    def _student(self, method: Method, split: Stage, pseudo: Stage | None, manual: Sequence[str]) -> Stage:
        return stage(
            "student",
            self._training(method, self.recipe.student.steps),
            dataset=self._place,
            images=self._images(self.dataset.train),
            labels=self._labels(manual),
            inputs={"split": split} | ({"pseudo": pseudo} if pseudo else {}),
        )

    def _scores(self, trained: Stage, identity: Mapping[str, Any]) -> Stage:
        settings = {
            "identity": dict(identity),
            "trained": json.loads(trained.settings),
            "metrics": plain(self.recipe.metrics),
            "cleaning": plain(self.recipe.cleaning),
            "compute": plain(self.recipe.compute),
            "structures": list(self.dataset.structures),
            **self._inference(),
        }
        test = self.dataset.test
        return stage(
            "scores",
            settings,
            dataset=self._place,
            images=self._images(test),
            labels=self._labels(test),
            inputs={"of": trained},
        )

    def _pseudo_scores(self, pseudo: Stage, xi: str, identity: Mapping[str, Any]) -> Stage:
        settings = {
            "identity": dict(identity),
            "metrics": plain(self.recipe.metrics),
            "compute": plain(self.recipe.compute),
            "structures": list(self.dataset.structures),
        }
        withheld = sorted(set(self.dataset.train) - set(self._manual(xi)))
        return stage(
            "scores",
            settings,
            dataset=self._place,
            images={},
            labels=self._labels(withheld),
            inputs={"of": pseudo},
        )


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
    who = {"teacher": f"teacher {settings.get('member')}", "split": "split"}.get(one.kind)
    return f"{who or settings['method']['name']}, ξ {split['xi']}, seed {settings['seed']}"
