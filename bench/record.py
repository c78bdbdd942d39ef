"""The record: one row for a stage, case, structure and metric; long, flat, and the truth of this project."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from bench.data.folder import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bench.store import Store


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """One row; the order of the fields is the order of the columns."""

    run: str
    dataset: str
    method: str
    xi: str  # a decimal as text; 1.0 is fully supervised
    xi_realised: str
    seed: int
    split: int  # the seed of the split
    role: str  # student, teacher, pseudo, supervised
    member: str  # of a teacher
    variant: str
    noise: str
    recipe: str
    case: str
    structure: str  # "all" for the overall score
    metric: str
    value: float | None  # None where the stage failed
    unit: str
    definition: str
    status: str
    stage: str
    commit: str


COLUMNS = tuple(field.name for field in fields(Record))
IDENTITY = COLUMNS[1:12]
"""The columns that the plan knows: from ``dataset`` to ``recipe``."""


def text_of(records: Iterable[Record]) -> str:
    """CSV with a header; numbers in full, so that reading gives the same double."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        cells = astuple(record)
        writer.writerow("" if c is None else repr(float(c)) if isinstance(c, float) else c for c in cells)
    return buffer.getvalue()


def read(path: Path) -> Iterator[Record]:
    """The rows of a CSV that ``text_of`` gave."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            value = float(row["value"]) if row["value"] else None
            yield _record({**row, "seed": int(row["seed"]), "split": int(row["split"]), "value": value})


def _record(cells: Mapping[str, Any]) -> Record:
    return Record(**{"run": "", "commit": "", **cells})


def failed_rows(
    identity: Mapping[str, object], cases: Iterable[str], structures: Iterable[str], stage: str
) -> Iterator[Record]:
    """The planned rows of a scores stage that has no result: every one is there, without a value."""
    named = [(structure, metric) for structure in structures for metric in ("dice", "adb", "hdd")]
    for case in cases:
        for structure, metric in [*named, ("all", "overall")]:
            unit = "mm" if metric in ("adb", "hdd") else ""
            scored = {"structure": structure, "metric": metric, "value": None, "unit": unit, "definition": ""}
            yield _record({**identity, **scored, "case": case, "status": "failed", "stage": stage})


def gather(store: Store) -> list[Record]:
    """All rows of a store, sorted: of the finished scores stages and of those that failed."""
    rows: list[Record] = []
    for key in store.keys("scores"):
        described = store.stage(key)
        origin = {"run": described["run"], "commit": described["commit"]}
        rows.extend(replace(row, **origin) for row in read(store.folder(key) / "records.csv"))
    for key, failure in store.failures().items():
        if planned := failure.get("planned_rows"):
            rows.extend(failed_rows(planned["identity"], planned["cases"], planned["structures"], key))
    # The sort is stable: within a case, structures stay in the order of their labels and metrics in theirs.
    place = COLUMNS.index("case") + 1
    return sorted(rows, key=lambda row: (*map(str, astuple(row)[1:place]), row.stage))


def superseded(store: Store) -> set[str]:
    """Scores stages that a newer one of the same identity replaces, such as results of an older version."""
    newest: dict[str, tuple[str, str]] = {}
    old: set[str] = set()
    for key in store.keys("scores"):
        described = store.stage(key)
        name = json.dumps(
            [described["settings"]["identity"], described["settings"]["metrics"]], sort_keys=True
        )
        mine = (str(described["started"]), key)
        before = newest.get(name)
        if before is not None:
            old.add(min(before, mine)[1])
        newest[name] = max(before, mine) if before is not None else mine
    return old


def publish(store: Store) -> int:
    """Write ``records.csv`` and ``records.parquet`` of a store; returns the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = gather(store)
    write_text(store.path / "records.csv", text_of(rows))
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    aside = store.path / ".records.parquet.aside"
    pq.write_table(pa.table(columns), aside)
    aside.replace(store.path / "records.parquet")
    return len(rows)
