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

_Values = dict[tuple[str, str, str, str], list[float | None]]
FULL = "1.0"
LABELLED_ONLY = "labelled-only"
"""The role, and the row, of what the manual cases of a ξ give alone."""


def curve(store: Store, keys: Sequence[str]) -> str:
    """Mean Dice over structures, test cases and seeds of these stages: a row a method, a column a ξ.

    A table for each data set and noise: pseudo labels and injected noise are never read as one.
    A cell with a failed case has no mean and says so.
    """
    values: _Values = defaultdict(list)
    for row in record.rows_of(store, [key for key in keys if key.startswith("scores-")]):
        if (
            row.metric == "dice"
            and row.role in ("student", "supervised", LABELLED_ONLY)
            and row.structure != record.BACKGROUND
        ):
            name = f"{row.method}/{row.variant}" if row.variant else row.method
            if row.role == LABELLED_ONLY:
                name = LABELLED_ONLY if row.method == "teachers" else f"{LABELLED_ONLY} {name}"
            values[row.dataset, row.noise, name, row.xi].append(row.value)
    tables = dict.fromkeys((dataset, noise) for dataset, noise, _, xi in values if xi != FULL)
    tables = tables or dict.fromkeys((dataset, noise) for dataset, noise, _, _ in values)
    return "\n\n".join(_one(*one, values) for one in tables)


def _one(dataset: str, noise: str, values: _Values) -> str:
    """One table; all manual labels are the same reference under every noise."""
    here = {
        (method, xi): cells
        for (name, under, method, xi), cells in values.items()
        if name == dataset and (under == noise or xi == FULL)
    }
    methods = sorted(
        dict.fromkeys(method for method, _ in here), key=lambda name: name.startswith(LABELLED_ONLY)
    )
    xis = sorted({xi for _, xi in here}, key=float)
    header = ["mean Dice", *["full" if xi == FULL else xi for xi in xis]]
    body = [[method, *[_cell(here.get((method, xi), [])) for xi in xis]] for method in methods]
    under = "" if noise == "none" else f", noise {noise}"
    return f"{dataset}: by share ξ of manual labels{under}\n{table(body, header)}"


def _cell(values: list[float | None]) -> str:
    if not values:
        return "–"
    there = [value for value in values if value is not None]
    return f"{fmean(there):.2f}" if len(there) == len(values) else "failed"
