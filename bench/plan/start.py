"""The teachers that a student starts at, and what follows for its method's settings, learning rate and steps.

The paper calls the training on the mix a "retraining" and shows predictions "before and after retraining"
(Figure 5), which a start at trained teachers follows; a fresh initialisation is the other reading
(docs/decisions/0040).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import UsageError
from methods.interface import DependsOnStart, StartsAtTeachers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.settings.schema import Optimiser, Student
    from bench.store.stage import Stage
    from methods.interface import Method, Start


class Beginning(NamedTuple):
    """The teachers that a student starts at, and its method with the settings that follow from it."""

    method: Method
    teachers: tuple[Stage, ...]  # one for each network, in the order of its streams; none: fresh weights

    def optimiser(self, common: Optimiser, student: Student) -> Optimiser:
        """The optimiser of the student: with the learning rates of a start at teachers, where set."""
        names = ("learning_rate", "matrix_learning_rate")
        rates = {name: rate for name in names if (rate := getattr(student, name)) is not None}
        return replace(common, **rates) if self.teachers else common

    def extra_steps(self, student: Student, teacher_steps: Sequence[int]) -> int:
        """The steps beyond ``student.steps``: those of a teacher, where others start at one and it cannot."""
        return teacher_steps[-1] if student.start == "auto" and not self.teachers else 0


def beginning(method: Method, teachers: Sequence[Stage], student: Student, *, injected: bool) -> Beginning:
    """The start of a method's student.

    The networks start at the teachers trained longest, the first network at the last teacher.

    Args:
        method: The contestant.
        teachers: All teachers trained on the manual labels of the student's mix.
        student: The recipe's settings of students.
        injected: Whether labels have injected noise. Then ``auto`` starts fresh: teachers never saw that
            noise, and a start at them would answer another question.

    Raises:
        UsageError: ``student.start=teachers`` is set, and the method cannot, or there are too few teachers.
    """
    chosen: tuple[Stage, ...] = ()
    if student.start == "teachers" or (student.start == "auto" and not injected):
        why = _why_not(method, len(teachers))
        if why and student.start == "teachers":
            raise UsageError(f"student.start=teachers: {method.name} cannot start at teachers, {why}.")
        if not why:
            chosen = tuple(reversed(teachers))[: method.networks]
    start: Start = "teachers" if chosen else "fresh"
    return Beginning(method.resolved(start) if isinstance(method, DependsOnStart) else method, chosen)


def _why_not(method: Method, teachers: int) -> str:
    """Why the networks of a method cannot start at so many teachers; empty where they can."""
    if not (isinstance(method, StartsAtTeachers) and method.starts_at_teachers):
        return "for its network does not consist of the teachers' streams"
    if method.networks > teachers:
        return f"for it has {method.networks} networks and the recipe {teachers} teachers"
    return ""
