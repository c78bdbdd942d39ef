"""The title of a stage in a reader's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.store.stage import Stage


def title(one: Stage) -> str:
    """A stage in a reader's words."""
    settings = json.loads(one.settings)
    if one.kind in ("scores", "doubts"):
        who = settings["identity"]
        name = " ".join(str(who[part]) for part in ("role", "method", "variant", "member") if who[part])
        under = "" if who["noise"] == "none" else f", {who['noise']}"
        return f"{one.kind} of {name}, ξ {who['xi']}{under}, seed {who['seed']}"
    below = dict(one.inputs)
    if one.kind != "split" and not {"split", "teacher01"} & set(below):
        return one.key  # what it came from is not in the store any more
    if one.kind in ("pseudo", "ensemble"):
        name = _voters(settings) if one.kind == "pseudo" else "averaged teachers"
        return title(below["teacher01"]).replace(f"teacher {settings['members'][0]['member']}", name)
    split = settings if one.kind == "split" else json.loads(below["split"].settings)
    manual = len(split["manual"])
    who = {
        "teacher": f"teacher {settings.get('member')}",
        "split": "split",
        "noise": f"noise {settings.get('kind')}:{settings.get('rate')}",
        "judge": f"judge of {len(settings.get('judged', ()))} labels",
    }.get(one.kind)
    name = who or settings["method"]["name"]
    alone = one.kind == "student" and bool(split["pseudo"]) and "pseudo" not in below
    name = f"{name} on manual labels alone" if alone else name
    return (
        f"{name}, {manual} of {manual + len(split['pseudo'])} manual{_under(below)}, seed {settings['seed']}"
    )


def _under(below: Mapping[str, Stage]) -> str:
    """The injected noise that a stage learns from; nothing where there is none."""
    instead = below.get("pseudo")
    if instead is None or instead.kind != "noise":
        return ""
    settings = json.loads(instead.settings)
    return f", {settings['kind']}:{settings['rate']}"


def _voters(settings: Mapping[str, Any]) -> str:
    """Pseudo labels by those who made them."""
    members, views = settings["members"], settings["distillation"]["views"]
    alone = f" of teacher {members[0]['member']}" if len(members) == 1 else ""
    return f"pseudo labels{alone}" + (" through one view" if views == "identity" else "")
