"""How far other cases and other seeds could move a mean: bootstrap intervals, exact tests, Holm, ranks.

Values are frames with the columns `seed, split, case, value`. A mean is always the mean over cases within a
seed (and split), then over seeds. Why it is resampled so: docs/decisions/0014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.exact_sums import weighted_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PAIR: Final = ("seed", "split", "case")  # what makes two values a pair
RESAMPLES: Final = 9_999
CONFIDENCE: Final = 0.95
_EXACT: Final = 14  # cases up to which all 2^n sign flips are counted; above, RESAMPLES of them are drawn
_TOP: Final = 3
_AT_ONCE: Final = 64  # means that are resampled together; more would take memory and save no time
_ARITHMETIC: Final = 12  # digits: what is left of zero beyond them is rounding of the machine


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % interval, absent with one case; with one seed no spread over seeds is in it."""

    mean: float
    low: float | None
    high: float | None
    cases: int
    seeds: int

    @property
    def word(self) -> str:
        """How the first of a pair stands to the second, where this is of their differences.

        Nothing is said of so few cases that no test of theirs could reach 0.05, whatever the interval.
        """
        if self.low is None or self.high is None or smallest_p(self.cases) > SIGNIFICANT:
            return "not distinguishable from"
        return "ahead of" if self.low > 0 else "behind" if self.high < 0 else "not distinguishable from"


SIGNIFICANT: Final = 0.05
"""Of a p: a verdict needs so many cases that theirs could be as small."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A two-sided p and the smallest p that this number of cases could have reached."""

    p: float
    smallest: float
    cases: int


