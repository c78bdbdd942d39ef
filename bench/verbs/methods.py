"""``bench methods``: who can be compared, and what each is."""

from __future__ import annotations

import json
from textwrap import shorten

from bench import console
from bench.errors import UsageError
from methods.registry import METHODS, describe, method


def list_methods(*, as_json: bool) -> int:
    """All registered methods, a line each."""
    described = [describe(method(name)) for name in METHODS]
    if as_json:
        wanted = ("name", "reference", "networks", "capabilities")
        console.say_json([{key: one[key] for key in wanted} for one in described])
        return 0
    # Eighty columns; `bench methods show` gives the reference whole.
    rows = [
        [one["name"], str(one["networks"]), shorten(one["reference"], 52, placeholder=" …")]
        for one in described
    ]
    console.say(console.table(rows, ["method", "networks", "reference"]))
    return 0


def show_method(name: str, *, as_json: bool) -> int:
    """One method with every setting and its default.

    Raises:
        UsageError: No such method.
    """
    try:
        described = describe(method(name))
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    if as_json:
        console.say_json(described)
        return 0
    for key in ("name", "version", "reference", "networks"):
        console.say(f"{key:12} {described[key]}")
    console.say(f"{'can':12} {', '.join(described['capabilities']) or 'only what it must'}")
    console.say(f"{'settings':12} change one with --set {name}.SETTING=VALUE")
    for path, value in _flat(described["settings"]):
        console.say(f"  {path:32} {json.dumps(value)}")
    return 0


def _flat(settings: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in settings.items():
        flat += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return flat
