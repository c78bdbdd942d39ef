"""``bench methods``: who can be compared, and what each is."""

from __future__ import annotations

import json
from textwrap import shorten
from typing import TYPE_CHECKING

from bench.cli import console
from bench.plugins import methods
from methods.registry import describe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def list_methods(plugins: Sequence[Path] = (), *, as_json: bool) -> int:
    """All methods, a line each; one that an installed package brings and that cannot be had is warned of.

    Raises:
        UsageError: A plug-in cannot be loaded.
    """
    methods.admit(plugins)
    found, broken = methods.listed()
    for sentence in broken:
        console.warn(f"left out: {sentence}")
    described = [describe(one) for one in found]
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


def show_method(name: str, plugins: Sequence[Path] = (), *, as_json: bool) -> int:
    """One method with every setting and its default.

    Raises:
        UsageError: No such method, or a plug-in that cannot be loaded.
    """
    methods.admit(plugins)
    one = methods.method(name)
    described = describe(one) | {"from": methods.shown(name)} | methods.origin_of(one)
    if as_json:
        console.say_json(described)
        return 0
    for key in ("name", "version", "reference", "networks", "from"):
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
