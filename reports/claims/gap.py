"""The gap between what the manual labels of a ξ give alone and what all of them give, and who closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from reports.claims.claims import Contestant, Part
from reports.claims.contrast import NotComparedError, board, contrast
from reports.statistics.aggregate import different
from reports.statistics.cohorts import LABELLED_ONLY, NO_NOISE, SMOKE, SMOKE_SENTENCE, TEACHERS
from reports.statistics.evidence import NOTHING_TO_CLOSE
from reports.statistics.intervals import mean_interval
from reports.statistics.variance import ratio_bounds
from reports.statistics.wording import counted, plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from reports.claims.contrast import Board
    from reports.statistics.intervals import Interval

CLOSED_COLUMNS: Final = (
    "method", "xi", "closed", "closed_lower", "closed_upper", "gap", "gap_lower", "gap_upper", "cases",
    "seeds", "note",
)  # fmt: skip
"""Of `closed_table`, one row a method and ξ, all ξ together first: the share of its gap in mean Dice that it
closes, (method − labelled-only) / (full − labelled-only), with its 95 % interval by Fieller's theorem; the
gap with its own; counts; and why there is no share, or no verdict."""
GAP_COLUMNS: Final = (
    "measure", "xi", "gap", "gap_lower", "gap_upper", "cases", "seeds", "note",
)  # fmt: skip
"""Of `gap_table`, one row a ξ: full (the methods trained on all manual labels, averaged) − labelled-only."""
ALL: Final = "all"
_MEASURE: Final = "dice"
_ALONE: Final = Contestant(LABELLED_ONLY, TEACHERS)


def closed_table(rows: pd.DataFrame, noise: str = NO_NOISE) -> pd.DataFrame:
    """The share of the gap that each method closes, at each ξ and over all; as `CLOSED_COLUMNS` says.

    Args:
        rows: Unique records of one cohort.
        noise: The noise of the students' labels; all manual labels are the same reference under every noise.
    """
    scores = _board(rows, noise)
    smoke = bool((rows["recipe"] == SMOKE).any())
    lines = []
    for method in _methods(scores):
        shares = _shares(scores, Contestant("student", method))
        for of in [shares, *([share] for share in shares)] if len(shares) > 1 else [shares]:
            found = _closed(scores, method, of)
            if found:
                name = ALL if len(of) > 1 else f"{of[0]}"
                lines.append({"method": method, "xi": name, **found, **({"note": "smoke"} if smoke else {})})
    return pd.DataFrame(lines, columns=list(CLOSED_COLUMNS))


def gap_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The gap at each ξ, in overall score and in mean Dice; as `GAP_COLUMNS` says."""
    scores, lines = _board(rows, NO_NOISE), []
    methods = _methods(scores)
    full = {Contestant("supervised", method): 1 / len(methods) for method in methods}
    for measure in ("overall", _MEASURE):
        for share in different(scores.of(_ALONE), scores.realised) if methods else []:
            parts = (Part(full, 1.0, 1.0, measure), Part({_ALONE: -1.0}, share, share, measure))
            found = _interval(parts, ([1.0], [share]), scores)
            if found:
                lines.append(
                    {"measure": measure, "xi": f"{share}", **_columns("gap", found), **_counts(found)}
                )
    return pd.DataFrame(lines, columns=list(GAP_COLUMNS))


def closed_sentences(table: pd.DataFrame, name: str) -> list[str]:
    """The headline of each method: what share of the gap it closes, or that there is nothing to close."""
    if (table["note"] == "smoke").any():
        return [f"On {name}, {SMOKE_SENTENCE}."]
    first = table.drop_duplicates("method")
    return [f"On {name}, {closed_words(row)}." for row in first.to_dict("records")]


