"""One data set and one seed -> each stage that can be made of them, by what it depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.data.split import dealt, first_of_each, manual_cases, realised
from bench.plan.shared_specs import SharedSpecs
from bench.plan.start import beginning
from bench.settings.stage_specs import (
    DoubtsSpec,
    EnsembleSpec,
    Identity,
    JudgeSpec,
    LabelScoresSpec,
    PseudoLabelsSpec,
    ScoresSpec,
    SplitSpec,
    StudentSpec,
    TeacherSpec,
    TrainingSpec,
    serialise,
)
from bench.store.stage import Stage, stage
from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import Studies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import Dataset
    from bench.plan.experiments import Noise
    from bench.plan.recipes import Recipe
    from bench.plan.start import Beginning
    from bench.plan.training_labels import Mix, Way
    from bench.settings.stage_specs import StageSpec
    from methods.interface import Method

SUPERVISED = "1.0"
"""ξ where every training case keeps its manual label."""
TEACHER = DenseVoxNetMethod(networks=1)
"""What every teacher is trained by, and every judge."""
MILESTONES = (25, 50, 75)
"""Per cent of a training after which the weights are kept where the truth of its noise is known."""
BAND_MM = 3.0
"""How far from a boundary of the clean label its band reaches, for doubts."""


@dataclass(frozen=True)  # no slots: what all its stages share is worked out once and kept
class Cell:
    """One data set and one seed."""

    recipe: Recipe
    dataset: Dataset
    seed: int
    _manual_at: dict[str, tuple[str, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @staticmethod
    def of(recipe: Recipe, dataset: Dataset, seed: int) -> Cell:
        """The cell with the data set's test cases drawn by the seed of the split, where they are drawn."""
        cell = Cell(recipe, dataset, seed)
        return replace(cell, dataset=dataset.drawn(cell.split_seed))

    @cached_property
    def specs(self) -> SharedSpecs:
        """The parts of specifications that stages have in common."""
        return SharedSpecs(self.recipe, self.dataset, self.seed)

    @cached_property
    def _place(self) -> tuple[str, str]:
        """The name of the data set and its id, which takes a while to make."""
        return self.dataset.name, self.dataset.id

    @property
    def split_seed(self) -> int:
        """What the split is drawn by, and the test cases where they are drawn."""
        return self.seed if self.recipe.split.seed is None else self.recipe.split.seed

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

    def identity(self, xi: str, noise: Noise | None = None) -> Identity:
        """What every record of this cell at this ξ says of itself, still without role and method."""
        share = realised(xi, len(self.dataset.train))
        return Identity(
            dataset=self.dataset.name,
            xi=xi,
            xi_realised=SUPERVISED if share == 1 else format(share, "f"),
            seed=self.seed,
            split=self.split_seed,
            noise=noise.name if noise else "none",
            recipe=self.recipe.name,
        )

    def _stage(
        self, spec: StageSpec, inputs: Mapping[str, Stage], *, images: Sequence[str], labels: Sequence[str]
    ) -> Stage:
        """A stage that may read the images and the labels of these cases."""
        cases = self.dataset.cases
        made = stage(
            spec.stage_kind,
            serialise(spec, self.specs.shared),
            dataset=self._place,
            images={case: cases[case].image_print for case in images},
            labels={case: cases[case].label_print for case in labels},
            inputs=inputs,
        )
        return replace(made, planned=spec)

    def split(self, xi: str) -> Stage:
        """Who is who at this ξ."""
        # ξ itself is left out: shares that keep the same scans are the same split, with the same teachers.
        spec = SplitSpec(
            seed=self.split_seed,
            manual=self.manual(xi),
            pseudo=tuple(self._withheld(xi)),
            test=tuple(self.dataset.test),
        )
        return self._stage(spec, {}, images=(), labels=())

    def teacher(self, split: Stage, xi: str, member: int) -> Stage:
        """One DenseVoxNet that sees the manual cases alone; members count from 0."""
        training = self.specs.training(TeacherSpec, TEACHER, self.recipe.teachers.steps[member])
        manual = self.manual(xi)
        return self._stage(training(member=member + 1), {"split": split}, images=manual, labels=manual)

    def teachers(self, split: Stage, xi: str) -> tuple[Stage, ...]:
        """All teachers of a ξ, those of the fewest steps first where the recipe names them so."""
        return tuple(self.teacher(split, xi, member) for member in range(len(self.recipe.teachers.steps)))

    def ensemble(self, teachers: Sequence[Stage]) -> Stage:
        """All teachers as one trained stage, whose predictions are the mean of theirs; nothing is trained."""
        training = self.specs.training(EnsembleSpec, replace(TEACHER, networks=len(teachers)), 0)
        spec = training(members=tuple(teacher.spec_as(TeacherSpec) for teacher in teachers))
        return self._stage(spec, numbered("teacher", teachers), images=(), labels=())

    def pseudo(self, xi: str, teachers: Sequence[Stage], way: Way) -> Stage:
        """Labels for the cases without a manual one, by some of the teachers."""
        chosen = [teachers[member] for member in way.members]
        spec = PseudoLabelsSpec(
            members=tuple(teacher.spec_as(TeacherSpec) for teacher in chosen),
            distillation=way.distillation,
            compute=self.recipe.compute,
            channels=self.specs.channels,
            classes=self.specs.classes,
            inference=self.recipe.inference,
            patch=self.recipe.sampling.patch,
        )
        return self._stage(spec, numbered("teacher", chosen), images=self._withheld(xi), labels=())

    def noise(self, xi: str, noise: Noise) -> Stage:
        """Labels for the cases without a manual one: their own, with noise of a known kind and rate."""
        spec = self.specs.noisy_labels(noise, self.split_seed)
        return self._stage(spec, {"split": self.split(xi)}, images=(), labels=self._withheld(xi))

    def judges(self, mix: Mix, count: int) -> list[Stage]:
        """Networks that say what they think of the labels which they were not trained on.

        Manual cases and others are dealt to them alike, in an order of the split's seed.
        """
        training = self.specs.training(JudgeSpec, TEACHER, self.recipe.teachers.steps[0])
        train, made = self.dataset.train, []
        for part in dealt(train, mix.manual, count, dataset=self.dataset.name, seed=self.split_seed):
            seen = [case for case in train if case not in part]
            manual = [case for case in seen if case in mix.manual]
            made.append(self._stage(training(judged=tuple(part)), mix.inputs, images=seen, labels=manual))
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
        count = method.judges if isinstance(method, Studies) else 0
        judges = self.judges(mix, count) if count else []
        spec = self.specs.training(StudentSpec, method, steps, optimiser)(
            streams=self._streams(mix),
            start=tuple(teacher.spec_as(TeacherSpec) for teacher in begun.teachers),
            judges=tuple(judge.spec_as(JudgeSpec) for judge in judges),
            milestones=MILESTONES if mix.noise else (),
        )
        inputs = mix.inputs | numbered("start", begun.teachers) | numbered("judge", judges)
        return self._stage(spec, inputs, images=self._seen(mix), labels=mix.manual)

    def _seen(self, mix: Mix) -> tuple[str, ...]:
        """The cases that a student is trained on."""
        return mix.manual if mix.manual_only else self.dataset.train

    def _streams(self, mix: Mix) -> str:
        """The name of the common streams of students; empty if each has streams of its own."""
        if self.recipe.seeding == "independent":
            return ""
        # By what a training sees: nothing of test cases or withheld labels, which the data set's id holds.
        below = {name: one.key for name, one in mix.inputs.items()}
        seen = {case: self.dataset.cases[case].image_print for case in self._seen(mix)}
        named = json.dumps([self.dataset.name, self.seed, below, seen])
        return hashlib.sha256(named.encode()).hexdigest()[:20]

    def scores(self, trained: Stage, identity: Identity) -> Stage:
        """A trained stage on the test cases."""
        spec = self.specs.measured(ScoresSpec, identity)(
            trained=trained.spec_as(TrainingSpec),
            cleaning=self.recipe.cleaning.resolved(single_pieces=self.dataset.pieces == "single"),
            inference=self.recipe.inference,
            patch=self.recipe.sampling.patch,
        )
        return self._stage(spec, {"of": trained}, images=self.dataset.test, labels=self.dataset.test)

    def pseudo_scores(self, pseudo: Stage, xi: str, way: Way) -> Stage:
        """Pseudo labels against the truth that was withheld."""
        own = replace(self.identity(xi), method="distillation", variant=way.name, member=way.member)
        return self._label_scores(pseudo, xi, own)

    def noise_scores(self, noisy: Stage, xi: str, noise: Noise) -> Stage:
        """Labels with injected noise against the clean ones."""
        own = replace(self.identity(xi, noise), method="noise", variant=noise.kind)
        return self._label_scores(noisy, xi, own)

    def _label_scores(self, labels: Stage, xi: str, identity: Identity) -> Stage:
        spec = self.specs.measured(LabelScoresSpec, replace(identity, role="pseudo"))()
        return self._stage(spec, {"of": labels}, images=(), labels=self._withheld(xi))

    def doubts(self, student: Stage, noise: Stage, identity: Identity) -> Stage:
        """What a student doubts of the labels that a stage gave the cases whose truth was withheld."""
        withheld = sorted(dict(student.images).keys() - dict(student.labels))
        spec = DoubtsSpec(
            identity=identity,
            trained=student.spec_as(StudentSpec),
            milestones=MILESTONES,
            band_mm=BAND_MM,
            compute=self.recipe.compute,
            structures=tuple(self.dataset.structures),
            inference=self.recipe.inference,
            patch=self.recipe.sampling.patch,
        )
        return self._stage(spec, {"of": student, "noise": noise}, images=withheld, labels=withheld)


def numbered(prefix: str, stages: Sequence[Stage]) -> dict[str, Stage]:
    """Several inputs of one kind by name, counted from 01."""
    return {f"{prefix}{number:02d}": one for number, one in enumerate(stages, start=1)}
