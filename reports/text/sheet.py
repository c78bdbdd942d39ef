"""A table as it is read: rounded, worded, with the best marked; `render` and `page` write it down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a column of measurements is read."""

    group: str  # the structure; empty where the column stands alone
    heading: str
    digits: int
    better: Better


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as it is read."""

    text: str
    best: bool = False
    numeric: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it is read: spanning heads, heads, rows; `rules` are the rows that start a new block."""

    groups: tuple[tuple[str, int], ...]
    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rules: frozenset[int]


_METRICS: Final = {
    "dice": Measure("", "Dice ↑", 3, "higher"),
    "iou": Measure("", "IoU ↑", 3, "higher"),
    "adb": Measure("", "ADB mm ↓", 3, "lower"),
    "hdd": Measure("", "HDD mm ↓", 2, "lower"),
}
_ALONE: Final = {
    "overall": Measure("", "Overall ↑", 3, "higher"),
    "mean": Measure("", "Mean ↑", 3, "higher"),
    "low": Measure("", "Low", 3, "neither"),
    "closed": Measure("", "Gap closed ↑", 2, "neither"),
    "gap": Measure("", "Gap", 3, "neither"),
    "sd_seed": Measure("", "Sd of seeds", 3, "neither"),
    "sd_case": Measure("", "Sd of cases", 3, "neither"),
    "sd_rest": Measure("", "Sd of the rest", 3, "neither"),
    "shared_by_shares": Measure("", "Correlation between ξ", 2, "neither"),
    "resolves": Measure("", "Resolves", 3, "neither"),
    "errors_ratio": Measure("", "Ratio of errors", 2, "neither"),
    "target": Measure("", "Of interest", 2, "neither"),
    "falls": Measure("", "Falls with depth", 3, "neither"),
    "score": Measure("", "Score ↑", 3, "higher"),
    "holds": Measure("", "Holds rank", 2, "neither"),
    "top": Measure("", "In top 3", 2, "neither"),
    "passes": Measure("", "Passes", 0, "neither"),
    "passes_alone": Measure("", "Passes, teachers alone", 0, "neither"),
    "auroc": Measure("", "AUROC ↑", 3, "higher"),
    "auprc": Measure("", "AUPRC ↑", 3, "higher"),
    "precision": Measure("", "Precision ↑", 3, "higher"),
    "removed_wrong": Measure("", "Removed of wrong ↑", 3, "neither"),
    "removed_right": Measure("", "Removed of right ↓", 3, "neither"),
    "calibration": Measure("", "Calibration error ↓", 3, "lower"),
    "wrong_share": Measure("", "Wrong labels", 3, "neither"),
    "rank": Measure("", "Rank", 1, "lower"),
    "rank_low": Measure("", "Best rank", 1, "neither"),
    "rank_high": Measure("", "Worst rank", 1, "neither"),
    "high": Measure("", "High", 3, "neither"),
    "ours": Measure("", "Ours", 3, "neither"),
    "difference": Measure("", "Difference", 3, "neither"),
    "tolerance": Measure("", "Tolerance", 2, "neither"),
    **{model: Measure("", f"{model} ↑", 3, "higher") for model in ("A", "B", "C", "MD")},
    "paper": Measure("", "Paper", 3, "neither"),
    "p": Measure("", "p", 4, "neither"),
    "p_holm": Measure("", "p (Holm)", 4, "neither"),
}
_HEADINGS: Final = {
    "xi": "ξ",
    "shares": "Values of ξ",
    "in_paper": "In P",
    **{f"f{number}": f"f{number}" for number in range(1, 5)},
}
_UNREAD: Final = ("dataset", "recipe", "setting", "results")
_OF_SEVERAL: Final = ("closed", "gap", "rank", "holds", "top", "passes", "passes_alone")
"""What is no mean of a row's cases, so that no failure stands in its place."""
_HELPERS: Final = (
    "sd",
    "results",
    "failed",
    "silent",
    "printed",
    "difference",
    "verdict",
    "lower",
    "upper",
)  # they join their measure


def sheet(frame: pd.DataFrame, block: str) -> Sheet:
    """A table as it is read.

    Left out: the data set, which the title names; the number of case results, which stands beside a failure;
    columns of names in which no row has one; and what joins its measure: standard deviation, interval,
    printed value.

    Args:
        frame: A table of `tables`.
        block: The column whose equal values make the rows among which the best is sought.
    """
    names = _in_order([str(name) for name in frame.columns if _is_read(frame, name)])
    measures = {name: found for name in names if (found := measure(name))}
    columns = [
        _measured(frame, name, measures[name], block) if name in measures else _labelled(frame, name)
        for name in names
    ]
    starts = frame[block].ne(frame[block].shift()).to_numpy().nonzero()[0]
    return Sheet(
        groups=_spans([measures[name].group if name in measures else "" for name in names]),
        heads=tuple(_head(frame, name, measures.get(name)) for name in names),
        rows=tuple(zip(*columns, strict=True)),
        # A rule before every row would be no help to the eye.
        rules=frozenset(int(row) for row in starts[1:]) if len(starts) * 2 <= len(frame) else frozenset(),
    )


