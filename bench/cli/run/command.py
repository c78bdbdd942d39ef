"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.run import determinism
from bench.cli.run.result import say_plan_alone, say_result
from bench.cli.run.text import gaps_known, power_of, say_cost, say_methods, say_plan
from bench.cli.signals import stoppable
from bench.execution.sweep_plan import planned_sweep
from bench.execution.sweep_run import carry_out
from bench.plan.estimate import cost_of
from bench.plan.request import understood
from bench.settings.serialise import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.execution.sweep_plan import PlannedSweep
    from bench.plan.estimate import Estimate
    from bench.plan.request import Request


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    asked = understood(request)
    if not request.as_json:
        say_methods(asked.parts)
    with planned_sweep(request, asked) as plan, stoppable():
        more: dict[str, object] = {}
        if not request.dry_run:
            more["damaged"] = plan.damaged
        if not request.as_json:
            say_plan(plan.sweep, plan.stages, plan.store, plan.left_out)
        if request.deterministic:
            settings = determinism.before(asked.device, quiet=request.as_json)
            more["determinism"] = settings
        if request.dry_run:
            _say_plan(plan, cost_of(plan.sweep, plan.stages, plan.store, asked), more)
            plan.refuse_leaks()
            return 0
        state = carry_out(plan, partial(console.watching, quiet=request.as_json))
        if request.deterministic:
            noted = determinism.after(plan.store, plan.stages, quiet=request.as_json)
            more["determinism"] = {**settings, **noted}
        return say_result(plan, state, more)


def _say_plan(plan: PlannedSweep, cost: Estimate, more: Mapping[str, object]) -> None:
    """Say what the plan costs, or all of it in JSON."""
    if not plan.request.as_json:
        say_cost(cost)
        return
    decides = {"cost": plain(cost), "power": plain(power_of(plan.sweep)), "gaps": gaps_known(plan.sweep)}
    say_plan_alone(plan, {**more, "left_out": plan.left_out, **decides})
