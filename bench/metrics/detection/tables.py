"""The tables that a stage of doubts leaves: their columns, and rows as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IDENTITY = ("run", "dataset", "method", "xi", "seed", "split", "role", "variant", "noise", "recipe")
"""Whose doubt it is, in the words of the records; a stage leaves ``run`` empty."""
DOUBTS = (
    *IDENTITY, "case", "map", "progress", "structure", "region", "measure", "value", "voxels", "stage",
)  # fmt: skip
"""``progress`` in % of training; ``structure`` and ``region`` say over which voxels."""
GRADIENTS = (*IDENTITY, "case", "of", "layer", "depth", "progress", "measure", "value", "stage")
"""``of`` is features or parameters; ``depth`` 0 is nearest to the image."""


def text_of(columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV with a header: numbers in full, nothing where a value is undefined or a column has none."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = [row.get(column) for column in columns]
        writer.writerow(["" if c is None else repr(c) if isinstance(c, float) else c for c in cells])
    return buffer.getvalue()
