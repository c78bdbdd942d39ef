"""The few numbers that the terminal shows when a run ends; the report is ``reports``'."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING

from bench import record
from bench.console import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.store import Store


def curve(store: Store, keys: Sequence[str]) -> str:
    """Mean Dice over structures, test cases and seeds of these stages: a row a method, a column a ξ.

    A cell with a failed case has no mean and says so.
    """
    values: dict[tuple[str, str, str], list[float | None]] = defaultdict(list)
    for row in record.rows_of(store, [key for key in keys if key.startswith("scores-")]):
        if (
            row.metric == "dice"
            and row.role in ("student", "supervised")
            and row.structure != record.BACKGROUND
        ):
            name = f"{row.method}/{row.variant}" if row.variant else row.method
            values[row.dataset, name, row.xi].append(row.value)
    datasets = list(dict.fromkeys(dataset for dataset, _, _ in values))
    return "\n\n".join(_one(dataset, values) for dataset in datasets)


def _one(dataset: str, values: dict[tuple[str, str, str], list[float | None]]) -> str:
    here = {(method, xi): cells for (name, method, xi), cells in values.items() if name == dataset}
    methods = list(dict.fromkeys(method for method, _ in here))
    xis = sorted({xi for _, xi in here}, key=float)
    header = ["mean Dice", *["full" if xi == "1.0" else xi for xi in xis]]
    body = [[method, *[_cell(here.get((method, xi), [])) for xi in xis]] for method in methods]
    return f"{dataset}: by share ξ of manual labels\n{table(body, header)}"


def _cell(values: list[float | None]) -> str:
    if not values:
        return "–"
    there = [value for value in values if value is not None]
    return f"{fmean(there):.2f}" if len(there) == len(values) else "failed"
