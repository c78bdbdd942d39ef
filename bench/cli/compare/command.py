"""``bench compare A B``: the difference of two contestants at each ξ, on each data set of a store."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.cli import console
from bench.cli.compare.sides import check_known, side_of
from bench.data.split import shares
from bench.errors import TOLERANCE_EXCEEDED, DataError, UsageError, unknown
from bench.records.reading import leaks_of, load_records
from bench.store.run_log import folded_shares
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    import pandas as pd

    from reports.claims.pairwise import Comparison, Side
    from reports.statistics.cohorts import Cohort

_HEADER: Final = ("ξ", "A − B", "95 % interval", "p", "p Holm", "cases", "seeds", "verdict")
_FOOT: Final = """
Interval and p are over other seeds and cases; with one seed over cases only.
The ξ are one family: their verdicts go by p after Holm. The row all, the mean
over the ξ below 1, stands alone. Undecided is not equal. Fewer than three seeds
give no verdict; `--seeds 3` is the fewest that decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How two sides are compared: by what, at which ξ, and within what they would be as good as equal."""

    metric: str = "overall"
    xi: str = ""
    tolerance: float | None = None
    strict: bool = False  # whether what is not equivalent within the tolerance is an exit code


def compare(one: str, other: str, options: Options, store_path: Path, *, as_json: bool) -> int:
    """Print A − B for each data set and ξ with its interval, p and p after Holm over the ξ.

    Raises:
        UsageError: A side, metric or ξ that nothing bears, or one that is compared with itself.
        DataError: The store has no records, or the sides share no ξ on any data set.
    """
    sides = side_of(one), side_of(other)
    wanted = _wanted(options, sides)
    from reports.statistics.cohorts import cohorts

    records = load_records(store_path)
    try:
        found = cohorts(records)
        for side in sides:
            check_known(side, records)
        compared = {cohort.name: _rows(cohort, sides, options.metric, wanted) for cohort in found}
        closed = {cohort.name: _closed(cohort, sides) for cohort in found}
    except ValueError as error:
        raise DataError(str(error)) from error
    if noises := _left_out(records, sides):
        console.warn(
            f"note: what they scored under injected noise ({', '.join(noises)}) is not compared here; "
            "`bench report` ranks them in each noise."
        )
    folded = _folded(store_path, options, sides)
    if not any(compared.values()):
        for sentence in folded.values():
            console.warn(f"note: {sentence}.")
        _no_common(found, one, other, options)
    there = set(records["dataset"])
    leaks = {name: mark for name, mark in leaks_of(Store(store_path)).items() if name in there}
    if as_json:
        said = [{"dataset": name, **row} for name, rows in closed.items() for row in rows]
        console.say_json({**_document(one, other, options, compared), "closed": said, "leaks": leaks})
    else:
        _print(one, other, options, compared, folded, _headlines(closed))
        for name, mark in leaks.items():
            console.say(f"\nNot to be trusted: in {console.one_line(name)} {mark}.")
    return _held(compared, options.tolerance) if options.strict and options.tolerance is not None else 0


def _held(compared: dict[str, list[Comparison]], tolerance: float) -> int:
    """Name every row that is not equivalent within the tolerance; the exit code."""
    outside = [
        (name, row)
        for name, rows in compared.items()
        for row in rows
        if row.within(tolerance) != "equivalent"
    ]
    for name, row in outside:
        found = row.reason or row.within(tolerance)
        console.warn(f"{console.one_line(name)}, ξ {row.xi}: not equivalent within ±{tolerance:g}: {found}.")
    return TOLERANCE_EXCEEDED if outside else 0


def _folded(store_path: Path, options: Options, sides: tuple[Side, Side]) -> dict[str, str]:
    """Data set -> which of the ξ asked for were planned as a smaller one there, without the stop."""
    named = [str(side.xi) for side in sides if side.xi is not None]
    asked = {float(share) for share in (shares(options.xi) if options.xi else named)}
    said = {}
    for name, folded in folded_shares(Store(store_path)).items():
        phrases = [f"ξ {xi} is {first} here" for xi, first in folded.items() if float(xi) in asked]
        if phrases:
            said[name] = f"{console.one_line(name)}: {'; '.join(phrases)}, the same training"
    return said


def _left_out(records: pd.DataFrame, sides: tuple[Side, Side]) -> list[str]:
    """The injected noises under which both sides have results: no number is over several noises."""
    methods = {side.method for side in sides}
    noisy = records[(records["noise"] != "none") & records["method"].isin(methods)]
    shared = noisy.groupby("noise")["method"].nunique()
    return sorted(str(noise) for noise in shared.index[shared == len(methods)])


def _wanted(options: Options, sides: tuple[Side, Side]) -> list[float] | None:
    """The ξ asked for, after every word was looked at."""
    if sides[0] == sides[1]:
        raise UsageError(f"{sides[0].method} is compared with itself; name two different sides.")
    if options.strict and options.tolerance is None:
        raise UsageError("--strict holds the two to a tolerance; add --tolerance, in the unit of the metric.")
    if options.tolerance is not None and not (math.isfinite(options.tolerance) and options.tolerance > 0):
        raise UsageError(f"--tolerance {options.tolerance} must be above 0, in the unit of the metric.")
    if not options.xi:
        return None
    if any(side.xi is not None for side in sides):
        raise UsageError(f"--xi {options.xi} and a side's own @ξ contradict each other; leave one of them.")
    return [float(share) for share in shares(options.xi)]


def _rows(
    cohort: Cohort, sides: tuple[Side, Side], metric: str, wanted: list[float] | None
) -> list[Comparison]:
    from reports.claims.pairwise import versus

    return versus(cohort.records, *sides, metric, wanted)


def _closed(cohort: Cohort, sides: tuple[Side, Side]) -> list[dict[Hashable, Any]]:
    """What share of the gap between labelled-only and full each side that is a method closes."""
    from reports.claims.gap import closed_table

    table = closed_table(cohort.records)
    rows: list[dict[Hashable, Any]] = []
    for side in sides:
        own = table[table["method"] == side.method] if not side.variant else table.iloc[:0]
        own = own if side.xi is None else own[own["xi"] == f"{side.xi}"]
        found = own.head(1).astype(object)
        rows += found.where(found.notna(), None).to_dict("records")
    return rows


def _headlines(closed: dict[str, list[dict[Hashable, Any]]]) -> dict[str, list[str]]:
    """A sentence a side, by data set."""
    from reports.claims.gap import closed_words

    return {name: [f"{closed_words(row)}." for row in rows] for name, rows in closed.items()}


def _no_common(found: list[Cohort], one: str, other: str, options: Options) -> None:
    """Say why there is nothing to print.

    Raises:
        UsageError: No data set has the metric.
        DataError: The sides share no ξ.
    """
    from reports.claims.pairwise import measures_of

    measures = sorted({name for cohort in found for name in measures_of(cohort.records)})
    if options.metric not in measures:
        raise unknown("metric", options.metric, measures)
    among = f" among {options.xi}" if options.xi else ""
    raise DataError(f"{one} and {other} share no ξ{among} on any data set; `bench status` tells what ran.")


def _document(
    one: str, other: str, options: Options, compared: dict[str, list[Comparison]]
) -> dict[str, Any]:
    """The comparison as JSON; `p_holm` is over the ξ of one data set, of the pooled row its own p."""
    return {
        "a": one,
        "b": other,
        "metric": options.metric,
        "tolerance": options.tolerance,
        "rows": [row for name, rows in compared.items() for row in _of_cohort(name, rows, options.tolerance)],
    }


def _of_cohort(name: str, rows: list[Comparison], tolerance: float | None) -> list[dict[str, Any]]:
    return [
        {
            "dataset": name,
            "xi": row.xi,
            "difference": row.interval.mean if row.interval else None,
            "low": row.interval.low if row.interval else None,
            "high": row.interval.high if row.interval else None,
            "interval": row.interval.over if row.interval else None,
            "p": row.interval.p if row.interval else None,
            "p_holm": row.adjusted,
            "cases": row.interval.cases if row.interval else 0,
            "seeds": row.interval.seeds if row.interval else 0,
            "verdict": row.verdict,
            "within_tolerance": row.within(tolerance) if tolerance is not None else None,
            "reason": row.reason,
        }
        for row in rows
    ]


def _print(
    one: str,
    other: str,
    options: Options,
    compared: dict[str, list[Comparison]],
    folded: dict[str, str],
    headlines: dict[str, list[str]],
) -> None:
    console.say(f"A = {one}, B = {other}")
    console.say(f"A − B in {options.metric}, over the cases and seeds that both have")
    for name, rows in compared.items():
        console.say(f"\n{console.one_line(name)}")
        for sentence in headlines[name]:
            console.say(textwrap.fill(sentence, 80, break_on_hyphens=False))
        shown = [row for row in rows if row.interval is not None]
        if shown:
            console.say(console.table([_cells(row) for row in shown], _HEADER))
        _say_beside(rows, options.tolerance)
        if not rows:
            console.say(f"A and B share no ξ here, or nothing has {options.metric}.")
        if name in folded:
            console.say(f"{folded[name]}.")
    console.say(_FOOT)


def _say_beside(rows: list[Comparison], tolerance: float | None) -> None:
    """What the table does not hold: who was not compared, who is equivalent, why there is no verdict."""
    from reports.statistics.cohorts import SMOKE_SENTENCE
    from reports.statistics.wording import signed

    for row in rows:
        if row.reason:
            console.say(f"ξ {row.xi}: not compared, {console.one_line(row.reason)}.")
        elif tolerance is not None:
            console.say(f"ξ {row.xi}: {_within(row, tolerance, signed(tolerance)[1:])}.")
    why = [SMOKE_SENTENCE if row.smoke else row.interval.no_verdict for row in rows if row.interval]
    for said in dict.fromkeys(why):
        if said:
            console.say(f"{said}.")


def _cells(row: Comparison) -> list[str]:
    from reports.statistics.cohorts import NO_VERDICT
    from reports.statistics.wording import probability, signed

    interval = row.interval
    assert interval is not None, "only compared rows are shown"
    bounds = "–"
    if interval.low is not None and interval.high is not None:
        bounds = f"{signed(interval.low)} to {signed(interval.high)}"
    ps = [probability(p) if p is not None else "–" for p in (interval.p, row.adjusted)]
    verdict = NO_VERDICT if interval.no_verdict else row.verdict  # why is said once, below
    return [row.xi, signed(interval.mean), bounds, *ps, str(interval.cases), str(interval.seeds), verdict]


def _within(row: Comparison, tolerance: float, shown: str) -> str:
    """The equivalence statement: two one-sided tests at 2.5 % each, read off the 95 % interval."""
    found = row.within(tolerance)
    if row.smoke or (row.interval is not None and row.interval.no_verdict):
        return found
    if found == "equivalent":
        return f"equivalent, smaller than {shown}: the whole interval is inside ±{shown}"
    if found == "different":
        return f"different by more than {shown}, the whole interval is outside ±{shown}"
    if row.too_few:
        return f"undecided within ±{shown}, so few cases cannot tell"
    return f"undecided, the interval reaches over ±{shown}"
