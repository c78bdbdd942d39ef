"""``bench status``, ``show`` and ``clean``: what is in a store."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

from bench.cli import console
from bench.cli.show import requests, say_request, say_stage
from bench.records.publish import publish
from bench.store.lookup import existing, one_key
from bench.store.stage import VERSIONS

if TYPE_CHECKING:
    from pathlib import Path


def status(store_path: Path, *, as_json: bool) -> int:
    """How many stages of each kind there are, what was run and how much of it is there, and what failed."""
    store = existing(store_path)
    made = Counter(key.partition("-")[0] for key in store.finished())
    counts = {kind: made[kind] for kind in VERSIONS}
    failures = {key: reason["error"] for key, reason in store.failures().items()}
    asked = requests(store)
    if as_json:
        console.say_json({"store": str(store_path), "stages": counts, "failed": failures, "runs": asked})
        return 0
    console.say(console.table([[kind, str(count)] for kind, count in counts.items()], ["stages", "made"]))
    console.say()
    for one in asked:
        say_request(one)
    if not asked:
        console.say("runs     none")
    console.say(f"failed   {len(failures)}")
    for key, reason in failures.items():
        console.say(f"  {key}: {reason}")
    return 0


def show(key: str, store_path: Path, *, as_json: bool) -> int:
    """One stage by its key or the key's beginning: settings, inputs, provenance.

    Raises:
        UsageError: No stage, or more than one, begins so.
    """
    store = existing(store_path)
    found = one_key(store, key, [*store.keys(), *store.failures()])
    described = store.stage(found) if store.has(found) else store.failures()[found]
    if as_json:
        console.say_json(described)
    else:
        say_stage(store, found, described)
    return 0


def clean(store_path: Path, *, failed: bool, everything: bool, as_json: bool) -> int:
    """Remove leavings and what was found damaged; on request failures and checkpoints, or all."""
    store = existing(store_path)
    with store.locked():
        store.sweep_up()
        removed = dict.fromkeys(("stages", "failures", "checkpoints", "damaged"), 0)
        removed["damaged"] = _emptied(store_path / "damaged")
        if failed or everything:
            removed["failures"] = _emptied(store_path / "failed")
            removed["checkpoints"] = store.drop_scratch()
        if everything:
            removed["stages"] = len(store.keys())
            shutil.rmtree(store_path / "stages", ignore_errors=True)
        if failed or everything:
            publish(store)
    if as_json:
        console.say_json(removed)
    else:
        said = f"{removed['stages']} stages, {removed['failures']} notes of failures, "
        said += f"{removed['checkpoints']} checkpointed and {removed['damaged']} damaged stages"
        console.say(f"removed {said} from {store_path}")
    return 0


def _emptied(folder: Path) -> int:
    """Remove a folder; how many things were in it."""
    number = len(list(folder.iterdir())) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return number
