"""Suggestions for an unknown verb; one that removes anything is never suggested."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REMOVES = ("clean",)
REMOVAL = (
    "delete",
    "del",
    "remove",
    "rm",
    "rmdir",
    "purge",
    "prune",
    "wipe",
    "erase",
    "reset",
    "gc",
    "clear",
)
"""Words for removing: a verb that is spelled like one of them is not what was meant."""
MEANT: Mapping[str, Mapping[str, str]] = {
    "bench": {
        **dict.fromkeys(("plan", "dry-run", "dryrun", "estimate", "cost", "costs", "preview"), "run -n"),
        **dict.fromkeys(("train", "sweep", "start", "resume", "continue", "reproduce", "experiment"), "run"),
        **dict.fromkeys(
            ("results", "table", "tables", "figure", "figures", "plot", "page", "render"), "report"
        ),
        **dict.fromkeys(("list", "ls", "stages", "runs", "info", "what"), "status"),
        **dict.fromkeys(("evaluate", "eval", "metrics", "measure", "dice"), "score"),
        **dict.fromkeys(("check", "validate", "health", "fsck", "diagnose"), "doctor"),
        **dict.fromkeys(("predict", "predictions", "segment", "infer"), "export predictions"),
        **dict.fromkeys(("diff", "versus", "test"), "compare"),
        **dict.fromkeys(("dataset", "datasets"), "data list"),
        **dict.fromkeys(("mlflow", "mirror"), "export mlflow"),
        **dict.fromkeys(("inspect", "describe", "stage", "cat"), "show"),
        **dict.fromkeys(("help", "man", "usage"), "--help"),
        **dict.fromkeys(("version", "versions"), "doctor"),
    },
    "bench data": {
        **dict.fromkeys(("import", "register", "name", "new"), "add"),
        **dict.fromkeys(("create", "generate", "write"), "make"),
        **dict.fromkeys(("validate", "verify", "inspect", "show", "info"), "check"),
        "ls": "list",
    },
    "bench methods": {
        **dict.fromkeys(("create", "add", "init", "template"), "new"),
        **dict.fromkeys(("info", "describe", "settings"), "show"),
        **dict.fromkeys(("validate", "verify", "test"), "check"),
        "ls": "list",
    },
    "bench noise": {
        **dict.fromkeys(("create", "add", "inject", "generate", "apply"), "make"),
        **dict.fromkeys(("list", "ls", "kinds", "info", "draw", "plot"), "show"),
        **dict.fromkeys(("score", "estimate", "check"), "measure"),
    },
    "bench export": {
        **dict.fromkeys(("predict", "labels", "masks", "segment"), "predictions"),
        **dict.fromkeys(("mirror", "tracking"), "mlflow"),
    },
}
"""Command -> a word that others use -> the verb that does it here."""


def refused(command: str, given: str, known: Iterable[str]) -> UsageError:
    """The error for a verb that there is not.

    Args:
        command: What stands before it, as ``bench data``.
        given: The word.
        known: The verbs that there are.
    """
    names, word = list(known), given[:100]
    safe = [name for name in names if name not in REMOVES]
    near = difflib.get_close_matches(word.lower(), safe, n=1) if word.lower() not in REMOVAL else []
    meant = MEANT.get(command, {}).get(word.lower()) or (near[0] if near else "")
    hint = f"Did you mean `{command} {meant}`? " if meant else ""
    return UsageError(
        f"{command} has no verb {word!r}. {hint}`{command} --help` lists all: {', '.join(safe)}, ..."
        if len(safe) < len(names)
        else f"{command} has no verb {word!r}. {hint}Known: {', '.join(names)}."
    )
