"""What we measured for each printed cell: one value for every seed and case, failures included."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from reports.published.cells import LABELS, UNSTATED
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import ABLATED, ABLATIONS, BACKGROUND, TUMOUR, ablations, evaluated
from reports.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.published.cells import Place
    from reports.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Measured:
    """Our values for one printed cell; the interval is absent where nothing was recorded or a case failed."""

    interval: Interval | None
    results: int  # cases planned over all seeds
    failed: int
    lacking: str  # the structure or label that the data set does not have; empty where it has


def scores_of(records: pd.DataFrame) -> pd.DataFrame:
    """The case scores that printed cells can be held against: students, supervised, pseudo labels, ablations.

    With `labels_dice`, the mean over the five labels of BRATS 2015, background included, where all are there.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    rows = [evaluated(records, ("student", "supervised", "pseudo")), ablations(records)]
    scores = case_scores(pd.concat(rows, ignore_index=True))
    return with_label_mean(scores)


def with_label_mean(scores: pd.DataFrame) -> pd.DataFrame:
    """Case scores with `labels_dice`, the mean Dice as P's Table 4 counts it: over labels 0 to 4."""
    columns = [f"{structure}_dice" for structure in (BACKGROUND, *TUMOUR)]
    if not set(columns) <= set(scores.columns):
        return scores
    return scores.assign(**{f"{LABELS}_dice": scores[columns].mean(axis=1, skipna=False)})


def ablated_share(scores: pd.DataFrame) -> str | None:
    """The ξ that our Table 2 stands at where P states none: the smallest at which attentions were ablated."""
    rows = scores[_is(scores, method=ABLATED) & scores["variant"].isin(ABLATIONS)]
    return min(rows["xi"].unique(), key=Decimal, default=None)


def measured(scores: pd.DataFrame, place: Place) -> Measured:
    """Our values at one place among the case scores."""
    column = place.metric if place.structure == "all" else f"{place.structure}_{place.metric}"
    if column not in scores:
        what = "Dice of all five labels" if place.structure == LABELS else place.structure.replace("_", " ")
        return Measured(None, 0, 0, what)
    rows = _rows_at(scores, place)
    if rows.empty:
        return Measured(None, 0, 0, "")
    if rows[column].isna().all() and not rows["failed"].any():
        return Measured(None, len(rows), 0, f"{column} score")
    failed = int((rows["failed"] | rows[column].isna()).sum())
    if failed:
        return Measured(None, len(rows), failed, "")
    values = rows[["seed", "split", "case", column]].itertuples(index=False, name=None)
    return Measured(_interval(tuple(values)), len(rows), 0, "")


def _rows_at(scores: pd.DataFrame, place: Place) -> pd.DataFrame:
    share = ablated_share(scores) if place.xi == UNSTATED else place.xi
    names = {"role": place.role, "method": place.method, "member": place.member}
    rows = scores[_is(scores, xi=share, **names)]
    of_variant = rows[rows["variant"] == place.variant]
    if of_variant.empty and place.variant == "f1234":
        return rows[rows["variant"] == ""]  # the method as it is has all four
    return of_variant


def _is(scores: pd.DataFrame, **names: str | None) -> pd.Series[bool]:
    found = pd.Series(data=True, index=scores.index)
    for column, name in names.items():
        found &= scores[column] == name
    return found


@lru_cache(maxsize=1024)
def _interval(values: Iterable[tuple[str, str, str, float]]) -> Interval:
    """Kept, because each cell is asked for by its own table, by the verdicts and by the summary."""
    return mean_interval(pd.DataFrame(list(values), columns=["seed", "split", "case", "value"]))
