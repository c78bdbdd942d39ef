"""Equal compute: how many steps a student may do for what everyone may spend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

from bench.errors import UsageError
from bench.plan.cost import Prices, machine_table
from bench.settings.schema import spending
from methods.interface import Revises, Studies

if TYPE_CHECKING:
    from bench.plan.stage_builder import Cell
    from bench.plan.training_labels import Mix
    from bench.store.stage import Stage
    from methods.interface import Method


def steps_within(cell: Cell, method: Method, mix: Mix) -> int:
    """The steps of a student under the recipe's budget; as many as the recipe says where there is none.

    One that starts fresh where others start at teachers also has the steps of a teacher.

    In passes a method pays for all its networks, for its judges, and for every pass over a training volume
    with which it studies or revises labels; in seconds for its steps and judges; steps and voxels count no
    networks (docs/decisions/0024). What teachers cost is the same for all, and in no budget.

    Raises:
        UsageError: The budget does not reach for a single step.
    """
    recipe = cell.recipe
    more = cell.beginning(method, mix).extra_steps(recipe.student, recipe.teachers.steps)
    if not recipe.budget:
        return recipe.student.steps + more
    unit, amount, device = spending(recipe.budget)
    batch = recipe.sampling.batch * math.prod(recipe.sampling.patch)
    if unit == "steps":
        steps = amount
    elif unit == "voxels":
        steps = amount // batch
    elif unit == "passes":
        judging = _judges(method) * recipe.teachers.steps[0]
        steps = (amount - judging - _volume_passes(method, len(cell.dataset.train))) // method.networks
    else:
        steps = _within_seconds(cell, method, mix, amount, device)
    return steps + more if steps >= 1 else _refuse(method, recipe.budget)


def _judges(method: Method) -> int:
    return method.judges if isinstance(method, Studies) else 0


def _volume_passes(method: Method, cases: int) -> int:
    """Passes of single networks over volumes, if the method looks at each volume whenever it looks at any."""
    passes = cases * method.networks * len(method.revisions) if isinstance(method, Revises) else 0
    if isinstance(method, Studies):
        # At its first study a method with judges asks them; at the others it asks itself.
        own = len(method.studies) - (1 if method.judges else 0)
        passes += cases * (method.networks * own + (1 if method.judges else 0))
    return passes


def _within_seconds(cell: Cell, method: Method, mix: Mix, seconds: int, device: str) -> int:
    """By the committed unit costs, never by the clock: the same command plans the same steps everywhere."""
    table = machine_table(device)
    if table is None:
        raise UsageError(f"budget {cell.recipe.budget}: no unit costs were measured on a device {device!r}.")
    known = Prices({}, table, lambda _: cell.recipe.sampling.patch)
    student = cell.student(method, mix, cell.recipe.student.steps)
    judges = [one for name, one in student.inputs if name.startswith("judge")]
    left = seconds - sum(known.priced(one)[0] for one in judges)
    return int(left / _unit(known, student))


def _unit(known: Prices, student: Stage) -> float:
    return known.priced(student)[0] / known.work(student).amount


def _refuse(method: Method, budget: str) -> NoReturn:
    raise UsageError(f"budget {budget} does not reach for one step of {method.name}; give more of it.")
