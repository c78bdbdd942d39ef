"""The rank of each method and how far other cases and other seeds could move it: a crossed bootstrap.

Methods are resampled together, seeds and cases side by side. Why: docs/decisions/0014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.statistics.exact_sums import weighted_sums
from reports.statistics.values import table_of
from reports.statistics.variance import ARITHMETIC, CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.statistics.variance import Table

RESAMPLES: Final = 9_999
_TOP: Final = 3


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

    table = table_of(values)
    sign = -1.0 if higher_is_better else 1.0
    mean = table.mean_m
    drawn = rankdata(np.round(sign * resampled_means(table, np.random.default_rng(seed)), ARITHMETIC), axis=1)
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


def resampled_means(table: Table, rng: np.random.Generator) -> NDArray[np.float64]:
    """The means of the methods in each resample (R, M)."""
    recurring = table.present_sc.sum(axis=0) > 1
    return _crossed(table, rng) if recurring.any() else _nested(table, rng)


def _crossed(table: Table, rng: np.random.Generator) -> NDArray[np.float64]:
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


def _nested(table: Table, rng: np.random.Generator) -> NDArray[np.float64]:
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
