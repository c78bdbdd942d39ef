"""One data set and one seed -> each stage that can be made of them, by what it depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.split import dealt, first_of_each, manual_cases, realised
from bench.plan.start import beginning
from bench.plugins import metrics
from bench.plugins.methods import origin_of
from bench.plugins.noise import origins, simulator
from bench.settings.serialise import build, plain
from bench.store.stage import Stage, stage
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Revises, Studies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import Dataset
    from bench.plan.experiments import Noise
    from bench.plan.recipes import Recipe
    from bench.plan.start import Beginning
    from bench.settings.schema import Optimiser
    from methods.interface import Method
    from tsman.settings import DistillationSettings

SUPERVISED = "1.0"
"""ξ where every training case keeps its manual label."""
TEACHER = DenseVoxNetMethod(networks=1)
"""What every teacher is trained by, and every judge."""
MILESTONES = (25, 50, 75)
"""Per cent of a training after which the weights are kept where the truth of its noise is known."""
BAND_MM = 3.0
"""How far from a boundary of the clean label its band reaches, for doubts."""


class Mix(NamedTuple):
    """What students are trained on: who is who, and the labels that stand in for the withheld ones."""

    split: Stage
    manual: tuple[str, ...]
    instead: Stage | None = None  # pseudo labels, or noisy ones; None where nothing is withheld
    noise: Noise | None = None
    teachers: tuple[Stage, ...] = ()  # trained on the manual labels, which students may start at
    manual_only: bool = False  # the other cases are left out of the training

    @property
    def inputs(self) -> dict[str, Stage]:
        """As stages read them."""
        return {"split": self.split} | ({"pseudo": self.instead} if self.instead else {})


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
        return replace(cell, dataset=dataset.drawn(cell.split_seed))

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
    def split_seed(self) -> int:
        """What the split is drawn by, and the test cases where they are drawn."""
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
            **metrics.settings_of(self.recipe.metrics.more),
        }

    def different(self, xis: Sequence[str]) -> list[str]:
        """The ξ that are different trainings here, ascending: of those that keep the same scans the first."""
        return list(dict.fromkeys(first_of_each(xis, len(self.dataset.train)).values()))

    def manual(self, xi: str) -> tuple[str, ...]:
        """The training cases that keep their manual label at this ξ, sorted."""
        if xi not in self._manual_at:
            drawn = manual_cases(self.dataset.train, xi, dataset=self.dataset.name, seed=self.split_seed)
            self._manual_at[xi] = drawn
        return self._manual_at[xi]

    def _withheld(self, xi: str) -> list[str]:
        """The training cases whose manual label nobody may learn from at this ξ, sorted."""
        return sorted(set(self.dataset.train) - set(self.manual(xi)))

    def _images(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].image_print for case in cases}

    def _labels(self, cases: Sequence[str]) -> dict[str, str]:
        return {case: self.dataset.cases[case].label_print for case in cases}

    def identity(self, xi: str, noise: Noise | None = None) -> dict[str, Any]:
        """What every record of this cell at this ξ says of itself, still without role and method."""
        share = realised(xi, len(self.dataset.train))
        return {
            "dataset": self.dataset.name,
            "method": "",
            "xi": xi,
            "xi_realised": SUPERVISED if share == 1 else format(share, "f"),
            "seed": self.seed,
            "split": self.split_seed,
            "role": "",
            "member": "",
            "variant": "",
            "noise": noise.name if noise else "none",
            "recipe": self.recipe.name,
        }

    def split(self, xi: str) -> Stage:
        """Who is who at this ξ."""
        manual = self.manual(xi)
        # ξ itself is left out: shares that keep the same scans are the same split, with the same teachers.
        settings = {
            "seed": self.split_seed,
            "manual": list(manual),
            "pseudo": self._withheld(xi),
            "test": list(self.dataset.test),
        }
        return stage("split", settings, dataset=self._place, images={}, labels={}, inputs={})

    def _training(self, method: Method, steps: int, optimiser: Optimiser | None = None) -> dict[str, Any]:
        named = {"name": method.name, "version": method.version, "settings": self._plain(method)}
        settings = {
            "method": named | origin_of(method),
            "stream": self._plain(self.recipe.stream),
            "sampling": self._plain(self.recipe.sampling),
            "optimiser": self._plain(optimiser or self.recipe.optimiser),
            "steps": steps,
            "seed": self.seed,
            "compute": self._plain(self.recipe.compute),
            **self.classes,
        }
        segments = isinstance(method, Revises | Studies)
        return settings | self._inference() if segments else settings

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

    def teachers(self, split: Stage, xi: str) -> tuple[Stage, ...]:
        """All teachers of a ξ, those of the fewest steps first where the recipe names them so."""
        return tuple(self.teacher(split, xi, member) for member in range(len(self.recipe.teachers.steps)))

    def ensemble(self, teachers: Sequence[Stage]) -> Stage:
        """All teachers as one trained stage, whose predictions are the mean of theirs; nothing is trained."""
        settings = {
            **self._training(replace(TEACHER, networks=len(teachers)), 0),
            "members": [json.loads(teacher.settings) for teacher in teachers],
        }
        inputs = {f"teacher{place:02d}": teacher for place, teacher in enumerate(teachers, start=1)}
        return stage("ensemble", settings, dataset=self._place, images={}, labels={}, inputs=inputs)

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

    def noise(self, xi: str, noise: Noise) -> Stage:
        """Labels for the cases without a manual one: their own, with noise of a known kind and rate."""
        withheld = self._withheld(xi)
        settings = {
            "kind": noise.kind,
            "rate": noise.rate,
            "settings": {
                part: plain(build(simulator(part), self.recipe.noise.get(part, {}), f"noise {part}"))
                for part in noise.kind.split("+")
            },
            "seed": self.split_seed,
            "classes": self.classes["classes"],
            "structures": list(self.dataset.structures),
            **origins(noise.kind),
        }
        return stage(
            "noise",
            settings,
            dataset=self._place,
            images={},
            labels=self._labels(withheld),
            inputs={"split": self.split(xi)},
        )

    def judges(self, mix: Mix, count: int) -> list[Stage]:
        """Networks that say what they think of the labels which they were not trained on.

        Manual cases and others are dealt to them alike, in an order of the split's seed.
        """
        parts = dealt(self.dataset.train, mix.manual, count, dataset=self.dataset.name, seed=self.split_seed)
        training = self._training(TEACHER, self.recipe.teachers.steps[0])
        made = []
        for part in parts:
            seen = [case for case in self.dataset.train if case not in part]
            made.append(
                stage(
                    "judge",
                    {**training, "judged": list(part)},
                    dataset=self._place,
                    images=self._images(seen),
                    labels=self._labels([case for case in seen if case in mix.manual]),
                    inputs=mix.inputs,
                )
            )
        return made

    def beginning(self, method: Method, mix: Mix) -> Beginning:
        """The start of a method's student on a mix.

        Raises:
            UsageError: It is to start at teachers and cannot.
        """
        return beginning(method, mix.teachers, self.recipe.student, injected=mix.noise is not None)

    def student(self, method: Method, mix: Mix, steps: int) -> Stage:
        """A contestant on manual labels and those that stand in for the withheld ones."""
        begun = self.beginning(method, mix)
        method, optimiser = begun.method, begun.optimiser(self.recipe.optimiser, self.recipe.student)
        settings = self._training(method, steps, optimiser) | self._streams(mix)
        inputs = dict(mix.inputs)
        if begun.teachers:
            settings["start"] = [json.loads(teacher.settings) for teacher in begun.teachers]
            inputs |= {f"start{place:02d}": one for place, one in enumerate(begun.teachers, start=1)}
        if isinstance(method, Studies) and method.judges:
            judges = self.judges(mix, method.judges)
            settings["judges"] = [json.loads(judge.settings) for judge in judges]
            inputs |= {f"judge{place:02d}": judge for place, judge in enumerate(judges, start=1)}
        if mix.noise:
            settings["milestones"] = list(MILESTONES)
        return stage(
            "student",
            settings,
            dataset=self._place,
            images=self._seen(mix),
            labels=self._labels(mix.manual),
            inputs=inputs,
        )

    def _seen(self, mix: Mix) -> dict[str, str]:
        """The images that a student is trained on, by case."""
        return self._images(mix.manual if mix.manual_only else self.dataset.train)

    def _streams(self, mix: Mix) -> dict[str, str]:
        """The setting that names the common streams of students; empty if each has streams of its own."""
        if self.recipe.seeding == "independent":
            return {}
        # By what a training sees: nothing of test cases or withheld labels, which the data set's id holds.
        below = {name: one.key for name, one in mix.inputs.items()}
        named = [self.dataset.name, self.seed, below, self._seen(mix)]
        return {"streams": hashlib.sha256(json.dumps(named).encode()).hexdigest()[:20]}

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
        own = {
            "method": "distillation",
            "variant": way.name,
            "member": str(way.members[0] + 1) if len(way.members) == 1 else "",
        }
        return self._label_scores(pseudo, xi, self.identity(xi) | own)

    def noise_scores(self, noisy: Stage, xi: str, noise: Noise) -> Stage:
        """Labels with injected noise against the clean ones."""
        own = {"method": "noise", "variant": noise.kind}
        return self._label_scores(noisy, xi, self.identity(xi, noise) | own)

    def _label_scores(self, labels: Stage, xi: str, identity: Mapping[str, Any]) -> Stage:
        return stage(
            "scores",
            {"identity": {**identity, "role": "pseudo"}, **self._measured},
            dataset=self._place,
            images={},
            labels=self._labels(self._withheld(xi)),
            inputs={"of": labels},
        )

    def doubts(self, student: Stage, noise: Stage, identity: Mapping[str, Any]) -> Stage:
        """What a student doubts of the labels that a stage gave the cases whose truth was withheld."""
        withheld = sorted(dict(student.images).keys() - dict(student.labels))
        settings = {
            "identity": dict(identity),
            "trained": json.loads(student.settings),
            "milestones": list(MILESTONES),
            "band_mm": BAND_MM,
            "compute": self._plain(self.recipe.compute),
            "structures": list(self.dataset.structures),
            **self._inference(),
        }
        return stage(
            "doubts",
            settings,
            dataset=self._place,
            images=self._images(withheld),
            labels=self._labels(withheld),
            inputs={"of": student, "noise": noise},
        )
