"""Runs and stages of a store as a reader sees them, in lines of 80 columns."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bench.cli import console
from bench.store import run_log
from bench.store.documents import FinishedStage, StageDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.settings.stage_specs import Identity
    from bench.store.store import Store

WIDTH: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run: what it asked for, when it was last planned, and how much of it is there."""

    run: str
    recipe: str
    methods: list[str]
    xi: list[str]
    seeds: list[str]
    datasets: list[str]
    experiments: list[str]
    noise: list[str]
    date: str
    stages: int | None  # None where the plan is damaged
    there: int | None


def requests(store: Store) -> list[RunSummary]:
    """Each run of a store: what it asked for, when it was last planned, and how much of it is there."""
    there, known, found = store.finished(), run_log.plans(store), []
    for path in sorted((store.path / "runs").glob("*/request.json")):
        run = path.parent.name
        asked, planned = run_log.request(store, run), known.get(run)
        note = path.with_name("stages.json") if planned else path
        found.append(
            RunSummary(
                run=run,
                recipe=str(asked.recipe.get("name", "")),
                methods=[f"{one.get('name')}{_slash(one.get('variant'))}" for one in asked.methods],
                xi=list(asked.xi),
                seeds=list(map(str, asked.seeds)),
                datasets=list(asked.datasets),
                experiments=list(asked.experiments),
                noise=list(asked.noise),
                date=datetime.fromtimestamp(note.stat().st_mtime, UTC).isoformat(timespec="seconds"),
                stages=len(planned.stages) if planned else None,
                there=len(planned.stages.keys() & there) if planned else None,
            )
        )
    return found


def _slash(variant: object) -> str:
    return f"/{variant}" if variant else ""


def say_request(asked: RunSummary) -> None:
    """One run in a few lines."""
    date = f"{asked.date[:16].replace('T', ' ')} UTC"
    plan = "its plan is damaged" if asked.stages is None else f"{asked.there} of {asked.stages} stages there"
    _say("run", f"{asked.run} · {date} · {plan}")
    for name, values in (
        ("recipe", [asked.recipe]),
        ("paper", asked.experiments),
        ("methods", asked.methods),
        ("ξ", asked.xi),
        ("noise", asked.noise),
        ("seeds", asked.seeds),
        ("data", asked.datasets),
    ):
        if any(values):
            _say(f"  {name}", ", ".join(values))


def say_stage(store: Store, key: str, stage: StageDocument, error: str = "") -> None:
    """One stage: what it is, what it was made from, by which code, and its settings; why it failed, if so."""
    titles = {
        name: title for planned in run_log.plans(store).values() for name, title in planned.stages.items()
    }
    _say("stage", key)
    _say("what", titles.get(key, stage.kind or key.partition("-")[0]))
    if error:
        _say("failed", error)
    if "identity" in stage.settings:
        _say_identity(stage.identity)
    _say("data", stage.dataset_id or stage.dataset or "not known")
    for name, input_key in stage.inputs.items():
        _say("input", f"{name}: {input_key} ({titles.get(input_key, 'of no run that is known')})")
    if isinstance(stage, FinishedStage):
        _say_making(stage)
    if settings := {name: value for name, value in stage.settings.items() if name != "identity"}:
        rows = [[name, value] for name, value in _flat(settings)]
        width = max(len(name) for name, _ in rows)
        console.say("settings")
        for name, value in rows:
            _say(f"  {name}", value, width + 4)
    _say("folder", str(store.folder(key)))


def _say_identity(who: Identity) -> None:
    for name in ("method", "variant", "role", "member", "xi", "seed", "noise", "recipe"):
        if (value := getattr(who, name)) not in ("", "none"):
            _say("ξ" if name == "xi" else name, str(value))


def _say_making(stage: FinishedStage) -> None:
    """When, by which code, with which versions, on which machine."""
    for name in ("run", "commit", "device", "started"):
        if value := getattr(stage, name):
            _say(name, value)
    _say("seconds", f"{stage.seconds:.1f}")
    for name, told in (("versions", stage.versions), ("machine", stage.machine)):
        _say(name, ", ".join(f"{one} {value}" for one, value in told.items() if value))


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings with dots between the names, as --set takes them."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            for number, one in enumerate(value):
                yield from _flat(one, f"{prefix}{name}.{number}.")
        else:
            yield (
                f"{prefix}{name}",
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
            )


def _say(name: str, text: str, indent: int = 10) -> None:
    """A name and what there is to say of it, on as many lines as it takes."""
    indent = min(indent, WIDTH // 2)
    head = name.ljust(indent)
    if len(name) >= indent:  # a long name has a line of its own
        console.say(name)
        head = " " * indent
    lines = textwrap.wrap(
        console.one_line(text), WIDTH - indent, break_on_hyphens=False, break_long_words=False
    ) or [""]
    for place, line in enumerate(lines):
        console.say((" " * indent if place else head) + line)
