"""The few numbers that the terminal shows when a run ends; the report is ``reports``'."""

from __future__ import annotations

from collections import defaultdict
from math import isnan
from statistics import fmean
from typing import TYPE_CHECKING

from bench.cli.console import table
from bench.records import gather
from bench.store import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.store.record import Record
    from bench.store.store import Store

_Values = dict[tuple[str, str, str, str], list[float | None]]
FULL = "1.0"
LABELLED_ONLY = "labelled-only"
"""The role, and the row, of what the manual cases of a ξ give alone."""
TEACHERS = "teachers"
"""The method of that role that is no method's: the averaged teachers."""
ROLES = ("student", "supervised", LABELLED_ONLY)


def dice_rows(store: Store, keys: Sequence[str]) -> list[Record]:
    """The Dice of each structure of students and references, of the scores stages among these."""
    return [
        row
        for row in gather.rows_of(store, [key for key in keys if key.startswith("scores-")])
        if row.metric == "dice" and row.role in ROLES and row.structure != record.BACKGROUND
    ]


def curve(rows: Iterable[Record]) -> str:
    """Mean Dice over structures, test cases and seeds: a row a method, a column a ξ.

    A table for each data set and noise: pseudo labels and injected noise are never read as one.
    A cell with a failed case has no mean and says so.
    """
    values: _Values = defaultdict(list)
    for row in rows:
        name = f"{row.method}/{row.variant}" if row.variant else row.method
        if row.role == LABELLED_ONLY:
            name = LABELLED_ONLY if row.method == TEACHERS else f"{LABELLED_ONLY} {name}"
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


_Dice = dict[tuple[str, str], dict[tuple[int, str], float]]
"""(method, ξ) -> (seed, case) -> mean Dice over structures; of labelled-only and full as of the methods."""


def closed(rows: Iterable[Record]) -> str:
    """The share of the gap between labelled-only and full that each method closes, over all ξ.

    In mean Dice, with its 95 % interval over seeds and cases; empty where there is no such reference. It is
    of whole numbers of cases alone: who failed in a case has none.
    """
    found: dict[tuple[str, str], dict[tuple[str, str, int, str], list[float]]] = {}
    for row in rows:
        # A method on the manual labels alone is another reference than the teachers, and no part of this gap.
        if not row.variant and (row.role != LABELLED_ONLY or row.method == TEACHERS):
            name = LABELLED_ONLY if row.role == LABELLED_ONLY else row.method
            noise = "" if row.xi == FULL else row.noise
            value = float("nan") if row.value is None else row.value
            of_case = found.setdefault((row.dataset, noise), {})
            of_case.setdefault((name, row.xi, int(row.seed), row.case), []).append(value)
    parts = []
    for (dataset, noise), values in found.items():
        if noise:
            lines = list(_closed(_by_place(values | found.get((dataset, ""), {}))))
            under = "" if noise == "none" else f", noise {noise}"
            if lines:
                parts.append(
                    "\n".join(
                        [f"{dataset}: share of the gap from labelled-only to full closed{under}", *lines]
                    )
                )
    return "\n\n".join(parts)


def _by_place(values: dict[tuple[str, str, int, str], list[float]]) -> _Dice:
    dice: _Dice = defaultdict(dict)
    for (name, xi, seed, case), of_structures in values.items():
        dice[name, xi][seed, case] = fmean(of_structures)
    return dice


def _closed(dice: _Dice) -> Iterator[str]:
    """A line a method, and why there is no verdict."""
    from reports.statistics.evidence import no_verdict

    below = [xi for name, xi in dice if name == LABELLED_ONLY]
    seeds: set[int] = set()
    for method in dict.fromkeys(name for name, _ in dice if name != LABELLED_ONLY):
        shares = [xi for xi in below if (method, xi) in dice]
        if shares and (method, FULL) in dice:
            places = sorted(dice[method, FULL])
            seeds |= {seed for seed, _ in places}
            yield f"  {method:16}{_share(dice, method, shares)}"
    if why := no_verdict(len(seeds)) if seeds else "":
        yield f"  {why}{', the intervals are over cases only' if len(seeds) == 1 else ''}"


def _share(dice: _Dice, method: str, shares: Sequence[str]) -> str:
    """The share that one method closes, with its interval, or why it has none."""
    import numpy as np

    from reports.statistics.evidence import NOTHING_TO_CLOSE
    from reports.statistics.variance import ratio_bounds

    above = _mean_sc(dice, [(method, xi) for xi in shares])
    alone = _mean_sc(dice, [(LABELLED_ONLY, xi) for xi in shares])
    full = _mean_sc(dice, [(method, FULL)])
    if above is None or alone is None or full is None or not (above.shape == alone.shape == full.shape):
        return "not known, a case failed or is absent"
    if full.shape[1] < 2:
        return "not known, one case gives no interval"
    bounds = ratio_bounds(above - alone, full - alone)
    if bounds is None:
        return NOTHING_TO_CLOSE
    share = np.nanmean(above - alone, axis=1).mean() / np.nanmean(full - alone, axis=1).mean()
    return f"{share:.2f} ({bounds[0]:.2f} to {bounds[1]:.2f})"


def _mean_sc(dice: _Dice, places: Sequence[tuple[str, str]]) -> NDArray[np.float64] | None:
    """The mean over these ξ of each seed and case, NaN where a seed lacks a case; None where one failed."""
    import numpy as np

    tables = [dice[place] for place in places]
    if any(table.keys() != tables[0].keys() for table in tables):
        return None
    seeds, cases = sorted({seed for seed, _ in tables[0]}), sorted({case for _, case in tables[0]})
    mean = {place: fmean(table[place] for table in tables) for place in tables[0]}
    if any(isnan(value) for value in mean.values()):
        return None
    return np.array([[mean.get((seed, case), np.nan) for case in cases] for seed in seeds])
