"""The record: one row for a stage, case, structure and metric; long, flat, and the truth of this project."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.errors import DataError
from bench.metrics import METRICS_OF, UNITS, iou_of
from bench.settings.serialise import plain
from bench.settings.stage_specs import MeasuredSpec
from bench.store import provenance
from bench.store.documents import FinishedStage, PlannedRows, RowIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bench.store.stage import Stage


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
            row = {"run": "", "commit": "", **dict(zip(columns, cells, strict=True)), **origin}
            seed, split, value = int(row.pop("seed")), int(row.pop("split")), row.pop("value")
            yield Record(seed=seed, split=split, value=_finite(value) if value else None, **row)
    except (csv.Error, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{source} does not hold records: {error}.") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the value {text!r} is no finite number")
    return value


def failed_rows(planned: PlannedRows) -> Iterator[Record]:
    """The planned rows of a scores stage that has no result: every one is there, without a value."""
    units = {**UNITS, **planned.units}
    named = [(structure, metric) for structure in planned.structures for metric in planned.metrics]
    named += [(BACKGROUND, "dice")] if planned.background else []
    identity = plain(planned.identity)
    for case in planned.cases:
        for structure, metric in [*named, ("all", "overall")]:
            yield Record(
                **identity,
                case=case,
                structure=structure,
                metric=metric,
                value=None,
                unit=units[metric],
                definition=planned.definition,
                status="failed",
                stage=planned.stage,
            )


def with_iou(rows: Iterable[Record]) -> Iterator[Record]:
    """The rows with the IoU of each structure after its Dice, which it follows from.

    So stages made before IoU was recorded have it too, under the same keys (docs/decisions/0028).
    """
    for row in rows:
        yield row
        if row.metric == "dice" and row.structure != BACKGROUND:
            value = None if row.value is None else iou_of(row.value)
            yield replace(row, metric="iou", value=value, unit=UNITS["iou"])


def planned_rows(stage: Stage | FinishedStage, run: str = "") -> PlannedRows | None:
    """The rows that a scores stage would have written; None for any other stage.

    Args:
        stage: One that is planned, or what its stage.json says.
        run: The run that plans it; of a finished stage its own.
    """
    spec = stage.spec
    if not isinstance(spec, MeasuredSpec):
        return None
    metrics, commit = spec.metrics, provenance.commit()
    if isinstance(stage, FinishedStage):
        run, commit = stage.run, stage.commit
    return PlannedRows(
        identity=RowIdentity(**plain(spec.identity), run=run, commit=commit),
        cases=tuple(dict(stage.labels)),
        structures=spec.structures,
        background=spec.background,
        definition=metrics.definition,
        metrics=(*METRICS_OF[metrics.definition], *metrics.more),
        units=spec.units,
        stage=stage.key,
    )
