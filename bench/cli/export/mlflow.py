"""``bench export mlflow``: the mirror of every run that a store remembers, from stages and records alone."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.cli import console
from bench.errors import DataError, unknown
from bench.records import mlflow_mirror
from bench.records.mlflow_mirror import put_unsound_aside
from bench.store import run_log
from bench.store.integrity import damaged
from bench.store.store import Store

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path


def export(store_path: Path, uri: str, run: str, *, as_json: bool) -> int:
    """Write what the mirror lacks, whatever is noted of it, and say what is not there yet.

    Raises:
        DataError: There is no store.
        UsageError: The store does not remember the run, or the mirror cannot be filled.
    """
    store = Store(store_path)
    if not store.is_store:
        raise DataError(f"{store_path} is not a store; make one with `bench run --store {store_path}`.")
    with _held(store):
        chosen = _chosen(store, run)
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI", "") or mlflow_mirror.default_uri(store)
        put_unsound_aside(store, uri)
        filled = []
        for name, titles in chosen.items():
            there = store.finished() & titles.keys()
            worse = damaged(store, there)
            for key, what in worse.items():
                console.warn(f"damaged: {key}: {what}; the `bench run` that made it makes it anew.")
            page = mlflow_mirror.Mirror(store, name, titles, run_log.request_document(store, name), uri)
            page.forget()
            filled.append(page.fill(there - worse.keys()))
            if not as_json:
                _say(filled[-1])
    if as_json:
        console.say_json(
            {"uri": mlflow_mirror.without_password(uri), "runs": [asdict(one) for one in filled]}
        )
    else:
        console.say(f"mirror   {mlflow_mirror.without_password(uri)}")
    return 0


def _held(store: Store) -> AbstractContextManager[None]:
    """The store's lock; a store that cannot be written is read without."""
    return store.locked() if os.access(store.path, os.W_OK) else nullcontext()


def _chosen(store: Store, run: str) -> dict[str, dict[str, str]]:
    """Run -> key -> title of the runs that are exported."""
    known = {name: dict(planned.stages) for name, planned in run_log.plans(store).items()}
    asked = {path.parent.name for path in (store.path / "runs").glob("*/request.json")}
    if run:
        if run not in known:
            raise unknown("run", run, known)
        return {run: known[run]}
    for name in sorted(asked - known.keys()):
        console.warn(f"note: of run {name} no plan is there; the same `bench run` writes it.")
    return known


def _say(filled: mlflow_mirror.Filled) -> None:
    there = filled.planned - filled.lacking
    console.say(f"run      {filled.run}: {filled.written} stages written, {there} there")
    if filled.lacking:
        console.say(
            f"         {filled.lacking} of {filled.planned} stages of run {filled.run} are not there yet"
        )
