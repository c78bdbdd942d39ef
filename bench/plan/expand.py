"""A part of a plan on one cell -> all scores that it asks for, sharing every stage that is equal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.plan.budget import steps_within
from bench.plan.stage_builder import SUPERVISED, Cell
from bench.plan.training_labels import Mix, Way
from bench.settings.stage_specs import ScoresSpec
from methods.registry import why_unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plan.experiments import Contestant, Noise, Part
    from bench.settings.stage_specs import Identity
    from bench.store.stage import Stage


def scores_of(cell: Cell, part: Part) -> list[Stage]:
    """All scores of a part, of the contestants that fit the data; each different training once."""
    scores, unfit_ones = [], unfit(cell, part)
    students = [one for one in part.students if one.method.name not in unfit_ones]
    for xi in cell.different(part.xis):
        for noise in part.noises:
            scores += with_noise(cell, xi, noise, students)
        if not part.noises:
            scores += at(cell, xi, students, every_distillation=part.distillations)
        if part.labelled_only:
            noises: Sequence[Noise | None] = part.noises or (None,)
            scores += [one for noise in noises for one in alone(cell, xi, students, noise)]
    return scores + supervised(cell, [one for one in part.supervised if one.method.name not in unfit_ones])


def unfit(cell: Cell, part: Part) -> dict[str, str]:
    """The methods of a part that cannot be trained on the data, and why."""
    asked = [one.method for one in (*part.students, *part.supervised)]
    why = {one.name: why_unfit(one, cell.specs.channels, cell.specs.classes) for one in asked}
    return {name: reason for name, reason in why.items() if reason}


def at(
    cell: Cell, xi: str, contestants: Sequence[Contestant], *, every_distillation: bool = False
) -> list[Stage]:
    """All scores at one ξ < 1: pseudo labels, teachers, students."""
    split = cell.split(xi)
    teachers = cell.teachers(split, xi)
    scores = distillations(cell, xi, teachers) if every_distillation else []
    whole = Way(tuple(range(len(teachers))), cell.recipe.distillation)
    pseudo = cell.pseudo(xi, teachers, whole)
    scores.append(cell.pseudo_scores(pseudo, xi, whole))
    identity = cell.identity(xi)
    for member, teacher in enumerate(teachers):
        own = replace(identity, role="teacher", method="densevoxnet", member=str(member + 1))
        scores.append(cell.scores(teacher, own))
    scores.append(labelled_only(cell, teachers, identity))
    mix = Mix(split, cell.manual(xi), pseudo, teachers=teachers)
    return scores + _students(cell, mix, replace(identity, role="student"), contestants)


def labelled_only(cell: Cell, teachers: Sequence[Stage], identity: Identity) -> Stage:
    """The reference of every student: what the manual cases of this ξ give alone, the averaged teachers."""
    own = replace(identity, role="labelled-only", method="teachers")
    return cell.scores(cell.ensemble(teachers), own)


def alone(cell: Cell, xi: str, contestants: Sequence[Contestant], noise: Noise | None) -> list[Stage]:
    """Every contestant on the manual cases of a ξ alone, a reference beside the teachers.

    Args:
        cell: Data set and seed.
        xi: The share of manual labels.
        contestants: Who is trained.
        noise: Under what injected noise the scores are a reference; none of it is in the training.
    """
    split = cell.split(xi)
    mix = Mix(split, cell.manual(xi), teachers=cell.teachers(split, xi), manual_only=True)
    return _students(cell, mix, replace(cell.identity(xi, noise), role="labelled-only"), contestants)


def with_noise(cell: Cell, xi: str, noise: Noise, contestants: Sequence[Contestant]) -> list[Stage]:
    """All scores at one ξ < 1 under injected noise, where the truth of every label is known.

    So it can be asked of every student which labels it doubted. Teachers are trained for the reference
    alone: no label is theirs.
    """
    noisy, split = cell.noise(xi, noise), cell.split(xi)
    teachers = cell.teachers(split, xi)
    mix = Mix(split, cell.manual(xi), noisy, noise, teachers)
    students = _students(cell, mix, replace(cell.identity(xi, noise), role="student"), contestants)
    reference = labelled_only(cell, teachers, cell.identity(xi, noise))
    doubts = [cell.doubts(_of(one), noisy, one.spec_as(ScoresSpec).identity) for one in students]
    return [cell.noise_scores(noisy, xi, noise), reference, *students, *doubts]


def _of(scores: Stage) -> Stage:
    """What a scores stage scores."""
    return dict(scores.inputs)["of"]


def _students(cell: Cell, mix: Mix, identity: Identity, contestants: Sequence[Contestant]) -> list[Stage]:
    scores = []
    for method, variant in contestants:
        student = cell.student(method, mix, steps_within(cell, method, mix))
        scores.append(cell.scores(student, replace(identity, method=method.name, variant=variant)))
    return scores


def supervised(cell: Cell, contestants: Sequence[Contestant]) -> list[Stage]:
    """The fully supervised reference of every contestant, whose teachers saw all manual labels."""
    split = cell.split(SUPERVISED)
    mix = Mix(split, cell.dataset.train, teachers=cell.teachers(split, SUPERVISED))
    return _students(cell, mix, replace(cell.identity(SUPERVISED), role="supervised"), contestants)


def distillations(cell: Cell, xi: str, teachers: Sequence[Stage]) -> list[Stage]:
    """P's Table 1: each teacher alone and all together, through one view and through all of them."""
    members = range(len(teachers))
    one_view = replace(cell.recipe.distillation, views="identity")
    ways = [
        Way(chosen, distillation)
        for distillation in dict.fromkeys((one_view, cell.recipe.distillation))
        for chosen in dict.fromkeys([*((member,) for member in members), tuple(members)])
    ]
    return [cell.pseudo_scores(cell.pseudo(xi, teachers, way), xi, way) for way in ways]
