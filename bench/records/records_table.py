"""The files ``records.csv`` and ``records.parquet`` of a store, and whether they are up to date."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from bench.files.atomic import write_text
from bench.records.gather import gather
from bench.store.record import COLUMNS, Record, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.store.store import Store


GATHERING = 2
"""Raised when the same stages and failures are gathered to other rows."""


NOTED = "records.state"
"""The file of a store that says what its tables were gathered from."""


def is_current(store: Store) -> bool:
    """Whether the tables of a store are what its stages and failures say, untouched."""
    noted = store.path / NOTED
    return _vouches(noted, store, _sources(store))


def publish(store: Store) -> None:
    """Bring ``records.csv`` and ``records.parquet`` of a store up to date.

    What they were gathered from is noted beside them: where that has not changed, nothing is read.
    """
    noted, sources = store.path / NOTED, _sources(store)  # before they are read, so as to vouch for no more
    if _vouches(noted, store, sources):
        return
    rows = gather(store)
    text, path = text_of(rows), store.path / "records.csv"
    _write_parquet(rows, store.path / "records.parquet")
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)
    write_text(noted, _state(store, sources))  # last: what it vouches for is there


def _vouches(noted: Path, store: Store, sources: Sequence[tuple[object, ...]]) -> bool:
    return noted.is_file() and noted.read_bytes() == _state(store, sources).encode()


def _write_parquet(rows: Sequence[Record], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    aside = path.with_name(f".{path.name}.aside")
    pq.write_table(pa.table({name: [getattr(row, name) for row in rows] for name in COLUMNS}), aside)
    aside.replace(path)


def _sources(store: Store) -> list[tuple[object, ...]]:
    """What the records are gathered from, by time of change and size: stages, their rows, failures."""
    folders = [store.folder(key) for key in store.keys("scores")]
    failures = sorted((store.path / "failed").glob("*.json"))
    paths = [*(place / name for place in folders for name in ("stage.json", "records.csv")), *failures]
    return [(path.parent.name, path.name, *mark(path)) for path in paths]


def _state(store: Store, sources: Sequence[tuple[object, ...]]) -> str:
    """What the tables follow from, and how they lie there, in one word."""
    tables = [mark(store.path / f"records.{ending}") for ending in ("csv", "parquet")]
    return hashlib.sha256(json.dumps([GATHERING, COLUMNS, sources, tables]).encode()).hexdigest()


def mark(path: Path) -> tuple[int, int]:
    """Size and time of change of a file, which tell whether it was touched; zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