def measure(name: str) -> Measure | None:
    """How a column `<structure>_<metric>`, or a known single one, is read; None for any other column."""
    structure, _, metric = name.rpartition("_")
    if structure and metric in _METRICS:
        kind = _METRICS[metric]
        return Measure(structure.replace("_", " "), kind.heading, kind.digits, kind.better)
    return _ALONE.get(name)


def _in_order(names: list[str]) -> list[str]:
    """A verdict stands beside what it judges, for in a wide table the far end is out of sight."""
    judged = next((name for name in ("claim", "column") if name in names), None)
    if judged is None or "verdict" not in names:
        return names
    others = [name for name in names if name != "verdict"]
    place = others.index(judged) + 1
    return [*others[:place], "verdict", *others[place:]]


def _is_read(frame: pd.DataFrame, name: str) -> bool:
    of, _, helper = name.rpartition("_")
    if name in _UNREAD or (helper in _HELPERS and of in frame):
        return False
    return frame.empty or pd.api.types.is_numeric_dtype(frame[name]) or bool((frame[name] != "").any())


def _head(frame: pd.DataFrame, name: str, kind: Measure | None) -> Cell:
    heading = kind.heading if kind else _HEADINGS.get(name, name.replace("_", " ").capitalize())
    return Cell(heading, numeric=pd.api.types.is_numeric_dtype(frame[name]))


def _labelled(frame: pd.DataFrame, name: str) -> list[Cell]:
    numeric = pd.api.types.is_numeric_dtype(frame[name])
    return [Cell(_plain(value), numeric=numeric) for value in frame[name]]


def _plain(value: object) -> str:
    """A name, a count, or a number of no measure with the decimals that it takes, four at most."""
    if not isinstance(value, float):
        return str(value)
    return "–" if np.isnan(value) else f"{round(value, 4):g}"


def _measured(frame: pd.DataFrame, name: str, kind: Measure, block: str) -> list[Cell]:
    """One column of means, each with its spread."""
    if name == "rank" and "rank_lower" in frame and not (frame[name] % 1 > 0).any():
        kind = replace(kind, digits=0)  # no rank is shared
    values = frame[name].astype(float).round(kind.digits)
    best = _best(frame, name, kind, frame[block])
    failures = _helper(frame, name, "failed", 0)
    if name in _OF_SEVERAL:
        failures = failures * 0
    numbers = zip(
        values, best, _helper(frame, name, "sd", float("nan")), failures,
        _helper(frame, name, "results", 0), _beside(frame, name, kind), strict=True,
    )  # fmt: skip
    cells = []
    for value, wins, spread, failed, of, beside in numbers:
        if np.isnan(value):
            text = (f"failed {failed}/{of}" if of else "failed") if failed else "–"
            cells.append(Cell(f"{text}{beside}", numeric=True, failed=bool(failed)))
        else:
            text = f"{value:z.{kind.digits}f}" + ("" if pd.isna(spread) else f" ± {spread:.{kind.digits}f}")
            cells.append(Cell(f"{text}{beside}", best=bool(wins), numeric=True))
    return cells


def _beside(frame: pd.DataFrame, name: str, kind: Measure) -> list[str]:
    """What stands behind each value: its interval where it has one, what the paper prints where it does."""
    lows, highs = (_helper(frame, name, helper, float("nan")) for helper in ("lower", "upper"))
    bounds = [
        "" if pd.isna(low) or pd.isna(high) else f" [{low:z.{kind.digits}f}, {high:z.{kind.digits}f}]"
        for low, high in zip(lows, highs, strict=True)
    ]
    printed = [f" (P {text})" if text else "" for text in _helper(frame, name, "printed", "")]
    return [f"{bound}{beside}" for bound, beside in zip(bounds, printed, strict=True)]


def _best(frame: pd.DataFrame, name: str, kind: Measure, block: pd.Series) -> pd.Series:
    """Which values are the best of their block; equal at the digits shown is equally good.

    Nothing is, where there is nothing to compare with or the means are not of equally many seeds and results;
    and what predicts nothing never is (docs/decisions/0011).
    """
    values = frame[name].astype(float).round(kind.digits)
    if kind.better == "neither":
        return pd.Series(data=False, index=frame.index)
    made_of = (
        _helper(frame, name, "results", 0).astype(str) + " " + _helper(frame, name, "seeds", 0).astype(str)
    )
    alike = made_of.where(values.notna()).groupby(block).transform("nunique") == 1
    eligible = values.mask(_helper(frame, name, "silent", 0.0) == 1)
    winner = eligible.groupby(block).transform("max" if kind.better == "higher" else "min")
    return (eligible == winner) & alike & (values.groupby(block).transform("count") > 1)


def _helper(frame: pd.DataFrame, name: str, helper: str, absent: object) -> pd.Series:
    """What joins a measure: its own, or else the row's."""
    own = f"{name}_{helper}"
    if own in frame:
        return frame[own]
    whole = helper in {"failed", "results", "seeds"} and helper in frame
    return frame[helper] if whole else pd.Series([absent] * len(frame), index=frame.index)


def _spans(groups: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Neighbours under one head."""
    spans: list[tuple[str, int]] = []
    for group in groups:
        if spans and spans[-1][0] == group:
            spans[-1] = (group, spans[-1][1] + 1)
        else:
            spans.append((group, 1))
    return tuple(spans)
