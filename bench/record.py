"""The record: one row for a stage, case, structure and metric; long, flat, and the truth of this project."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.folder import write_text
from bench.errors import DataError
from bench.metrics import UNITS, iou_of
from bench.runs import Turn, turns
from bench.soundness import checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    role: str  # student, teacher, pseudo, supervised, labelled-only
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
_CELLS = attrgetter(*COLUMNS)  # twenty times as fast as dataclasses.astuple, which copies deeply
BACKGROUND = "background"
"""Label 0 as a structure: of no mean and no overall score, for it dwarfs every other."""
IDENTITY = COLUMNS[1:12]
"""The columns that the plan knows: from ``dataset`` to ``recipe``."""
GATHERING = 2
"""Raised when the same stages and failures are gathered to other rows."""
NOTED = "records.state"
"""The file of a store that says what its tables were gathered from."""


def text_of(records: Iterable[Record]) -> str:
    """CSV with a header; numbers in full, so that reading gives the same double."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        cells = _CELLS(record)
        writer.writerow(["" if c is None else repr(float(c)) if isinstance(c, float) else c for c in cells])
    return buffer.getvalue()


def read(path: Path, origin: Mapping[str, str] = MappingProxyType({})) -> Iterator[Record]:
    """The rows of a CSV that ``text_of`` gave, with the cells of ``origin`` in place of their own.

    Raises:
        DataError: They are not such rows.
    """
    with path.open(newline="", encoding="utf-8") as file:
        yield from parse(file, str(path), origin)


def parse(
    lines: Iterable[str], source: str, origin: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Record]:
    """The rows of the lines of such a CSV; ``source`` is who is named where they are none.

    Raises:
        DataError: They are not such rows.
    """
    try:
        rows = csv.reader(lines)  # half the time of DictReader
        columns = next(rows, [])
        for cells in filter(None, rows):
            row: dict[str, Any] = dict(zip(columns, cells, strict=True)) | dict(origin)
            row["seed"], row["split"] = int(row["seed"]), int(row["split"])
            row["value"] = _finite(row["value"]) if row["value"] else None
            yield _record(row)
    except (csv.Error, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{source} does not hold records: {error}.") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the value {text!r} is no finite number")
    return value


def _record(cells: Mapping[str, Any]) -> Record:
    return Record(**{"run": "", "commit": "", **cells})


def failed_rows(planned: Mapping[str, Any]) -> Iterator[Record]:
    """The planned rows of a scores stage that has no result: every one is there, without a value.

    Args:
        planned: The identity, cases, structures, metrics, definition and key of the stage, and the units of
            metrics that a package brings.
    """
    units = {**UNITS, **planned.get("units", {})}
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
                    "unit": units[metric],
                    "definition": planned["definition"],
                    "status": "failed",
                    "stage": planned["stage"],
                }
            )


def rows_of(store: Store, keys: Iterable[str]) -> list[Record]:
    """The rows of these scores stages: those written, then the planned ones of those that failed."""
    rows: list[Record] = []
    wanted, failures, there = list(keys), store.failures(), store.finished()
    for key in filter(there.__contains__, wanted):
        described = store.stage(key)
        origin = {"run": described["run"], "commit": described["commit"]}
        rows.extend(with_iou(_own_rows(store.folder(key) / "records.csv", described, origin)))
    for key in wanted:
        if planned := failures.get(key, {}).get("planned_rows"):
            rows.extend(with_iou(failed_rows(planned)))
    return rows


def with_iou(rows: Iterable[Record]) -> Iterator[Record]:
    """The rows with the IoU of each structure after its Dice, which it follows from.

    So stages made before IoU was recorded have it too, under the same keys (docs/decisions/0028).
    """
    for row in rows:
        yield row
        if row.metric == "dice" and row.structure != BACKGROUND:
            value = None if row.value is None else iou_of(row.value)
            yield replace(row, metric="iou", value=value, unit=UNITS["iou"])


def _own_rows(path: Path, described: Mapping[str, Any], origin: Mapping[str, str]) -> Iterator[Record]:
    """The rows that a stage wrote.

    Raises:
        DataError: They are no longer what it wrote.
    """
    expected = described.get("files", {}).get(path.name)
    if not path.is_file() or (expected is not None and checksum(path) != expected):
        raise DataError(f"{path} is not what was written; the `bench run` that made it makes it anew.")
    return read(path, origin)


