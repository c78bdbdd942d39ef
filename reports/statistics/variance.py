"""How far the mean of a table of seeds and cases would move with other seeds and cases: arrays alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARITHMETIC: Final = 12
"""Digits of a mean: what is left of zero beyond them is rounding of the machine."""
CONFIDENCE: Final = 0.95
_WIDEST: Final = 1e6  # how far a bound of a ratio is looked for, in its own size


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Values of methods M, replicates S (seed and split) and cases C, NaN where a replicate lacks a case."""

    methods: tuple[str, ...]
    values_msc: NDArray[np.float64]

    @property
    def present_sc(self) -> NDArray[np.bool_]:
        """Which replicate has which case; it is the same of all methods."""
        return np.asarray(~np.isnan(self.values_msc[0]))

    @property
    def mean_m(self) -> NDArray[np.float64]:
        """The mean of each method over cases, then over replicates."""
        means = np.nanmean(self.values_msc, axis=2).mean(axis=1)
        return np.asarray(np.round(means, ARITHMETIC))


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The variance of each method's mean, the degrees of freedom of Student's t for it, and its three parts.

    Attributes:
        variance_m: Of the mean over other seeds and cases.
        freedom: The fewer of seeds and cases, less one; of one seed the cases less one. By Satterthwaite's
            approximation there may be more, which fails far out where seeds are few (docs/decisions/0036).
        seeds_m: Variance of the means of seeds over their number: the mean's, were cases fixed.
        cases_m: Variance of the means of cases over their number: the mean's, were seeds fixed.
        rest_m: What is in both: the rest's variance over the number of values.
    """

    variance_m: NDArray[np.float64]
    freedom: int
    seeds_m: NDArray[np.float64]
    cases_m: NDArray[np.float64]
    rest_m: NDArray[np.float64]

    def half_width_m(self, confidence: float = CONFIDENCE) -> NDArray[np.float64]:
        """Half of the interval of each mean, by Student's t."""
        from scipy.special import stdtrit

        return np.asarray(stdtrit(self.freedom, (1 + confidence) / 2) * np.sqrt(self.variance_m))


def spread(table: Table) -> Spread:
    """The variance of each method's mean over other seeds and cases.

    That of the seeds' means and that of the cases' means over their numbers, less the rest, which is in both;
    never less than any of the three. Where each seed has cases of its own, the means of seeds hold all; with
    one seed the cases do.

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
    rest_m = _rest(centred_msc, weight_sc) if crossed and num_s > 1 else 0 * cases_m
    if num_s == 1:
        variance_m, freedom = cases_m, num_c - 1
    elif not crossed:
        variance_m, freedom = seeds_m, num_s - 1
    else:
        whole_m = seeds_m + cases_m - rest_m
        variance_m = np.max([seeds_m, cases_m, rest_m, whole_m], axis=0)
        freedom = min(num_s, num_c) - 1
    # What is left of a difference that is the same everywhere is rounding of the machine.
    variance_m = np.where(variance_m < 10.0 ** (-2 * ARITHMETIC), 0.0, variance_m)
    return Spread(variance_m, freedom, seeds_m, cases_m, rest_m)


def _rest(centred_msc: NDArray[np.float64], weight_sc: NDArray[np.float64]) -> NDArray[np.float64]:
    """What neither seed nor case explains of the variance of each mean."""
    num_s, num_c = weight_sc.shape
    present_sc = weight_sc > 0
    if present_sc.all():
        of_seed, of_case = centred_msc.mean(axis=2), centred_msc.mean(axis=1)
        mean = centred_msc.mean(axis=(1, 2))[:, np.newaxis, np.newaxis]
        rest_msc = centred_msc - of_seed[:, :, np.newaxis] - of_case[:, np.newaxis] + mean
        squares_m, free = (rest_msc**2).sum(axis=(1, 2)), (num_s - 1) * (num_c - 1)
    else:
        rows_s, rows_c = np.repeat(np.eye(num_s), num_c, axis=0), np.tile(np.eye(num_c), (num_s, 1))
        present = present_sc.ravel()
        design = np.hstack([rows_s, rows_c])[present]
        values_m = centred_msc.reshape(len(centred_msc), -1)[:, present].T
        fitted, _, rank, _ = np.linalg.lstsq(design, values_m, rcond=None)
        squares_m, free = ((values_m - design @ fitted) ** 2).sum(axis=0), int(present.sum() - rank)
    return np.asarray(squares_m / max(free, 1) * float((weight_sc**2).sum()))


def ratio_bounds(top_sc: NDArray[np.float64], below_sc: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % interval of the ratio of two means of the same seeds and cases, by Fieller's theorem.

    It holds the ratios r at which top − r · below is not distinguishable from zero. None where the mean below
    is itself not above zero: then there is no ratio.

    Raises:
        ValueError: There are fewer than two cases.
    """
    below = Table(("",), below_sc[np.newaxis])
    if float(below.mean_m[0] - spread(below).half_width_m()[0]) <= 0:
        return None
    centre = float(Table(("",), top_sc[np.newaxis]).mean_m[0] / below.mean_m[0])

    def excluded(ratio: float) -> bool:
        table = Table(("",), (top_sc - ratio * below_sc)[np.newaxis])
        return bool(abs(table.mean_m[0]) > spread(table).half_width_m()[0])

    bounds = []
    for sign in (-1.0, 1.0):
        inside, step = centre, 1e-9
        while not excluded(centre + sign * step) and step < _WIDEST:
            inside, step = centre + sign * step, 4 * step
        outside = centre + sign * step
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if excluded(middle) else (middle, outside)
        bounds.append(round(outside, ARITHMETIC))
    return bounds[0], bounds[1]
