"""The tables of a store for its readers: records, and what students cost and doubted."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Final

from bench.files.atomic import write_text
from bench.records import gather, records_table
from bench.records.costs import COLUMNS, WHO, charges, scored_students
from bench.settings.stage_specs import Identity
from bench.store.run_log import turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bench.store.store import Store

VERSION: Final = 1
"""Raised when the same stages give other tables than ``records.csv``."""
NOTED: Final = "tables.state"
"""The file of a store that says which stages those tables were gathered from."""
GATHERED: Final = {
    "doubts.csv": (*WHO, "case", "map", "progress", "structure", "region", "measure", "value", "voxels"),
    "gradients.csv": (*WHO, "case", "of", "layer", "depth", "progress", "measure", "value"),
}
"""What ``doubts`` stages write, put together; each row gains the run and the stage that it is of."""
BESIDE: Final = ("costs.csv", *GATHERED)
"""The files of the tables beside the records."""


def publish(store: Store) -> None:
    """Bring all tables of a store up to date; where no stage is new, nothing is read."""
    records_table.publish(store)
    if _is_noted(store):
        return
    old = gather.superseded(store)
    students = scored_students(store, [key for key in store.keys("scores") if key not in old])
    write_text(store.path / "costs.csv", text_of(COLUMNS, charges(store, students)))
    doubts = _standing(store, {one.key for one in students})
    for name, columns in GATHERED.items():
        rows = list(_gathered(store, name, doubts))
        write_text(store.path / name, text_of(("run", *columns, "stage"), rows))
    write_text(store.path / NOTED, _state(store))  # last: what it vouches for is there


def is_current(store: Store) -> bool:
    """Whether all tables are what the store's stages say."""
    return records_table.is_current(store) and _is_noted(store)


def _is_noted(store: Store) -> bool:
    noted = store.path / NOTED
    return noted.is_file() and noted.read_bytes() == _state(store).encode()


def _standing(store: Store, students: set[str]) -> list[str]:
    """The ``doubts`` stages of these students; of several of one name that which was planned last."""
    last, newest = turns(store), dict[Identity, tuple[tuple[int, str], str]]()
    for key in store.keys("doubts"):
        described = store.finished_stage(key)
        if described.inputs.get("of") in students:
            name = described.identity
            mark = (last[key].number if key in last else 0, described.started)
            newest[name] = max(newest.get(name, ((-1, ""), "")), (mark, key))
    return sorted(key for _, key in newest.values())


def _gathered(store: Store, name: str, keys: Sequence[str]) -> Iterator[dict[str, object]]:
    """The rows of these ``doubts`` stages."""
    for key in keys:
        path, run = store.folder(key) / name, store.finished_stage(key).run
        if not path.is_file():
            continue
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield {**row, "run": run, "stage": key}


def text_of(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A CSV of these columns; what else a row holds is left out, what it lacks is empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _state(store: Store) -> str:
    """What the tables follow from, and how they lie there, in one word."""
    stages = [store.keys(kind) for kind in ("student", "scores", "doubts")]
    plans = sorted((store.path / "runs").glob("*/stages.json"))
    lie = [(name, *records_table.mark(store.path / name)) for name in BESIDE]
    lie += [(path.parent.name, *records_table.mark(path)) for path in plans]
    return hashlib.sha256(json.dumps([VERSION, stages, lie]).encode()).hexdigest()