def gather(store: Store) -> list[Record]:
    """All rows of a store, sorted: of the finished scores stages and of those that failed."""
    rows = rows_of(store, [*store.keys("scores"), *store.failures()])
    # The sort is stable: within a case, structures stay in the order of their labels and metrics in theirs.
    place = COLUMNS.index("case") + 1
    return sorted(rows, key=lambda row: (*map(str, _CELLS(row)[1:place]), row.stage))


def standing(store: Store) -> list[Record]:
    """All rows of a store but those that newer results replaced, sorted: as its reports read them."""
    old = superseded(store)
    return [row for row in gather(store) if row.stage not in old]


class _Claim(NamedTuple):
    """What a scores stage, made or failed, claims to be the result of, and how new it is."""

    key: str
    newness: tuple[int, str]  # the last turn in which it was planned; the time of day where no run noted it
    name: str  # identity and definition
    cohort: str  # data set and recipe
    data: str  # the data set with all its content


def superseded(store: Store) -> set[str]:
    """Scores stages, made or failed, that newer ones replace.

    Of an identity and definition the one that was planned last stands; and of a data set and recipe only
    results of the data as they were planned last: before and after a change they cannot be compared.
    """
    claims = list(_claims(store))
    newest_data: dict[str, tuple[tuple[int, str], str]] = {}
    for one in claims:
        newest_data[one.cohort] = max(newest_data.get(one.cohort, ((-1, ""), "")), (one.newness, one.data))
    standing: dict[str, _Claim] = {}
    for one in sorted(claims, key=lambda one: (one.newness, one.key)):
        if one.data == newest_data[one.cohort][1]:
            standing[one.name] = one
    return {one.key for one in claims} - {one.key for one in standing.values()}


def _claims(store: Store) -> Iterator[_Claim]:
    last = turns(store)

    def claim(key: str, identity: Mapping[str, Any], definition: str, when: str, own_data: str) -> _Claim:
        turn = last.get(key, Turn(0, ()))
        who = {name: identity[name] for name in IDENTITY if name in identity}
        # By the plan, not by the stage: what a change does not touch is not made again, and is of both.
        of_its_name = [one for one in turn.data_sets if one.rpartition("-")[0] == who.get("dataset")]
        return _Claim(
            key,
            (turn.number, when),
            json.dumps([who, definition], sort_keys=True),
            json.dumps([who.get("dataset"), who.get("recipe")]),
            of_its_name[0] if of_its_name else own_data,
        )

    for key in store.keys("scores"):
        described = store.stage(key)
        settings, own_data = described["settings"], str(described.get("dataset_id", ""))
        definition = settings["metrics"]["definition"]
        yield claim(key, settings["identity"], definition, str(described["started"]), own_data)
    for key, failure in store.failures().items():
        if planned := failure.get("planned_rows"):
            when, own_data = str(failure.get("when", "")), str(failure.get("stage", {}).get("dataset_id", ""))
            yield claim(key, planned["identity"], planned["definition"], when, own_data)


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


def _vouches(noted: Path, store: Store, sources: Sequence[tuple[Any, ...]]) -> bool:
    return noted.is_file() and noted.read_bytes() == _state(store, sources).encode()


def _write_parquet(rows: Sequence[Record], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    aside = path.with_name(f".{path.name}.aside")
    pq.write_table(pa.table({name: [getattr(row, name) for row in rows] for name in COLUMNS}), aside)
    aside.replace(path)


def _sources(store: Store) -> list[tuple[Any, ...]]:
    """What the records are gathered from, by time of change and size: stages, their rows, failures."""
    folders = [store.folder(key) for key in store.keys("scores")]
    failures = sorted((store.path / "failed").glob("*.json"))
    paths = [*(place / name for place in folders for name in ("stage.json", "records.csv")), *failures]
    return [(path.parent.name, path.name, *_mark(path)) for path in paths]


def _state(store: Store, sources: Sequence[tuple[Any, ...]]) -> str:
    """What the tables follow from, and how they lie there, in one word."""
    tables = [_mark(store.path / f"records.{ending}") for ending in ("csv", "parquet")]
    return hashlib.sha256(json.dumps([GATHERING, COLUMNS, sources, tables]).encode()).hexdigest()


def _mark(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
