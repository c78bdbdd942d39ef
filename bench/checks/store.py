"""The checks of a store, which is only read: disk, lock, every stage byte by byte, records, mirror, data."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checks.finding import Finding
from bench.data.dataset import recall
from bench.data.sources.cases import fingerprints_path, image_print, label_print
from bench.data.sources.fingerprints import Fingerprints
from bench.errors import BenchError, DataError, UsageError
from bench.records import mlflow_mirror, records_table
from bench.store import run_log
from bench.store.integrity import contents, damage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bench.data.dataset import Dataset
    from bench.store.store import Store

LITTLE_DISK_MIB = 1024


def of_store(store: Store, watch: Callable[[int, int], None]) -> Iterator[Finding]:
    """Disk, lock, every finished stage byte by byte, and what hangs on them.

    Args:
        store: The store, which is only read.
        watch: Called with how many stages were looked at, and of how many.
    """
    yield _disk(store)
    yield _lock(store)
    yield _stages(store, watch)
    yield _chains(store)
    failures = store.failures()
    yield Finding("failures", "warning" if failures else "ok", _some(failures, "stages failed", "none"))
    yield _leavings(store)
    yield _records(store)
    yield from _runs(store)
    yield from _data(store)


def _disk(store: Store) -> Finding:
    held = _size(store.path)
    free = shutil.disk_usage(store.path).free
    little = free < max(LITTLE_DISK_MIB * 2**20, held // 10)
    return Finding("disk", "warning" if little else "ok", f"{_bytes(held)} held, {_bytes(free)} free")


def _size(folder: Path) -> int:
    total = 0
    for one in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a run may be at work
            total += 0 if one.is_symlink() or not one.is_file() else one.stat().st_size
    return total


def _bytes(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def _lock(store: Store) -> Finding:
    if not os.access(store.path, os.W_OK):
        return Finding("lock", "warning", "the store cannot be written: it can be read and reported alone")
    try:
        with store.locked():
            return Finding("lock", "ok", "free, and the store can be written")
    except UsageError as error:
        return Finding("lock", "warning", str(error))


def _stages(store: Store, watch: Callable[[int, int], None]) -> Finding:
    keys, damaged = store.keys(), {}
    for number, key in enumerate(keys, start=1):
        if what := damage(store.folder(key)):
            damaged[key] = what
        watch(number, len(keys))
    damaged |= dict.fromkeys(store.strangers(), "it is no finished stage")
    if not damaged:
        return Finding("stages", "ok", f"all {len(keys)} are what was written, byte for byte")
    named = "; ".join(f"{key}: {what}" for key, what in sorted(damaged.items())[:3])
    return Finding(
        "stages",
        "error",
        f"{len(damaged)} of {len(keys)} are damaged ({named}); the same `bench run` makes them anew",
    )


def _chains(store: Store) -> Finding:
    """Whether what was made from a stage was made from what is there now."""
    there, apart = store.finished(), []
    for key in sorted(there):
        with suppress(DataError):
            described = store.finished_stage(key)
            for name, word in described.made_from.items():
                below = described.inputs.get(name, "")
                if below in there and contents(store.stage(below)) != word:
                    apart.append(key)
    says = _some(
        apart, "stages were made from other inputs than are there now", "each follows from its inputs"
    )
    return Finding("chains", "warning" if apart else "ok", says)


def _leavings(store: Store) -> Finding:
    aside = _names(store.path / "damaged")
    said = [f"{len(aside)} damaged things in damaged/ (`bench clean` removes them)"] if aside else []
    if begun := _names(store.path / "work"):
        size = _bytes(_size(store.path / "work"))
        said.append(f"checkpoints of {len(begun)} stages, {size}: the same `bench run` goes on from them")
    return Finding("leavings", "warning" if aside else "ok", "; ".join(said) or "none")


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []


def _records(store: Store) -> Finding:
    if not store.keys("scores") and not store.failures():
        return Finding("records", "ok", "none yet")
    if records_table.is_current(store):
        return Finding("records", "ok", "records.csv says what the stages say")
    return Finding("records", "warning", "records.csv is behind; `bench run` or `bench report` gathers it")


def _runs(store: Store) -> Iterator[Finding]:
    """What is not finished, and what the mirror lacks of what is."""
    known, there = run_log.plans(store), store.finished()
    lacking = Counter({run: len(planned.stages.keys() - there) for run, planned in known.items()})
    unfinished = [
        f"run {run} lacks {count} of {len(known[run].stages)} stages"
        for run, count in sorted(lacking.items())
        if count
    ]
    says = _some(unfinished, "runs are not finished", f"all {len(known)} finished")
    yield Finding("runs", "warning" if unfinished else "ok", says)
    if torn := run_log.without_plan(store):
        says = _some(torn, "plans are damaged, so what is newest is not known", "")
        yield Finding("plans", "error", f"{says}; the same `bench run` writes them again")
    uri = os.environ.get("MLFLOW_TRACKING_URI", "") or mlflow_mirror.default_uri(store)
    if not list(store.path.glob("runs/*/mirrored-*.json")) and not mlflow_mirror.database(store).is_file():
        yield Finding("mirror", "ok", "none; `bench export mlflow` makes one")
        return
    pages = [mlflow_mirror.Mirror(store, run, planned.stages, {}, uri) for run, planned in known.items()]
    behind = sorted(page.run for page in pages if page.is_behind)
    if uri == mlflow_mirror.default_uri(store) and (
        what := mlflow_mirror.flaw(mlflow_mirror.database(store))
    ):
        says = f"mlflow.db {what}; `bench export mlflow` writes it anew"
        yield Finding("mirror", "warning", says)
    elif behind:
        yield Finding("mirror", "warning", f"behind for {', '.join(behind)}; `bench export mlflow` fills it")
    else:
        yield Finding("mirror", "ok", f"has every finished stage ({mlflow_mirror.without_password(uri)})")


def _some(named: Collection[str], what: str, none: str) -> str:
    """``2 stages failed: a, b, ...``."""
    more = ", ..." if len(named) > 3 else ""
    return f"{len(named)} {what}: {', '.join(sorted(named)[:3])}{more}" if named else none


def _data(store: Store) -> Iterator[Finding]:
    """Whether the files of every data set that the store knows are there, with the same voxels."""
    caches = (store.workshop.names_path.name, fingerprints_path(store.workshop).name)
    for path in sorted(store.workshop.path.glob("*.json")):
        if path.name not in caches:
            yield _data_set(store, path.stem)


def _data_set(store: Store, identifier: str) -> Finding:
    try:
        dataset = recall(identifier, store.workshop)
    except BenchError as error:
        return Finding("data", "warning", str(error))
    gone = [path for path in _paths(dataset) if not Path(path).is_file()]
    if gone:
        return Finding("data", "error", f"{identifier}: {len(gone)} files are gone, the first is {gone[0]}")
    changed = _changed(store, dataset)
    if changed:
        says = _some(changed, "cases changed", "")
        return Finding("data", "warning", f"{identifier}: {says}; see `bench data check`")
    return Finding("data", "ok", f"{identifier}: {len(dataset.cases)} cases, unchanged")


def _paths(dataset: Dataset) -> list[str]:
    every = [*dataset.cases.values(), *dataset.unlabelled.values()]
    return [path for one in every for path in (*one.images, one.label, one.mask) if path]


def _changed(store: Store, dataset: Dataset) -> list[str]:
    """The cases whose voxels are others than when the data set was opened."""
    prints, changed = Fingerprints(fingerprints_path(store.workshop)), []
    for name, then in dataset.cases.items():
        try:
            now = image_print(prints, then), label_print(prints, then)
        except (DataError, OSError):
            now = None
        if now != (then.image_print, then.label_print):
            changed.append(name)
    return changed
