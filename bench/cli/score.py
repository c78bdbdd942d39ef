"""``bench score``: two label maps or two folders of them, from any tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import console
from bench.records.label_scores import score_paths

if TYPE_CHECKING:
    from pathlib import Path


def score(predicted: Path, reference: Path, definition: str, *, as_json: bool, spacing_from: str = "") -> int:
    """Score and print; a folder's files are matched by name.

    Raises:
        UsageError: No such definition or spacing.
        DataError: Something is missing, or does not lie on the same grid.
    """
    rows = score_paths(predicted, reference, definition=definition, spacing_from=spacing_from)
    if as_json:
        console.say_json([row._asdict() for row in rows])
    else:
        cells = [[r.case, r.structure, r.metric, f"{r.value:.4f}", r.unit, r.status] for r in rows]
        console.say(console.table(cells, ["case", "structure", "metric", "value", "unit", "status"]))
    return 0
