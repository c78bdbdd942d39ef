"""The records of a store: rows of its scores stages, made or failed, but those that newer ones replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.errors import DataError
from bench.settings.stage_specs import Identity, ResultName
from bench.settings.stage_specs import read as read_part
from bench.store.integrity import checksum
from bench.store.record import _CELLS, COLUMNS, IDENTITY, Record, failed_rows, read, with_iou
from bench.store.run_log import Turn, turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bench.store.documents import FinishedStage
    from bench.store.store import Store


def rows_of(store: Store, keys: Iterable[str]) -> list[Record]:
    """The rows of these scores stages: those written, then the planned ones of those that failed."""
    rows: list[Record] = []
    wanted, failures, there = list(keys), store.failures(), store.finished()
    for key in filter(there.__contains__, wanted):
        described = store.finished_stage(key)
        origin = {"run": described.run, "commit": described.commit}
        rows.extend(with_iou(_own_rows(store.folder(key) / "records.csv", described, origin)))
    for key in wanted:
        if key in failures and (planned := failures[key].planned_rows):
            rows.extend(with_iou(failed_rows(planned)))
    return rows


def _own_rows(path: Path, described: FinishedStage, origin: Mapping[str, str]) -> Iterator[Record]:
    """The rows that a stage wrote.

    Raises:
        DataError: They are no longer what it wrote.
    """
    expected = described.files.get(path.name)
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
    name: tuple[Identity, str]  # with the definition
    cohort: tuple[str, str]  # data set and recipe
    data: str  # the data set with all its content


def superseded(store: Store) -> set[str]:
    """Scores stages, made or failed, that newer ones replace.

    Of an identity and definition the one that was planned last stands; and of a data set and recipe only
    results of the data as they were planned last: before and after a change they cannot be compared.
    """
    claims = list(_claims(store))
    newest_data: dict[tuple[str, str], tuple[tuple[int, str], str]] = {}
    for one in claims:
        newest_data[one.cohort] = max(newest_data.get(one.cohort, ((-1, ""), "")), (one.newness, one.data))
    standing: dict[tuple[Identity, str], _Claim] = {}
    for one in sorted(claims, key=lambda one: (one.newness, one.key)):
        if one.data == newest_data[one.cohort][1]:
            standing[one.name] = one
    return {one.key for one in claims} - {one.key for one in standing.values()}


def _claims(store: Store) -> Iterator[_Claim]:
    last = turns(store)

    def claim(key: str, who: Identity, definition: str, when: str, own_data: str) -> _Claim:
        turn = last.get(key, Turn(0, ()))
        # By the plan, not by the stage: what a change does not touch is not made again, and is of both.
        of_its_name = [one for one in turn.data_sets if one.rpartition("-")[0] == who.dataset]
        return _Claim(
            key,
            (turn.number, when),
            (who, definition),
            (who.dataset, who.recipe),
            of_its_name[0] if of_its_name else own_data,
        )

    for key in store.keys("scores"):
        described = store.finished_stage(key)
        said = read_part(ResultName, described.settings, f"the settings of {key}")
        yield claim(key, said.identity, said.metrics.definition, described.started, described.dataset_id)
    for key, failure in store.failures().items():
        if planned := failure.planned_rows:
            who = Identity(**{name: getattr(planned.identity, name) for name in IDENTITY})
            yield claim(key, who, planned.definition, failure.when, failure.stage.dataset_id)
