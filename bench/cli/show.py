"""Runs and stages of a store as a reader sees them, in lines of 80 columns."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bench.cli import console
from bench.store import run_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.store.store import Store

WIDTH: Final = 80


def requests(store: Store) -> list[dict[str, Any]]:
    """Each run of a store: what it asked for, when it was last planned, and how much of it is there."""
    there, known, found = store.finished(), run_log.plans(store), []
    for path in sorted((store.path / "runs").glob("*/request.json")):
        run = path.parent.name
        asked, planned = run_log.request(store, run), known.get(run)
        recipe, methods = asked.get("recipe"), asked.get("methods")
        methods = [one for one in methods if isinstance(one, dict)] if isinstance(methods, list) else []
        note = path.with_name("stages.json") if planned else path
        found.append(
            {
                "run": run,
                "recipe": str(recipe.get("name", "")) if isinstance(recipe, dict) else "",
                "methods": [f"{one.get('name')}{_slash(one.get('variant'))}" for one in methods],
                **{
                    name: _texts(asked.get(name))
                    for name in ("xi", "seeds", "datasets", "experiments", "noise")
                },
                "date": datetime.fromtimestamp(note.stat().st_mtime, UTC).isoformat(timespec="seconds"),
                "stages": len(planned["stages"]) if planned else None,
                "there": len(planned["stages"].keys() & there) if planned else None,
            }
        )
    return found


def _slash(variant: object) -> str:
    return f"/{variant}" if variant else ""


def _texts(listed: object) -> list[str]:
    return [str(one) for one in listed] if isinstance(listed, list) else []


def say_request(asked: Mapping[str, Any]) -> None:
    """One run in a few lines."""
    date = f"{asked['date'][:16].replace('T', ' ')} UTC"
    plan = (
        "its plan is damaged"
        if asked["stages"] is None
        else f"{asked['there']} of {asked['stages']} stages there"
    )
    _say("run", f"{asked['run']} · {date} · {plan}")
    for name, values in (
        ("recipe", [asked["recipe"]]),
        ("paper", asked["experiments"]),
        ("methods", asked["methods"]),
        ("ξ", asked["xi"]),
        ("noise", asked["noise"]),
        ("seeds", asked["seeds"]),
        ("data", asked["datasets"]),
    ):
        if any(values):
            _say(f"  {name}", ", ".join(values))


def say_stage(store: Store, key: str, described: Mapping[str, Any]) -> None:
    """One stage: what it is, what it was made from, by which code, and its settings."""
    stage = described.get("stage", described)  # of a failure, the note holds what was planned
    titles = {
        name: title for planned in run_log.plans(store).values() for name, title in planned["stages"].items()
    }
    _say("stage", key)
    _say("what", titles.get(key, str(stage.get("kind", key.partition("-")[0]))))
    if "error" in described:
        _say("failed", str(described["error"]))
    settings = dict(stage.get("settings", {}))
    identity = settings.pop("identity", {})
    for name in ("method", "variant", "role", "member", "xi", "seed", "noise", "recipe"):
        if identity.get(name) not in (None, "", "none"):
            _say("ξ" if name == "xi" else name, str(identity[name]))
    _say("data", str(stage.get("dataset_id") or stage.get("dataset") or "not known"))
    for name, input_key in dict(stage.get("inputs", {})).items():
        _say("input", f"{name}: {input_key} ({titles.get(input_key, 'of no run that is known')})")
    _say_making(described)
    if settings:
        rows = [[name, value] for name, value in _flat(settings)]
        width = max(len(name) for name, _ in rows)
        console.say("settings")
        for name, value in rows:
            _say(f"  {name}", value, width + 4)
    _say("folder", str(store.folder(key)))


def _say_making(described: Mapping[str, Any]) -> None:
    """When, by which code, with which versions, on which machine."""
    for name in ("run", "commit", "device", "started"):
        if described.get(name):
            _say(name, str(described[name]))
    if isinstance(seconds := described.get("seconds"), int | float):
        _say("seconds", f"{seconds:.1f}")
    for name in ("versions", "machine"):
        if isinstance(told := described.get(name), dict):
            _say(name, ", ".join(f"{one} {value}" for one, value in told.items() if value))


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
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
