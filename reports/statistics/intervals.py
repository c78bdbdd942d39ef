"""How far other seeds and other cases could move a mean: its interval and p, from two variances.

The unit is the seed, one training with all its ξ, crossed with the cases that it is scored on. Why the
interval is this one, and how often it holds the truth: docs/decisions/0036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.statistics.evidence import FEWEST_CASES, no_verdict
from reports.statistics.values import PAIR, table_of
from reports.statistics.variance import ARITHMETIC, CONFIDENCE, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.statistics.variance import Table

CASES_ONLY: Final = "over cases only"
"""What the interval of one seed is: it says nothing of other trainings."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, its 95 % interval and the p that it is zero, the last three absent with one case.

    All come from one t statistic, so that the interval excludes zero exactly where p is below 0.05. With one
    seed no spread over seeds is in it.
    """

    mean: float
    low: float | None
    high: float | None
    cases: int
    seeds: int
    p: float | None = None

    @property
    def no_verdict(self) -> str:
        """Why so few seeds give no verdict; empty where they are enough."""
        return no_verdict(self.seeds)

    @property
    def decides(self) -> bool:
        """Whether there are seeds and cases enough for a verdict, whatever it is."""
        return not self.no_verdict and self.cases >= FEWEST_CASES and self.low is not None

    @property
    def word(self) -> str:
        """How the first of a pair stands to the second, where this is of their differences."""
        if not self.decides or self.low is None or self.high is None:
            return "not distinguishable from"
        return "ahead of" if self.low > 0 else "behind" if self.high < 0 else "not distinguishable from"

    @property
    def over(self) -> str:
        """What the interval is over, in words."""
        return CASES_ONLY if self.seeds == 1 else "over seeds and cases"


def mean_interval(values: pd.DataFrame, *, confidence: float = CONFIDENCE) -> Interval:
    """The mean over cases, then seeds, with its interval by Student's t and the p of the same t.

    Both are over other seeds and other cases, with one seed over other cases only
    (`reports.statistics.variance`).

    Raises:
        ValueError: There is no value, one is absent, or a case stands twice in a seed.
    """
    table = table_of(values.assign(method=""))
    return _intervals(table, values, confidence)[0]


def mean_intervals(values: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """What `mean_interval` gives of each group of values that agree in the columns `of`.

    Returns:
        The columns `of`, `mean, low, high` (absent with one case), `cases, seeds`; groups in their order.

    Raises:
        ValueError: A value is absent, or a case stands twice in a seed.
    """
    keys = values.groupby(list(of), sort=False).ngroup()
    named = values[[*PAIR, "value"]].assign(method=keys.map("{:09d}".format))
    places = named.sort_values(list(PAIR)).groupby("method")[list(PAIR)]
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for number, own in places:
        alike.setdefault(tuple(own.itertuples(index=False, name=None)), []).append(str(number))
    rows: dict[str, Interval] = {}
    for numbers in alike.values():
        own = named[named["method"].isin(numbers)]
        rows |= zip(numbers, _intervals(table_of(own), own), strict=True)
    found = pd.DataFrame(
        [(one.mean, one.low, one.high, one.cases, one.seeds) for _, one in sorted(rows.items())],
        columns=["mean", "low", "high", "cases", "seeds"],
    ).astype({"mean": float, "low": float, "high": float})
    names = values[list(of)].assign(_number=keys).drop_duplicates("_number")
    return pd.concat([names.drop(columns="_number").reset_index(drop=True), found], axis=1)


def _intervals(table: Table, values: pd.DataFrame, confidence: float = CONFIDENCE) -> list[Interval]:
    """The interval of each method, all of the same seeds and cases, in their order."""
    from scipy.special import stdtr

    means, cases, seeds = table.mean_m, values["case"].nunique(), values["seed"].nunique()
    if cases < 2:
        return [Interval(float(mean), None, None, cases, seeds) for mean in means]
    found = spread(table)
    error = np.sqrt(found.variance_m)
    half = found.half_width_m(confidence)
    low, high = (np.round(means + sign * half, ARITHMETIC) for sign in (-1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(means == 0, 1.0, 2 * stdtr(found.freedom, -np.abs(means) / error))
    rows = zip(means, low, high, p, strict=True)
    return [Interval(float(m), float(lo), float(hi), cases, seeds, float(pp)) for m, lo, hi, pp in rows]
