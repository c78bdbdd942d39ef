"""The record: one row for a stage, case, structure and metric; long, flat, and the truth of this project."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from bench.data.folder import write_text
from bench.metrics import UNITS

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
BACKGROUND = "background"
"""Label 0 as a structure: of no mean and no overall score, for it dwarfs every other."""
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


def failed_rows(planned: Mapping[str, Any]) -> Iterator[Record]:
    """The planned rows of a scores stage that has no result: every one is there, without a value.

    Args:
        planned: The identity, cases, structures, metrics, definition and key of the stage.
    """
    named = [(structure, metric) for structure in planned["structures"] for metric in planned["metrics"]]
    named += [(BACKGROUND, "dice")] if planned.get("background") else []
    for case in planned["cases"]:
        for structure, metric in [*named, ("all", "overall")]:
            yield _record(
                {
                    **planned["identity"],
                    "case": case,
                    "structure": structure,
                    "metric": metric,
                    "value": None,
                    "unit": UNITS[metric],
                    "definition": planned["definition"],
                    "status": "failed",
                    "stage": planned["stage"],
                }
            )


def rows_of(store: Store, keys: Iterable[str]) -> list[Record]:
    """The rows of these scores stages: those written, then the planned ones of those that failed."""
    rows: list[Record] = []
    wanted, failures = list(keys), store.failures()
    for key in filter(store.has, wanted):
        described = store.stage(key)
        origin = {"run": described["run"], "commit": described["commit"]}
        rows.extend(replace(row, **origin) for row in read(store.folder(key) / "records.csv"))
    for key in wanted:
        if planned := failures.get(key, {}).get("planned_rows"):
            rows.extend(failed_rows(planned))
    return rows


def gather(store: Store) -> list[Record]:
    """All rows of a store, sorted: of the finished scores stages and of those that failed."""
    rows = rows_of(store, [*store.keys("scores"), *store.failures()])
    # The sort is stable: within a case, structures stay in the order of their labels and metrics in theirs.
    place = COLUMNS.index("case") + 1
    return sorted(rows, key=lambda row: (*map(str, astuple(row)[1:place]), row.stage))


def superseded(store: Store) -> set[str]:
    """Scores stages, made or failed, that a newer one of the same identity and definition replaces.

    They come of an older version, other data or another precision: their keys differ, their names do not.
    """
    claims: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in store.keys("scores"):
        described = store.stage(key)
        settings = described["settings"]
        name = json.dumps([settings["identity"], settings["metrics"]["definition"]], sort_keys=True)
        claims[name].append((str(described["started"]), key))
    for key, failure in store.failures().items():
        if planned := failure.get("planned_rows"):
            identity = {name: planned["identity"][name] for name in IDENTITY}
            name = json.dumps([identity, planned["definition"]], sort_keys=True)
            claims[name].append((str(failure.get("when", "")), key))
    return {key for same in claims.values() for _, key in sorted(same)[:-1]}


def publish(store: Store) -> int:
    """Bring ``records.csv`` and ``records.parquet`` of a store up to date; returns the number of rows."""
    rows = gather(store)
    text, path = text_of(rows), store.path / "records.csv"
    parquet = store.path / "records.parquet"
    if parquet.is_file() and path.is_file() and path.read_text(encoding="utf-8") == text:
        return len(rows)
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    aside = store.path / ".records.parquet.aside"
    pq.write_table(pa.table(columns), aside)
    aside.replace(parquet)
    write_text(path, text)  # last, so that a table that is up to date has its parquet beside it
    return len(rows)
