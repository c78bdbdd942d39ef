"""``bench run --deterministic``: what it sets, and which operations ran without a deterministic algorithm."""

from __future__ import annotations

import textwrap
from importlib import metadata
from typing import TYPE_CHECKING, Any

from bench.cli import console
from bench.execution.deterministic import CUBLAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.store.stage import Stage
    from bench.store.store import Store

WITHOUT_TENSORS = ("split", "noise")
"""Kinds of stages that run no operation of PyTorch."""


def before(device: str, *, quiet: bool) -> dict[str, Any]:
    """The settings of a deterministic run as plain JSON; printed unless ``quiet``."""
    found = {
        "device": device,
        "torch": metadata.version("torch"),
        "settings": {CUBLAS[0]: CUBLAS[1], "cudnn.deterministic": True, "cudnn.benchmark": False},
    }
    if not quiet:
        _say_settings(found)
    return found


def after(store: Store, stages: Sequence[Stage], *, quiet: bool) -> dict[str, Any]:
    """The operations that have no deterministic algorithm, by ``noted``; printed unless ``quiet``."""
    found = noted(store, stages)
    if not quiet:
        say_noted(found)
    return found


def noted(store: Store, stages: Sequence[Stage]) -> dict[str, Any]:
    """The notes that finished stages took while they ran, as plain JSON.

    Returns:
        ``operations``: each operation that PyTorch warned of, and the keys of the stages that ran it;
        ``made_with`` and ``made_without``: the keys of stages that were made with ``--deterministic``, and of
        those that were made earlier without.
    """
    operations: dict[str, list[str]] = {}
    with_it: list[str] = []
    without: list[str] = []
    for stage in stages:
        if stage.kind in WITHOUT_TENSORS or not store.has(stage.key):
            continue
        made = store.finished_stage(stage.key)
        (with_it if "nondeterministic" in made.facts else without).append(stage.key)
        for operation in made.words("nondeterministic"):
            operations.setdefault(operation, []).append(stage.key)
    return {"operations": dict(sorted(operations.items())), "made_with": with_it, "made_without": without}


def _say_settings(found: dict[str, Any]) -> None:
    """Before the run, in lines of 80 columns."""
    settings = ", ".join(f"{name}={value}" for name, value in found["settings"].items())
    if found["device"] == "cpu":
        _wrapped("on the CPU the results are the same with and without; on a GPU it would set")
    else:
        _wrapped("a deterministic algorithm for each operation for which PyTorch has one, and")
    _wrapped(f"{settings}; each stage notes the operations without one as they run", first="")


def say_noted(found: dict[str, Any]) -> None:
    """After the run, in lines of 80 columns."""
    for operation, keys in found["operations"].items():
        _wrapped(f"{operation} has no deterministic implementation: it ran in {_counted(keys)}")
    if found["made_with"] and not found["operations"]:
        _wrapped(f"no operation without a deterministic implementation ran in {_counted(found['made_with'])}")
    if found["made_without"]:
        _wrapped(f"not known of {_counted(found['made_without'])}: made earlier, without --deterministic")


def _counted(keys: Sequence[str]) -> str:
    return f"{len(keys)} stage{'' if len(keys) == 1 else 's'}"


def _wrapped(text: str, first: str = "determ.") -> None:
    indent = " " * 9
    console.say(
        textwrap.fill(text, 80, initial_indent=f"{first:9}", subsequent_indent=indent, break_on_hyphens=False)
    )
