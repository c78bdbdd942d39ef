"""What a run came to, or would come to, in text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.run.summary import closed, curve, dice_rows
from bench.cli.run.text import say_other_shares
from bench.execution import scheduler
from bench.settings.serialise import plain
from bench.store.store import Store
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.plan.request import Request
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage


def say_plan_alone(request: Request, sweep: Sweep, stages: list[Stage], more: Mapping[str, object]) -> None:
    """Say the whole plan in JSON."""
    counted = scheduler.summary(stages, Store(request.store))
    planned = {"run": sweep.run, "stages": counted, "other_xi": sweep.other_shares()}
    leaks = [plain(leak.note) for leak in sweep.allowed_leaks]
    console.say_json({**sweep.description(), **planned, "leaks": leaks, **more})


def say_result(
    request: Request, sweep: Sweep, state: scheduler.State, stages: list[Stage], more: Mapping[str, object]
) -> int:
    """Say what the run came to: stages, failures, scores over ξ; returns the exit code."""
    store = Store(request.store)
    code = 3 if state.failed or state.blocked else 0
    if request.as_json:
        console.say_json(
            {
                "run": sweep.run,
                "store": str(store.path),
                "records": str(store.path / "records.csv"),
                "stages": scheduler.summary(stages, store),
                "made": state.done,
                "cached": state.cached,
                "failed": state.failed,
                "blocked": state.blocked,
                "leaks": [plain(leak.note) for leak in sweep.allowed_leaks],
                **more,
            }
        )
        return code
    console.say(console.headline(state))
    for sentence in _shortfalls(store, stages):
        console.warn(sentence)
    for key, reason in state.failed.items():
        console.warn(f"failed: {key}: {reason} Details: {store.path / 'failed' / key}.json")
        console.warn(_blocked_by(key, state, stages))
    console.say()
    rows = dice_rows(store, [stage.key for stage in stages])
    if said := closed(rows):
        console.say(f"{said}\n")
    console.say(curve(rows))
    say_other_shares(sweep)
    for leak in sweep.allowed_leaks:
        console.say(f"leak     {leak.dataset}: {leak.note.sentence}")
    console.say()
    console.say(f"records  {store.path / 'records.csv'}")
    console.say(f"report   bench report --store {store.path}")
    return code


def _shortfalls(store: Store, stages: list[Stage]) -> list[str]:
    """Where injected noise is not what was asked for."""
    told = []
    for stage in stages:
        if stage.kind == "noise" and store.has(stage.key):
            short = store.finished_stage(stage.key).words("shortfalls")
            more = f", and {len(short) - 1} more" if len(short) > 1 else ""
            if short:
                where = store.folder(stage.key) / "noise.json"
                told.append(f"note: {title(stage)}: {short[0]}{more}; {where} has what was reached.")
    return told


def _blocked_by(key: str, state: scheduler.State, stages: list[Stage]) -> str:
    """The stages that wait for a failed one, the first of them by name."""
    named = [title(stage) for stage in stages if state.blocked.get(stage.key) == key]
    more = f" and {len(named) - 3} more (`bench status` lists them)" if len(named) > 3 else ""
    return f"  blocked by it: {'; '.join(named[:3]) or 'nothing'}{more}"
