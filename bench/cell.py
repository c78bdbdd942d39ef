"""One data set and one seed -> the stages of all methods at a ξ, sharing all that is equal."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.split import manual_cases, quota
from bench.graph import Stage, stage
from bench.plain import plain
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Revises
from methods.registry import why_unfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import Dataset
    from bench.experiments import Contestant, Part
    from bench.recipes import Recipe
    from methods.interface import Method
    from tsman.settings import DistillationSettings

SUPERVISED = "1.0"


class Way(NamedTuple):
    """A way to make pseudo labels: which teachers vote, through which views."""

    members: tuple[int, ...]
    distillation: DistillationSettings

    @property
    def name(self) -> str:
        """P's names: ``single``, ``md`` (several models), ``dd`` (several views), ``hd`` (both)."""
        many_views, many_teachers = self.distillation.views != "identity", len(self.members) > 1
        return {(0, 0): "single", (0, 1): "md", (1, 0): "dd", (1, 1): "hd"}[many_views, many_teachers]


@dataclass(frozen=True, slots=True)
class Cell:
    """One data set and one seed."""

    recipe: Recipe
    dataset: Dataset
    seed: int

    @staticmethod
    def of(recipe: Recipe, dataset: Dataset, seed: int) -> Cell:
        """The cell with the data set's test cases drawn by the seed of the split, where they are drawn."""
        cell = Cell(recipe, dataset, seed)
        return replace(cell, dataset=dataset.drawn(cell._split_seed))

    def all_of(self, part: Part) -> list[Stage]:
        """All scores of a part of the plan, of the contestants that fit the data."""
        scores, unfit = [], self.unfit(part)
        students = [one for one in part.students if one.method.name not in unfit]
        for xi in part.xis:
            scores += self.at(xi, students, every_distillation=part.distillations)
        return scores + self.supervised([one for one in part.supervised if one.method.name not in unfit])

    def unfit(self, part: Part) -> dict[str, str]:
        """The methods of a part that cannot be trained on the data, and why."""
        shape = self._classes
        asked = [one.method for one in (*part.students, *part.supervised)]
        why = {one.name: why_unfit(one, shape["channels"], shape["classes"]) for one in asked}
        return {name: reason for name, reason in why.items() if reason}

    def at(
        self, xi: str, contestants: Sequence[Contestant], *, every_distillation: bool = False
    ) -> list[Stage]:
        """All scores at one ξ < 1."""
        split = self._split(xi)
        teachers = [self._teacher(split, xi, member) for member in range(len(self.recipe.teachers.steps))]
        scores = self._distillations(xi, teachers) if every_distillation else []
        whole = Way(tuple(range(len(teachers))), self.recipe.distillation)
        pseudo = self._pseudo(xi, teachers, whole)
        scores.append(self._pseudo_scores(pseudo, xi, whole))
        identity = self._identity(xi)
        for member, teacher in enumerate(teachers):
            own = {**identity, "role": "teacher", "method": "densevoxnet", "member": str(member + 1)}
            scores.append(self._scores(teacher, own))
        for method, variant in contestants:
            student = self._student(method, split, pseudo, self._manual(xi))
            own = {**identity, "role": "student", "method": method.name, "variant": variant}
            scores.append(self._scores(student, own))
        return scores

    def supervised(self, contestants: Sequence[Contestant]) -> list[Stage]:
        """The fully supervised reference of every contestant."""
        split = self._split(SUPERVISED)
        identity = {**self._identity(SUPERVISED), "role": "supervised"}
        scores = []
        for method, variant in contestants:
            student = self._student(method, split, None, self.dataset.train)
            scores.append(self._scores(student, {**identity, "method": method.name, "variant": variant}))
        return scores

    def _distillations(self, xi: str, teachers: Sequence[Stage]) -> list[Stage]:
        """P's Table 1: each teacher alone and all together, through one view and through all of them."""
        members = range(len(teachers))
        one_view = replace(self.recipe.distillation, views="identity")
        ways = [
            Way(chosen, distillation)
            for distillation in dict.fromkeys((one_view, self.recipe.distillation))
            for chosen in dict.fromkeys([*((member,) for member in members), tuple(members)])
        ]
        return [self._pseudo_scores(self._pseudo(xi, teachers, way), xi, way) for way in ways]

    @property
    def _classes(self) -> dict[str, int]:
        """What the shape of every network depends on."""
        return {"channels": len(self.dataset.channels), "classes": len(self.dataset.structures) + 1}

    @property
    def _split_seed(self) -> int:
        return self.seed if self.recipe.split.seed is None else self.recipe.split.seed

    @property
    def _place(self) -> tuple[str, str]:
        return self.dataset.name, self.dataset.id

    @property
    def _measured(self) -> dict[str, Any]:
        """What is measured, and how."""
        background = {"background": True} if self.dataset.background_scored else {}
        return background | {
            "metrics": plain(self.recipe.metrics),
            "compute": plain(self.recipe.compute),
            "structures": list(self.dataset.structures),
        }

    def _manual(self, xi: str) -> tuple[str, ...]:
        return manual_cases(self.dataset.train, xi, dataset=self.dataset.name, seed=self._split_seed)

    def _withheld(self, xi: str) -> list[str]:
        """The training cases whose manual label nobody may learn from at this ξ, sorted."""
        return sorted(set(self.dataset.train) - set(self._manual(xi)))

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
        # ξ itself is left out: shares that keep the same scans are the same split, with the same teachers.
        settings = {
            "seed": self._split_seed,
            "manual": list(manual),
            "pseudo": self._withheld(xi),
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
            **self._classes,
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

    def _pseudo(self, xi: str, teachers: Sequence[Stage], way: Way) -> Stage:
        chosen = [teachers[member] for member in way.members]
        settings = {
            "members": [json.loads(teacher.settings) for teacher in chosen],
            "distillation": plain(way.distillation),
            "compute": plain(self.recipe.compute),
            **self._classes,
            **self._inference(),
        }
        return stage(
            "pseudo",
            settings,
            dataset=self._place,
            images=self._images(self._withheld(xi)),
            labels={},
            inputs={f"teacher{place:02d}": teacher for place, teacher in enumerate(chosen, start=1)},
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
            "cleaning": plain(self.recipe.cleaning.resolved(single_pieces=self.dataset.pieces == "single")),
            **self._measured,
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

    def _pseudo_scores(self, pseudo: Stage, xi: str, way: Way) -> Stage:
        settings = {
            "identity": {
                **self._identity(xi),
                "role": "pseudo",
                "method": "distillation",
                "variant": way.name,
                "member": str(way.members[0] + 1) if len(way.members) == 1 else "",
            },
            **self._measured,
        }
        return stage(
            "scores",
            settings,
            dataset=self._place,
            images={},
            labels=self._labels(self._withheld(xi)),
            inputs={"of": pseudo},
        )
