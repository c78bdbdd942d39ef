"""How far other seeds and other cases could move a mean: its interval and p, from two variances.

The unit is the seed, one training with all its ξ, crossed with the cases that it is scored on. Why the
interval is this one, and how often it holds the truth: docs/decisions/0036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.evidence import FEWEST_CASES, SIGNIFICANT, no_verdict
from reports.values import ARITHMETIC, PAIR, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.values import Table

CONFIDENCE: Final = 1 - SIGNIFICANT
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


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The variance of each method's mean, the degrees of freedom of its estimate, and its three parts.

    Attributes:
        variance_m: Of the mean over other seeds and cases.
        freedom_m: Degrees of freedom of `variance_m` by Satterthwaite's approximation.
        seeds_m: Variance of the means of seeds over their number: the mean's, were cases fixed.
        cases_m: Variance of the means of cases over their number: the mean's, were seeds fixed.
        rest_m: What is in both: the rest's variance over the number of values.
    """

    variance_m: NDArray[np.float64]
    freedom_m: NDArray[np.float64]
    seeds_m: NDArray[np.float64]
    cases_m: NDArray[np.float64]
    rest_m: NDArray[np.float64]


def mean_interval(values: pd.DataFrame, *, confidence: float = CONFIDENCE) -> Interval:
    """The mean over cases, then seeds, with its interval by Student's t and the p of the same t.

    The variance of the mean is that of the seeds' means and that of the cases' means over their numbers, less
    the rest, which is in both; never less than either. Where each seed has cases of its own, the means of
    seeds hold all; with one seed the cases do.

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
    from scipy.stats import t

    means, cases, seeds = table.mean_m, values["case"].nunique(), values["seed"].nunique()
    if cases < 2:
        return [Interval(float(mean), None, None, cases, seeds) for mean in means]
    found = spread(table)
    error = np.sqrt(found.variance_m)
    half = t.isf((1 - confidence) / 2, found.freedom_m) * error
    low, high = (np.round(means + sign * half, ARITHMETIC) for sign in (-1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(means == 0, 1.0, 2 * t.sf(np.abs(means) / error, found.freedom_m))
    rows = zip(means, low, high, p, strict=True)
    return [Interval(float(m), float(lo), float(hi), cases, seeds, float(pp)) for m, lo, hi, pp in rows]


def spread(table: Table) -> Spread:
    """The variance of each method's mean over other seeds and cases.

    Raises:
        ValueError: There are fewer than two cases.
    """
    present_sc = table.present_sc
    num_s, num_c = present_sc.shape
    if num_c < 2:
        raise ValueError(f"the spread of {num_c} case is not known; it takes 2 at least")
    weight_sc = present_sc / present_sc.sum(axis=1, keepdims=True) / num_s
    centred_msc = np.nan_to_num(table.values_msc) - table.mean_m[:, np.newaxis, np.newaxis]
    weighted_msc = weight_sc * centred_msc
    seeds_m = (weighted_msc.sum(axis=2) ** 2).sum(axis=1) * num_s / max(num_s - 1, 1)
    cases_m = (weighted_msc.sum(axis=1) ** 2).sum(axis=1) * num_c / (num_c - 1)
    crossed = bool((present_sc.sum(axis=0) > 1).any())
    rest_m, free = _rest(centred_msc, weight_sc) if crossed else (0 * cases_m, 1)
    if num_s == 1:
        parts_m, variance_m = [(cases_m, num_c - 1)], cases_m
    elif not crossed:
        parts_m, variance_m = [(seeds_m, num_s - 1)], seeds_m
    else:
        parts_m = [(seeds_m, num_s - 1), (cases_m, num_c - 1), (rest_m, free)]
        variance_m = np.maximum(np.maximum(seeds_m, cases_m), seeds_m + cases_m - rest_m)
    # What is left of a difference that is the same everywhere is rounding of the machine.
    variance_m = np.where(variance_m < 10.0 ** (-2 * ARITHMETIC), 0.0, variance_m)
    lost_m = sum((part**2 / freedom for part, freedom in parts_m), np.zeros_like(variance_m))
    freedom_m = np.maximum(variance_m**2 / np.where(lost_m > 0, lost_m, 1.0), 1.0)
    return Spread(variance_m, freedom_m, seeds_m, cases_m, rest_m)


def _rest(
    centred_msc: NDArray[np.float64], weight_sc: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """What neither seed nor case explains of the variance of each mean, and its degrees of freedom."""
    present = weight_sc.ravel() > 0
    num_s, num_c = weight_sc.shape
    of_seed, of_case = np.repeat(np.eye(num_s), num_c, axis=0), np.tile(np.eye(num_c), (num_s, 1))
    design = np.hstack([of_seed, of_case])[present]
    values_m = centred_msc.reshape(len(centred_msc), -1)[:, present]
    fitted, _, rank, _ = np.linalg.lstsq(design, values_m.T, rcond=None)
    squares_m = ((values_m.T - design @ fitted) ** 2).sum(axis=0)
    free = int(present.sum() - rank)
    return squares_m / max(free, 1) * float((weight_sc**2).sum()), max(free, 1)
