"""The output of a finished run in text or JSON, and of a plan alone in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.run.summary import closed, curve, dice_rows
from bench.cli.run.text import say_other_shares
from bench.execution import scheduler
from bench.execution.sweep_run import result_of
from bench.settings.serialise import plain
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.execution.sweep_plan import PlannedSweep
    from bench.store.stage import Stage


def say_plan_alone(plan: PlannedSweep, more: Mapping[str, object]) -> None:
    """Say the whole plan in JSON."""
    sweep = plan.sweep
    counted = scheduler.summary(plan.stages, plan.store)
    planned = {"run": sweep.run, "stages": counted, "other_xi": sweep.other_shares()}
    leaks = [plain(leak.note) for leak in sweep.allowed_leaks]
    console.say_json({**sweep.description(), **planned, "leaks": leaks, **more})


def say_result(plan: PlannedSweep, state: scheduler.State, more: Mapping[str, object]) -> int:
    """Say what the run came to: stages, failures, scores over ξ; returns the exit code."""
    store, stages, result = plan.store, plan.stages, result_of(plan, state)
    code = 3 if result.failed or result.blocked else 0
    if plan.request.as_json:
        console.say_json(
            {
                "run": result.run,
                "store": str(result.store),
                "records": str(store.path / "records.csv"),
                "stages": scheduler.summary(stages, store),
                "made": result.made,
                "cached": result.cached,
                "failed": result.failed,
                "blocked": result.blocked,
                "leaks": [plain(leak.note) for leak in plan.sweep.allowed_leaks],
                **more,
            }
        )
        return code
    console.say(console.headline(state))
    for key, reason in result.failed.items():
        console.warn(f"failed: {key}: {reason} Details: {store.path / 'failed' / key}.json")
        console.warn(_blocked_by(key, result.blocked, stages))
    console.say()
    rows = dice_rows(store, [stage.key for stage in stages])
    if said := closed(rows):
        console.say(f"{said}\n")
    console.say(curve(rows))
    say_other_shares(plan.sweep)
    for leak in plan.sweep.allowed_leaks:
        console.say(f"leak     {leak.dataset}: {leak.note.sentence}")
    console.say()
    console.say(f"records  {store.path / 'records.csv'}")
    console.say(f"report   bench report --store {store.path}")
    return code


def _blocked_by(key: str, blocked: Mapping[str, str], stages: Sequence[Stage]) -> str:
    """The stages that wait for a failed one, the first of them by name."""
    named = [title(stage) for stage in stages if blocked.get(stage.key) == key]
    more = f" and {len(named) - 3} more (`bench status` lists them)" if len(named) > 3 else ""
    return f"  blocked by it: {'; '.join(named[:3]) or 'nothing'}{more}"
