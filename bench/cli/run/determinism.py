"""``bench run --deterministic``: what could break it on a GPU, said before anything runs."""

from __future__ import annotations

import textwrap
from importlib import metadata
from typing import TYPE_CHECKING, Any

from bench.checks.determinism import MADE_DETERMINISTIC, READ_FROM, WITHOUT, documented, operations_of
from bench.cli import console
from bench.execution.deterministic import CUBLAS
from methods.registry import why_unfit

if TYPE_CHECKING:
    from bench.plan.sweep import Sweep


def found_in(sweep: Sweep, device: str) -> dict[str, Any]:
    """Per method, its operations that PyTorch documents as nondeterministic on a GPU; plain JSON."""
    shapes = [(len(one.channels), len(one.structures) + 1) for one in sweep.datasets]
    methods: dict[str, dict[str, dict[str, str]]] = {}
    for contestant in sweep.contestants:
        method = contestant.method
        fitting = [shape for shape in shapes if not why_unfit(method, *shape)]
        if not fitting:
            continue
        operations = operations_of(method, *fitting[0], sweep.recipe.stream)
        named = methods.setdefault(method.name, {"without": {}, "made_deterministic": {}})
        named["without"] |= documented(WITHOUT, operations)
        named["made_deterministic"] |= documented(MADE_DETERMINISTIC, operations)
    return {
        "device": device,
        "torch": metadata.version("torch"),
        "documented_by": READ_FROM,
        "methods": methods,
        "settings": {CUBLAS[0]: CUBLAS[1], "cudnn.deterministic": True, "cudnn.benchmark": False},
    }


def say(found: dict[str, Any]) -> None:
    """The same in lines of 80 columns."""
    if found["device"] == "cpu":
        console.say("determ.  on the CPU every operation is deterministic already; on a GPU:")
    else:
        console.say("determ.  deterministic where PyTorch can; a stage notes what could not:")
    alike: dict[tuple[str, str], list[str]] = {}
    for name, listed in found["methods"].items():
        alike.setdefault((_named(listed["without"]), _named(listed["made_deterministic"])), []).append(name)
    for (without, made), names in alike.items():
        _wrapped(f"{', '.join(names)}: no deterministic implementation of {without}")
        _wrapped(f"{', '.join(names)}: made deterministic: {made}")
    cublas = f"{CUBLAS[0]}={CUBLAS[1]}"
    _wrapped(f"cuDNN picks deterministic algorithms, without benchmarks; {cublas}")
    _wrapped(f"by the documentation of torch {found['documented_by']}")
    if not found["torch"].startswith(found["documented_by"]):
        _wrapped(f"while torch {found['torch']} computes here: its own list may be another")


def _named(operations: dict[str, str]) -> str:
    return ", ".join(operations) or "nothing"


def _wrapped(text: str) -> None:
    space = " " * 9
    console.say(
        textwrap.fill(text, 80, initial_indent=space, subsequent_indent=f"{space}  ", break_on_hyphens=False)
    )
