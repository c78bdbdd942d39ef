"""``bench score``: two label maps or two folders of them, from any tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench import console
from bench.data.grids import check_same_grid
from bench.data.volumes import canonical_spacing_mm, read_label
from bench.errors import DataError
from bench.metrics import METRICS_OF, overall, score, with_iou

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUFFIXES = (".nii", ".nii.gz")


def score_paths(predicted: Path, reference: Path, definition: str, *, as_json: bool) -> int:
    """Score and print; a folder's files are matched by name.

    Raises:
        DataError: Something is missing, or does not lie on the same grid.
    """
    found = pairs(predicted, reference)
    structures = structures_of(found)
    rows = [row for case, one, other in found for row in score_pair(case, one, other, definition, structures)]
    if as_json:
        console.say_json(rows)
    else:
        cells = [
            [r["case"], r["structure"], r["metric"], f"{r['value']:.4f}", r["unit"], r["status"]]
            for r in rows
        ]
        console.say(console.table(cells, ["case", "structure", "metric", "value", "unit", "status"]))
    return 0


def pairs(predicted: Path, reference: Path) -> list[tuple[str, Path, Path]]:
    """Case, prediction and reference, sorted by case; every reference must have its prediction."""
    if not predicted.exists() or not reference.exists():
        raise DataError(f"{predicted if not predicted.exists() else reference} does not exist.")
    if predicted.is_dir() != reference.is_dir():
        raise DataError("one of the two is a folder and the other a file; give two files or two folders.")
    if not reference.is_dir():
        return [(_case(reference), predicted, reference)]
    there, wanted = _label_maps(predicted), _label_maps(reference)
    if not wanted:
        raise DataError(f"{reference} holds no {' or '.join(SUFFIXES)} file.")
    if missing := sorted(set(wanted) - set(there)):
        raise DataError(
            f"{predicted} lacks {len(missing)} of {len(wanted)} cases, the first is {missing[0]}."
        )
    if extra := sorted(set(there) - set(wanted)):
        raise DataError(
            f"{reference} lacks {len(extra)} cases that {predicted} has, the first is {extra[0]}."
        )
    return [(case, there[case], wanted[case]) for case in sorted(wanted)]


def structures_of(found: Sequence[tuple[str, Path, Path]]) -> tuple[int, ...]:
    """The structures of a call, the same for all its cases: every label above 0 that any label map has.

    A number that no label map has is no structure: measured as empty on both sides it would have a Dice of 1.

    Raises:
        DataError: A label map cannot be read, or none has a structure.
    """
    labels = {
        int(label) for _, *both in found for path in both for label in np.unique(read_label(path)[0])
    } - {0}
    if not labels:
        _, first, other = found[0]
        named = f"{first} and {other}" if len(found) == 1 else f"{first.parent} and {other.parent}"
        raise DataError(
            f"the label maps of {named} hold no label above 0, so there is no structure to measure; "
            "expected a structure in at least one of them."
        )
    return tuple(sorted(labels))


def score_pair(
    case: str, predicted: Path, reference: Path, definition: str, structures: Sequence[int]
) -> list[dict[str, Any]]:
    """The records of one case; structures by their number, the overall score under ``all``."""
    predicted_ijk, own = read_label(predicted)
    reference_ijk, grid = read_label(reference)
    check_same_grid(grid, own, predicted)
    measures = score(
        predicted_ijk, reference_ijk, canonical_spacing_mm(grid), structures, definition=definition
    )
    return [
        {
            "case": case,
            "structure": str(one.structure) if one.structure else "all",
            "metric": one.metric,
            "value": one.value,
            "unit": one.unit,
            "definition": one.definition,
            "status": one.status,
        }
        for one in [*with_iou(measures), overall(measures)]
    ]


def definitions() -> list[str]:
    """The definitions that ``--definition`` takes."""
    return list(METRICS_OF)


def _case(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _label_maps(folder: Path) -> dict[str, Path]:
    return {_case(path): path for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIXES)}
