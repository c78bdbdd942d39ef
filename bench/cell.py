"""One data set and one seed -> each stage that can be made of them, by what it depends on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.split import manual_cases, quota
from bench.graph import Stage, stage
from bench.plain import plain
from bench.plugins.contestants import origin_of
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Revises

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import Dataset
    from bench.recipes import Recipe
    from methods.interface import Method
    from tsman.settings import DistillationSettings

SUPERVISED = "1.0"
"""ξ where every training case keeps its manual label."""
TEACHER = DenseVoxNetMethod(networks=1)
"""What every teacher is trained by."""


class Way(NamedTuple):
    """A way to make pseudo labels: which teachers vote, through which views."""

    members: tuple[int, ...]
    distillation: DistillationSettings

    @property
    def name(self) -> str:
        """P's names: ``single``, ``md`` (several models), ``dd`` (several views), ``hd`` (both)."""
        many_views, many_teachers = self.distillation.views != "identity", len(self.members) > 1
        return {(0, 0): "single", (0, 1): "md", (1, 0): "dd", (1, 1): "hd"}[many_views, many_teachers]


@dataclass(frozen=True)  # no slots: what all its stages share is worked out once and kept
class Cell:
    """One data set and one seed."""

    recipe: Recipe
    dataset: Dataset
    seed: int
    _plain_of: dict[int, tuple[Any, dict[str, Any]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _manual_at: dict[str, tuple[str, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @staticmethod
    def of(recipe: Recipe, dataset: Dataset, seed: int) -> Cell:
        """The cell with the data set's test cases drawn by the seed of the split, where they are drawn."""
        cell = Cell(recipe, dataset, seed)
        return replace(cell, dataset=dataset.drawn(cell._split_seed))

    def _plain(self, settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any of our settings objects
        """Plain data of settings, taken once; shared by stages, so never to be changed."""
        # By identity, and the object is kept so that its id stays its own: equal settings may hold 1 and 1.0.
        if id(settings) not in self._plain_of:
            self._plain_of[id(settings)] = (settings, plain(settings))
        return self._plain_of[id(settings)][1]

    @cached_property
    def classes(self) -> dict[str, int]:
        """What the shape of every network depends on."""
        return {"channels": len(self.dataset.channels), "classes": len(self.dataset.structures) + 1}

    @property
    def _split_seed(self) -> int:
        return self.seed if self.recipe.split.seed is None else self.recipe.split.seed

    @cached_property
    def _place(self) -> tuple[str, str]:
        return self.dataset.name, self.dataset.id

    @cached_property
    def _measured(self) -> dict[str, Any]:
        """What is measured, and how."""
        background = {"background": True} if self.dataset.background_scored else {}
        return background | {
            "metrics": self._plain(self.recipe.metrics),
            "compute": self._plain(self.recipe.compute),
            "structures": list(self.dataset.structures),
        }

    def manual(self, xi: str) -> tuple[str, ...]:
        """The training cases that keep their manual label at this ξ, sorted."""
        if xi not in self._manual_at:
            drawn = manual_cases(self.dataset.train, xi, dataset=self.dataset.name, seed=self._split_seed)
            self._manual_at[xi] = drawn
        return self._manual_at[xi]

    def _withheld(self, xi: str) -> list[str]:
        """The training cases whose manual label nobody may learn from at this ξ, sorted."""
        return sorted(set(self.dataset.train) - set(self.manual(xi)))

    def _images(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].image_print for case in cases}

    def _labels(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].label_print for case in cases}

    def identity(self, xi: str) -> dict[str, Any]:
        """What every record of this cell at this ξ says of itself, still without role and method."""
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

    def split(self, xi: str) -> Stage:
        """Who is who at this ξ."""
        manual = self.manual(xi)
        # ξ itself is left out: shares that keep the same scans are the same split, with the same teachers.
        settings = {
            "seed": self._split_seed,
            "manual": list(manual),
            "pseudo": self._withheld(xi),
            "test": list(self.dataset.test),
        }
        return stage("split", settings, dataset=self._place, images={}, labels={}, inputs={})

    def _training(self, method: Method, steps: int) -> dict[str, Any]:
        named = {"name": method.name, "version": method.version, "settings": self._plain(method)}
        settings = {
            "method": named | origin_of(method),
            "stream": self._plain(self.recipe.stream),
            "sampling": self._plain(self.recipe.sampling),
            "optimiser": self._plain(self.recipe.optimiser),
            "steps": steps,
            "seed": self.seed,
            "compute": self._plain(self.recipe.compute),
            **self.classes,
        }
        return settings | self._inference() if isinstance(method, Revises) else settings

    def _inference(self) -> dict[str, Any]:
        return {"inference": self._plain(self.recipe.inference), "patch": list(self.recipe.sampling.patch)}

    def teacher(self, split: Stage, xi: str, member: int) -> Stage:
        """One DenseVoxNet that sees the manual cases alone; members count from 0."""
        settings = self._training(TEACHER, self.recipe.teachers.steps[member])
        manual = self.manual(xi)
        return stage(
            "teacher",
            {**settings, "member": member + 1},
            dataset=self._place,
            images=self._images(manual),
            labels=self._labels(manual),
            inputs={"split": split},
        )

    def pseudo(self, xi: str, teachers: Sequence[Stage], way: Way) -> Stage:
        """Labels for the cases without a manual one, by some of the teachers."""
        chosen = [teachers[member] for member in way.members]
        settings = {
            "members": [json.loads(teacher.settings) for teacher in chosen],
            "distillation": self._plain(way.distillation),
            "compute": self._plain(self.recipe.compute),
            **self.classes,
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

    def student(self, method: Method, split: Stage, pseudo: Stage | None, manual: Sequence[str]) -> Stage:
        """A contestant on manual and pseudo labels; without pseudo labels on all manual ones."""
        return stage(
            "student",
            self._training(method, self.recipe.student.steps),
            dataset=self._place,
            images=self._images(self.dataset.train),
            labels=self._labels(manual),
            inputs={"split": split} | ({"pseudo": pseudo} if pseudo else {}),
        )

    def scores(self, trained: Stage, identity: Mapping[str, Any]) -> Stage:
        """A trained stage on the test cases."""
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

    def pseudo_scores(self, pseudo: Stage, xi: str, way: Way) -> Stage:
        """Pseudo labels against the truth that was withheld."""
        settings = {
            "identity": {
                **self.identity(xi),
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
