"""``bench run``: plan the sweep, make what is missing, publish records and their mirror, say the result."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import console
from bench.cli.run import determinism
from bench.cli.run.notes import refused, say_changes, say_damage, say_doubtful
from bench.cli.run.result import say_plan_alone, say_result
from bench.cli.run.text import gaps_known, power_of, say_methods, say_plan
from bench.cli.signals import stoppable
from bench.execution.sweep_run import carry_out
from bench.plan.estimate import cost_of
from bench.plan.request import planned, understood
from bench.plan.words import datasets_of
from bench.store.integrity import put_damaged_aside
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.data.dataset import Workshop
    from bench.plan.request import Request


def run(request: Request) -> int:
    """Carry out ``bench run``; returns the exit code."""
    asked = understood(request)
    store = Store(request.store)
    if not request.as_json:
        say_methods(asked.parts)
    with _held(store, dry_run=request.dry_run) as workshop, stoppable():
        sweep, left_out = planned(asked, datasets_of(asked.datasets, asked.recipe.data, workshop))
        leaks = sweep.leaks()
        if leaks and not request.allow_leaks and not request.dry_run:
            raise refused(leaks)
        sweep = replace(sweep, allowed_leaks=leaks)
        stages = sweep.stages()
        say_changes(store, sweep, workshop)
        say_doubtful(sweep)
        more: dict[str, Any] = {}
        if not request.dry_run:
            more["damaged"] = put_damaged_aside(store, stages)
            say_damage(store, stages, more["damaged"])
        if not request.as_json:
            say_plan(sweep, stages, store, left_out)
        if request.deterministic:
            more["determinism"] = determinism.before(asked.device, quiet=request.as_json)
        if request.dry_run:
            more |= {"left_out": left_out, "cost": cost_of(sweep, stages, store, asked)}
            more["power"] = power_of(sweep)
            more["gaps"] = gaps_known(sweep)
            code = say_plan_alone(request, sweep, stages, more)
            if leaks and not request.allow_leaks:
                raise refused(leaks)
            return code
        watching = partial(console.watching, quiet=request.as_json)
        state = carry_out(request, asked, sweep, stages, watching)
        if request.deterministic:
            more["determinism"] |= determinism.after(store, stages, quiet=request.as_json)
        return say_result(request, sweep, state, stages, more)


@contextmanager
def _held(store: Store, *, dry_run: bool) -> Iterator[Workshop]:
    """The store's data, under its lock; for a plan alone nothing is locked or written there."""
    if dry_run:
        store.refuse_foreign()
        with tempfile.TemporaryDirectory(prefix="bench-plan-") as spare:
            yield replace(store.workshop, spare=Path(spare))
        return
    with store.locked():
        yield store.workshop
