"""``bench merge``: the tables of several stores as one, so that a campaign can be run in parts."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from bench.cli import console
from bench.errors import DataError, UsageError
from bench.files.atomic import whole_folder
from bench.files.json_document import noted
from bench.records import gather
from bench.records.publish import BESIDE, is_current, publish, text_of
from bench.settings.serialise import plain
from bench.store import provenance, record
from bench.store.record import Record
from bench.store.run_log import data_sets
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MANIFEST = "sources.json"
"""The file that holds the path, checksum, rows and data sets of each source."""
_WHO = tuple(
    one.name for one in fields(Record) if one.name not in ("run", "commit", "value", "status", "stage")
)
_SHOWN = 5


@dataclass(slots=True)
class _Merged:
    """The rows of all sources, each result once."""

    rows: dict[tuple[object, ...], Record] = field(default_factory=dict)
    source: dict[tuple[object, ...], Path] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)

    def add(self, row: Record, source: Path) -> None:
        """Take a row in; of a result that is there already, only if the same stage says the same."""
        who = tuple(getattr(row, name) for name in _WHO)
        known = self.rows.setdefault(who, row)
        if known is row:
            self.source[who] = source
        elif (known.value, known.status, known.stage) != (row.value, row.status, row.stage):
            what = f"{row.role} {row.method} {row.variant}".strip()
            under = "" if row.noise == "none" else f", noise {row.noise}"
            self.conflicts.append(
                f"{row.dataset}: {what} at ξ {row.xi}{under}, seed {row.seed}, {row.recipe}, case {row.case} "
                f"({self.source[who]}: {known.stage}; {source}: {row.stage})"
            )


def merge(sources: Sequence[Path], out: Path, *, as_json: bool) -> int:
    """Write the tables of all sources, each result once, into a folder that ``report`` and ``compare`` read.

    A source is a store, or a folder of ``records.csv``, ``records.csv.gz`` or ``records.parquet`` with the
    tables beside them.

    Raises:
        UsageError: The folder to write is there already, or a source is named twice.
        DataError: A source holds no records, or two hold different results of one name or different data
            sets of one name; nothing is written.
    """
    if out.exists():
        raise UsageError(f"{out} exists already; name a folder that does not.")
    if twice := [path for path, count in Counter(path.resolve() for path in sources).items() if count > 1]:
        raise UsageError(f"{twice[0]} is named twice.")
    merged, described = _Merged(), []
    for source in sources:
        found = _records_in(source)
        for row in found.rows:
            merged.add(row, source)
        described.append(found.note)
    _refuse(merged.conflicts)
    _refuse_other_data(described)
    rows = sorted(merged.rows.values())
    with whole_folder(out) as aside:
        (aside / "records.csv").write_text(record.text_of(rows), encoding="utf-8")
        for name in BESIDE:
            if text := _together([path for source in sources if (path := _table(source, name))]):
                (aside / name).write_text(text, encoding="utf-8")
        manifest = {"sources": [plain(one) for one in described], "commit": provenance.commit()}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    shared = sum(one.rows for one in described) - len(rows)
    if as_json:
        console.say_json({"out": str(out), "rows": len(rows), "shared": shared, **manifest})
    else:
        for one in described:
            console.say(f"{one.source}: {one.rows} rows")
        console.say(f"{out / 'records.csv'}: {len(rows)} rows, {shared} of them in several sources")
        console.say(f"report   bench report --store {out}")
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """The source of merged records, as the manifest names it."""

    source: str
    rows: int
    sha256: str
    data_sets: list[str]  # ids, those of the last run first


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[Record]
    note: SourceNote


def _records_in(source: Path) -> _Found:
    """The standing records of a source, and where they came from."""
    store = Store(source)
    if store.is_store:
        if not is_current(store):
            with store.locked():
                publish(store)
        rows = gather.standing(store)
        named = data_sets(store)
    else:
        rows = list(_read(source))
        named = _data_sets_noted(source)
    if not rows:
        raise DataError(
            f"{source} holds no records; name a store, or a folder of records.csv.gz or .parquet."
        )
    digest = hashlib.sha256(record.text_of(rows).encode()).hexdigest()
    note = SourceNote(source=str(source), rows=len(rows), sha256=digest, data_sets=named)
    return _Found(rows, note)


def _data_sets_noted(source: Path) -> list[str]:
    """The ids of data sets that merged or kept records say they are of; none where they do not say."""
    said = noted(source / MANIFEST) or noted(source / "run.json")
    parts = said.get("sources", [said])
    return list(dict.fromkeys(str(one) for part in parts for one in part.get("data_sets", [])))


def _read(source: Path) -> Iterator[Record]:
    """The rows of a folder of records, as CSV, compressed or not, or as Parquet."""
    if found := _table(source, "records.csv"):
        yield from record.parse(io.StringIO(_text_of(found), newline=""), str(found))
    elif (source / "records.parquet").is_file():
        import pyarrow.parquet as pq

        path = source / "records.parquet"
        try:
            rows = pq.read_table(path, columns=list(record.COLUMNS)).to_pylist()
        except (OSError, ValueError) as error:
            raise DataError(f"{path} does not hold records: {error}.") from error
        yield from (Record(**row) for row in rows)


def _table(source: Path, name: str) -> Path | None:
    """The file of a table in a folder, compressed or not; None where there is none."""
    paths = (source / name, source / f"{name}.gz")
    return next((path for path in paths if path.is_file() and path.stat().st_size), None)


def _text_of(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error


def _together(paths: Iterable[Path]) -> str:
    """The rows of one table of several sources, each once, under the columns of all; empty without rows."""
    rows: dict[str, dict[str, str]] = {}
    columns: dict[str, None] = {}
    for path in paths:
        reader = csv.DictReader(io.StringIO(_text_of(path)))
        columns |= dict.fromkeys(reader.fieldnames or ())
        for row in reader:
            own = {key: value for key, value in row.items() if key != "run"}
            rows.setdefault(json.dumps(own, sort_keys=True), row)
    return text_of(list(columns), rows.values()) if rows else ""


def _refuse(conflicts: Sequence[str]) -> None:
    """Name results that two sources have differently.

    Raises:
        DataError: There is one.
    """
    if conflicts:
        first = "\n  ".join(conflicts[:_SHOWN])
        more = f"\n  and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
        raise DataError(
            f"{len(conflicts)} results differ between sources; merge runs of one setting:\n  {first}{more}"
        )


def _refuse_other_data(described: Sequence[SourceNote]) -> None:
    """Name a data set of which two sources have different content.

    Raises:
        DataError: There is one.
    """
    ids: dict[str, tuple[str, str]] = {}
    for one in described:
        newest: dict[str, str] = {}
        for data_set in one.data_sets:  # of the last run first
            newest.setdefault(data_set.rpartition("-")[0], data_set)
        for name, data_set in newest.items():
            known, source = ids.setdefault(name, (data_set, one.source))
            if known != data_set:
                raise DataError(
                    f"{source} and {one.source} hold results of different data named {name} "
                    f"({known}, {data_set})."
                )