def values_of(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One measure of `case_scores` as `seed, split, case, value`."""
    return scores[[*PAIR, measure]].rename(columns={measure: "value"})


def paired(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """One minus the other for each (seed, split, case) that both have, as `seed, split, case, value`."""
    pairs = one.merge(other, on=list(PAIR), suffixes=("_one", "_other"), validate="one_to_one")
    return pairs[list(PAIR)].assign(value=pairs["value_one"] - pairs["value_other"])


def mean_interval(
    values: pd.DataFrame, *, confidence: float = CONFIDENCE, widened: bool = True, seed: int = 0
) -> Interval:
    """The mean over cases, then seeds, and its hierarchical percentile bootstrap interval.

    The percentiles are those that make it as wide as Student's t of this many cases asks for, unless
    `widened` is off: the plain ones are too narrow where cases are few (docs/decisions/0014).

    Where cases recur in several seeds, seeds and cases are resampled side by side (a crossed design: what
    makes a case hard makes it hard under every seed); where each seed has cases of its own, the cases are
    resampled within each resampled seed. With one seed only cases are resampled.

    Raises:
        ValueError: There is no value, one is absent, or a case stands twice in a seed.
    """
    table = _table(values.assign(method=""))
    means = _resampled(table, np.random.default_rng(seed))[:, 0]
    cases, seeds = values["case"].nunique(), values["seed"].nunique()
    mean = float(_mean(table)[0])
    if cases < 2:
        return Interval(mean, None, None, cases, seeds)
    low, high = _bounds(means, student_confidence(confidence, cases) if widened else confidence)
    return Interval(mean, low, high, cases, seeds)


def mean_intervals(values: pd.DataFrame, of: Sequence[str], *, seed: int = 0) -> pd.DataFrame:
    """What `mean_interval` gives of each group of values that agree in the columns `of`.

    Groups of the same seeds and cases are resampled together: the numbers are the same, and come sooner.

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
    rows: dict[str, tuple[float, float | None, float | None, int, int]] = {}
    for numbers in alike.values():
        for start in range(0, len(numbers), _AT_ONCE):
            chosen = numbers[start : start + _AT_ONCE]
            rows |= zip(chosen, _intervals(named[named["method"].isin(chosen)], seed), strict=True)
    found = pd.DataFrame(
        [rows[number] for number in sorted(rows)], columns=["mean", "low", "high", "cases", "seeds"]
    ).astype({"mean": float, "low": float, "high": float})
    names = values[list(of)].assign(_number=keys).drop_duplicates("_number")
    return pd.concat([names.drop(columns="_number").reset_index(drop=True), found], axis=1)


def _intervals(values: pd.DataFrame, seed: int) -> list[tuple[float, float | None, float | None, int, int]]:
    """Mean, low, high, cases and seeds of each method, all of the same seeds and cases, in their order."""
    table = _table(values)
    means, cases, seeds = _mean(table), values["case"].nunique(), values["seed"].nunique()
    if cases < 2:
        return [(float(mean), None, None, cases, seeds) for mean in means]
    drawn = _resampled(table, np.random.default_rng(seed))
    confidence = student_confidence(CONFIDENCE, cases)
    bounds = [_bounds(drawn[:, place], confidence) for place in range(len(means))]
    return [(float(mean), *bound, cases, seeds) for mean, bound in zip(means, bounds, strict=True)]


def student_confidence(confidence: float, cases: int) -> float:
    """The confidence at which percentiles are as wide as Student's t of this many cases asks for at another.

    From Hesterberg 2015, The American Statistician 69:371.

    Raises:
        ValueError: There are fewer than two cases.
    """
    if cases < 2:
        raise ValueError(f"the spread of {cases} cases is not known; Student's t needs at least 2")
    from scipy.stats import norm, t

    # The resampled means spread by the standard deviation over n, Student's t goes by the one over n - 1.
    quantile = np.sqrt(cases / (cases - 1)) * t.isf((1 - confidence) / 2, cases - 1)
    return float(1 - 2 * norm.sf(quantile))


def ranks(values: pd.DataFrame, *, higher_is_better: bool = True, seed: int = 0) -> pd.DataFrame:
    """Each method's rank by its mean, best first, and the (likewise widened) 95 % interval of it.

    All methods are resampled together, so that a hard case is hard for all of them.

    Args:
        values: `method, seed, split, case, value`; every method has the same seeds and cases.
        higher_is_better: Whether rank 1 is the highest mean.
        seed: Of the resampling.

    Returns:
        `method, mean, rank, low, high, holds, top, cases, seeds`; ties share the mean of their ranks. `holds`
        is the share of resamples in which a method has the rank that it has here, `top` the share in which it
        is among the first three; both absent with one case.

    Raises:
        ValueError: There is no value, one is absent, or the methods differ in seeds or cases.
    """
    from scipy.stats import rankdata

    table = _table(values)
    sign = -1.0 if higher_is_better else 1.0
    mean = _mean(table)
    drawn = rankdata(np.round(sign * _resampled(table, np.random.default_rng(seed)), _ARITHMETIC), axis=1)
    rank, cases = rankdata(sign * mean), values["case"].nunique()
    known = 1.0 if cases > 1 else np.nan
    tails = _tails(student_confidence(CONFIDENCE, cases) if cases > 1 else CONFIDENCE)
    low, high = np.percentile(drawn, tails, axis=0, method="inverted_cdf")
    found = pd.DataFrame(
        {
            "method": list(table.methods),
            "mean": mean,
            "rank": rank,
            "low": low,
            "high": high,
            "holds": known * (drawn == rank).mean(axis=0),
            "top": known * (drawn <= _TOP).mean(axis=0),
            "cases": cases,
            "seeds": values["seed"].nunique(),
        }
    )
    return found.sort_values("rank", kind="stable", ignore_index=True)


def sign_flips(differences: pd.DataFrame, *, seed: int = 0) -> Evidence:
    """The paired permutation test on the cases' mean differences, seeds averaged first.

    All 2^n sign flips up to 14 cases (p is exact, at least 2/2^n); above, 9,999 drawn ones. Seeds are
    averaged, so p speaks of other cases with these seeds.

    Raises:
        ValueError: There is no value or one is absent.
    """
    from scipy.stats import permutation_test

    _check(differences)
    of_case = differences.groupby("case")["value"].mean().round(_ARITHMETIC).to_numpy()
    number = len(of_case)
    count = 2**number if number <= _EXACT else RESAMPLES
    smallest = smallest_p(number)
    if number < 2 or not of_case.any():
        return Evidence(1.0, smallest, number)
    found = permutation_test(
        (of_case,), np.mean, permutation_type="samples", n_resamples=count, vectorized=True,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    return Evidence(float(found.pvalue), smallest, number)


def smallest_p(cases: int) -> float:
    """The smallest p that the sign flips of so many cases can reach."""
    return min(2 / 2**cases if cases <= _EXACT else 2 / (RESAMPLES + 1), 1.0)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p of a family, in its order; what was not tested (None) is not counted."""
    tested = [p for p in ps if p is not None]
    if not tested:
        return [None] * len(ps)
    from statsmodels.stats.multitest import multipletests

    adjusted = iter(multipletests(tested, method="holm")[1])
    return [None if p is None else float(next(adjusted)) for p in ps]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Values of methods M, replicates S (seed and split) and cases C, NaN where a replicate lacks a case."""

    methods: tuple[str, ...]
    values_msc: NDArray[np.float64]

    @property
    def present_sc(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self.values_msc[0]))


def _check(values: pd.DataFrame) -> None:
    if values.empty:
        raise ValueError("there is no value to take the mean of")
    if absent := int(values["value"].isna().sum()):
        raise ValueError(
            f"{absent} of {len(values)} values are absent; a mean over the rest would be of the easy cases"
        )


def _table(values: pd.DataFrame) -> _Table:
    _check(values)
    keys = ["method", "seed", "split", "case"]
    if values.duplicated(keys).any():
        raise ValueError(
            f"a case stands twice in a seed: {values[values.duplicated(keys)].iloc[0].to_dict()}"
        )
    wide = values.pivot(index=["method", "seed", "split"], columns="case", values="value")
    methods = tuple(str(name) for name in wide.index.unique("method"))
    replicates = pd.MultiIndex.from_frame(values[["seed", "split"]].drop_duplicates()).sort_values()
    of_methods = [wide.xs(name, level="method").reindex(replicates).to_numpy(float) for name in methods]
    values_msc = np.stack(of_methods)
    if (np.isnan(values_msc) != np.isnan(values_msc[0])).any():
        raise ValueError("the methods do not have the same seeds and cases, so their ranks mean nothing")
    return _Table(methods, values_msc)


def _mean(table: _Table) -> NDArray[np.float64]:
    return np.asarray(np.round(np.nanmean(table.values_msc, axis=2).mean(axis=1), _ARITHMETIC))


def _resampled(table: _Table, rng: np.random.Generator) -> NDArray[np.float64]:
    """The means of the methods in each resample (R, M)."""
    recurring = table.present_sc.sum(axis=0) > 1
    return _crossed(table, rng) if recurring.any() else _nested(table, rng)


def _crossed(table: _Table, rng: np.random.Generator) -> NDArray[np.float64]:
    """Replicates and cases drawn side by side; a value weighs as often as its replicate times its case."""
    num_methods, num_replicates, num_cases = table.values_msc.shape
    case_rc = _counts(num_cases, rng)
    replicate_rs = _counts(num_replicates, rng)
    num_rs = weighted_sums(case_rc, table.present_sc.T.astype(float))
    flat_csm = np.nan_to_num(table.values_msc).transpose(2, 1, 0).reshape(num_cases, -1)
    sum_rsm = weighted_sums(case_rc, flat_csm).reshape(RESAMPLES, num_replicates, num_methods)
    # A replicate none of whose cases were drawn has no mean in this resample, and no weight.
    weight_rs = replicate_rs * (num_rs > 0)
    mean_rsm = sum_rsm / np.maximum(num_rs, 1.0)[..., np.newaxis]
    total_r = weight_rs.sum(axis=1)
    means_rm = (weight_rs[..., np.newaxis] * mean_rsm).sum(axis=1)[total_r > 0]
    return np.asarray(means_rm / total_r[total_r > 0, np.newaxis])


def _nested(table: _Table, rng: np.random.Generator) -> NDArray[np.float64]:
    """Replicates drawn, then in each drawn one its own cases."""
    present_sc = table.present_sc
    num_s = present_sc.sum(axis=1)
    first_sc = np.argsort(~present_sc, axis=1, kind="stable")[:, : num_s.max()]
    packed_msc = np.take_along_axis(table.values_msc, first_sc[np.newaxis], axis=2)
    total_mr = np.zeros((len(table.methods), RESAMPLES))
    for _ in num_s:
        replicate_r = rng.integers(len(num_s), size=RESAMPLES)
        num_r1 = num_s[replicate_r, np.newaxis]
        case_rc = (rng.random((RESAMPLES, packed_msc.shape[2])) * num_r1).astype(int)
        drawn_mrc = packed_msc[:, replicate_r[:, np.newaxis], case_rc]
        counted_rc = np.arange(packed_msc.shape[2]) < num_r1
        total_mr += (drawn_mrc * counted_rc).sum(axis=2) / num_r1[:, 0]
    return total_mr.T / len(num_s)


def _counts(number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each of these is drawn in each resample."""
    drawn = rng.integers(number, size=(RESAMPLES, number)) + number * np.arange(RESAMPLES)[:, np.newaxis]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * number).reshape(RESAMPLES, number).astype(float)


def _tails(confidence: float) -> tuple[float, float]:
    return 50 * (1 - confidence), 50 * (1 + confidence)


def _bounds(means: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    low, high = np.round(np.percentile(means, _tails(confidence)), _ARITHMETIC)
    return float(low), float(high)