def closed_words(row: Mapping[Hashable, Any]) -> str:
    """One row of `closed_table` in words, without the stop."""
    where = "over all ξ" if row["xi"] == ALL else f"at ξ = {row['xi']}"
    over = f"{counted(int(row['cases']), 'case')}, {counted(int(row['seeds']), 'seed')}"
    gap = f"gap {_bounds(row, 'gap')} in mean Dice"
    if pd.isna(row["closed"]):
        return f"{row['method']} {where}: {row['note']} ({gap}, {over})"
    only = " over cases only" if row["seeds"] == 1 else ""
    note = f"; {row['note']}" if row["note"] else ""
    closes = f"{row['method']} closes {_bounds(row, 'closed', 2)} of the gap {where}{only}"
    return f"{closes} ({gap}, {over}){note}"


def _bounds(row: Mapping[Hashable, Any], name: str, digits: int = 3) -> str:
    low, high = row[f"{name}_lower"], row[f"{name}_upper"]
    bounds = "" if pd.isna(low) else f" [{plain(low, digits)}, {plain(high, digits)}]"
    return f"{plain(row[name], digits)}{bounds}"


def _board(rows: pd.DataFrame, noise: str) -> Board:
    here = (rows["noise"] == noise) & rows["role"].isin(("student", LABELLED_ONLY))
    full = (rows["noise"] == NO_NOISE) & (rows["role"] == "supervised")
    chosen = rows[(here | full) & (rows["variant"] == "")]
    return board(chosen.assign(noise=NO_NOISE))


def _methods(scores: Board) -> list[str]:
    """Those that were trained on all manual labels too, where the ξ's labels alone were scored."""
    if _MEASURE not in scores.measures or not scores.of(_ALONE):
        return []
    found = [method for role, method, _ in scores.results if role == "student"]
    return [method for method in found if 1.0 in scores.of(Contestant("supervised", method))]


def _shares(scores: Board, student: Contestant) -> list[float]:
    common = set(scores.of(student)) & set(scores.of(_ALONE))
    return different((share for share in common if share < 1), scores.realised)


def _closed(scores: Board, method: str, shares: list[float]) -> dict[str, Any]:
    """One row: the gap of a method over these ξ and what it closes of it; empty where a case failed."""
    if not shares:
        return {}
    student, full = Contestant("student", method), Contestant("supervised", method)
    low, high = shares[0], shares[-1]
    above = (Part({student: 1.0, _ALONE: -1.0}, low, high, _MEASURE),)
    whole = (Part({full: 1.0}, 1.0, 1.0, _MEASURE), Part({_ALONE: -1.0}, low, high, _MEASURE))
    try:
        top = contrast(above, (shares,), scores)
        below = contrast(whole, ([1.0], shares), scores)
    except NotComparedError:
        return {}
    both = top.merge(below, on=["seed", "split", "case"], suffixes=("_top", "_below"))
    if both.empty:
        return {}
    gap = mean_interval(both.rename(columns={"value_below": "value"}))
    row = {
        "closed": np.nan,
        "closed_lower": np.nan,
        "closed_upper": np.nan,
        **_columns("gap", gap),
        **_counts(gap),
    }
    if row["note"] == NOTHING_TO_CLOSE:
        return row
    top_sc, below_sc = (
        both.pivot(index=["seed", "split"], columns="case", values=f"value_{name}").to_numpy(float)
        for name in ("top", "below")
    )
    bounds = ratio_bounds(top_sc, below_sc)
    if bounds is None:
        return row | {"note": NOTHING_TO_CLOSE}
    share = mean_interval(both.rename(columns={"value_top": "value"})).mean / gap.mean
    return row | {"closed": share, "closed_lower": bounds[0], "closed_upper": bounds[1]}


def _interval(parts: tuple[Part, ...], shares: Sequence[Sequence[float]], scores: Board) -> Interval | None:
    try:
        return mean_interval(contrast(parts, shares, scores))
    except NotComparedError:
        return None


def _columns(name: str, found: Interval) -> dict[str, float]:
    low, high = (np.nan if bound is None else bound for bound in (found.low, found.high))
    return {name: found.mean, f"{name}_lower": low, f"{name}_upper": high}


def _counts(found: Interval) -> dict[str, Any]:
    """Counts, and what a gap says: nothing to close, or of too few seeds no verdict."""
    note = found.no_verdict if found.low is not None and found.low > 0 else NOTHING_TO_CLOSE
    return {"cases": found.cases, "seeds": found.seeds, "note": note}
