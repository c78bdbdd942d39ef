"""``bench score``: two label maps or two folders of them, from any tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from bench.cli import console
from bench.cli.score_pairs import pairs, structures_of
from bench.data.images.grids import SpacingFrom, check_same_grid
from bench.data.images.volumes import canonical_spacing_mm, read_label
from bench.errors import unknown
from bench.metrics import METRICS_OF, overall, score, with_iou
from bench.settings.serialise import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def score_paths(
    predicted: Path, reference: Path, definition: str, *, as_json: bool, spacing_from: SpacingFrom = ""
) -> int:
    """Score and print; a folder's files are matched by name.

    Raises:
        DataError: Something is missing, or does not lie on the same grid.
    """
    found = pairs(predicted, reference)
    structures = structures_of(found, spacing_from)
    rows = [
        row
        for case, one, other in found
        for row in score_pair(case, one, other, definition, structures, spacing_from=spacing_from)
    ]
    if as_json:
        console.say_json([plain(one) for one in rows])
    else:
        cells = [
            [one.case, one.structure, one.metric, f"{one.value:.4f}", one.unit, one.status] for one in rows
        ]
        console.say(console.table(cells, ["case", "structure", "metric", "value", "unit", "status"]))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """One score of a predicted label map against its reference."""

    case: str
    structure: str  # its number, or all
    metric: str
    value: float
    unit: str
    definition: str
    status: str


def score_pair(
    case: str,
    predicted: Path,
    reference: Path,
    definition: str,
    structures: Sequence[int],
    *,
    spacing_from: SpacingFrom = "",
) -> list[PairScore]:
    """The records of one case; structures by their number, the overall score under ``all``."""
    predicted_ijk, own = read_label(predicted, spacing_from=spacing_from)
    reference_ijk, grid = read_label(reference, spacing_from=spacing_from)
    for sentence in (*own.warnings, *grid.warnings):
        console.warn(f"warning: {sentence}")
    check_same_grid(grid, own, predicted)
    measures = score(
        predicted_ijk, reference_ijk, canonical_spacing_mm(grid), structures, definition=definition
    )
    return [
        PairScore(
            case=case,
            structure=str(one.structure) if one.structure else "all",
            metric=one.metric,
            value=one.value,
            unit=one.unit,
            definition=one.definition,
            status=one.status,
        )
        for one in [*with_iou(measures), overall(measures)]
    ]


def definitions() -> list[str]:
    """The definitions that ``--definition`` takes."""
    return list(METRICS_OF)


def spacing_of(text: str) -> SpacingFrom:
    """What ``--spacing`` says.

    Raises:
        UsageError: Neither pixdim nor sform.
    """
    if text not in get_args(SpacingFrom):
        raise unknown("spacing", text, [one for one in get_args(SpacingFrom) if one])
    return cast("SpacingFrom", text)
