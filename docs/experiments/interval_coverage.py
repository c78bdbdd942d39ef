"""How often the interval of a paired difference holds the truth, and how often a verdict is wrong without one.

    python docs/experiments/interval_coverage.py            # some minutes on one core

Differences of two methods are drawn as seed + case + rest, at five ξ of one seed that share a part of each;
the truth is zero over new seeds and new cases. Standard deviations are near
those measured (components.csv; of common streams, docs/decisions/0033). Intervals compared: `ours`, which reports use
(reports/statistics/variance.py); `bootstrap`, the crossed percentile bootstrap with percentiles widened for the number of
cases, which they used before; `by_fewest`, the same widened for the fewer of cases and seeds.

`wrong` is the share of differences with p below 0.05 although there is none; `wrong_in_family` the share of
families of 38 such claims in which any is below 0.05 after Holm. Shapes: `heavy` is the difference of two
methods whose parts have the tail of an exponential each, `skewed` has such a tail in cases and rest on one
side alone. The last rows are a permutation check: seeds, cases and rests of the measured differences of all
pairs of methods and ξ of committed records, centred, are dealt out anew with random signs, which makes tables
without a difference.

Writes components.csv and coverage.csv in results/reference/statistics.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtr

from reports.inputs.records import read
from reports.statistics import ranks
from reports.statistics.cohorts import cohorts
from reports.statistics.components import differences, measured
from reports.statistics.ranks import resampled_means, student_confidence
from reports.statistics.variance import Table, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
OUT = REFERENCE / "statistics" / "coverage.csv"
# Standard deviations of seed, case and rest of the difference of two methods at one ξ.
SPREADS = {
    "hearts, overall, own streams": (0.55, 0.40, 0.99),
    "hearts, overall, common streams": (0.10, 0.10, 0.30),
    "hearts, Dice, own streams": (0.020, 0.010, 0.030),
    "Hippocampus, overall": (0.109, 0.05, 0.276),
    "Hippocampus, Dice": (0.032, 0.010, 0.049),
    "tumours, Dice": (0.051, 0.020, 0.042),
}
DESIGNS = ((1, 20), (2, 20), (3, 10), (3, 20), (3, 30), (5, 10), (5, 30), (8, 30))  # seeds, cases
SHARES = 5
SHAPES = ("normal", "heavy", "skewed")
FAMILY = 38  # claims
SHARED = (
    0.0,
    0.5,
)  # correlation of the ξ of one seed: measured as 0 (Hippocampus), and as much as is thinkable
TRIALS, OF_BOOTSTRAP = 3800, 300
ranks.RESAMPLES = 499


def drawn(
    sds: tuple[float, float, float], design: tuple[int, int], shared: float, shape: str, trials: int
) -> NDArray[np.float64]:
    """Differences (trial, seed, case), averaged over the ξ, whose mean over seeds and cases is zero."""
    seeds, cases = design
    rng = np.random.default_rng([seeds, cases, int(10 * shared), len(shape), int(1e4 * sds[0])])

    def effects(size: tuple[int, ...], shape: str) -> NDArray[np.float64]:
        """Of a part of which the ξ have `shared` in common."""

        def draw() -> NDArray[np.float64]:
            if shape == "normal":
                return rng.standard_normal(size)
            one = rng.exponential(size=size)
            return one - 1 if shape == "skewed" else (one - rng.exponential(size=size)) / np.sqrt(2)

        apart = sum(draw() for _ in range(SHARES)) / np.sqrt(SHARES)
        both = np.sqrt(shared) * draw() + np.sqrt((1 - shared) / SHARES) * apart
        return np.asarray(both)

    of_seed, of_case, of_rest = sds
    of_seeds = of_seed * effects((trials, seeds, 1), "heavy" if shape == "skewed" else shape)
    return (
        of_seeds
        + of_case * effects((trials, 1, cases), shape)
        + of_rest * effects((trials, seeds, cases), shape)
    )


def ours(values: NDArray[np.float64]) -> dict[str, float]:
    """How often the interval holds zero, and how often p is small alone and in families of claims."""
    table = Table(tuple(map(str, range(len(values)))), values)
    found = spread(table)
    half, t = found.half_width_m(), np.abs(table.mean_m) / np.sqrt(found.variance_m)
    smallest = stdtr(found.freedom, -t)[: len(t) // FAMILY * FAMILY].reshape(-1, FAMILY).min(axis=1) * 2
    held = float((np.abs(table.mean_m) <= half).mean())
    return {
        "ours": held,
        "wrong": 1 - held,
        "wrong_in_family": float((smallest < 0.05 / FAMILY).mean()),
        "half_width": float(np.median(half)),
    }


def bootstrapped(values: NDArray[np.float64], widened_for: int) -> float:
    """How often the percentile bootstrap holds zero."""
    tail = 50 * (1 - student_confidence(0.95, widened_for))
    held = 0
    for number, one in enumerate(values[:OF_BOOTSTRAP]):
        means = resampled_means(Table(("",), one[np.newaxis]), np.random.default_rng(number))
        low, high = np.percentile(means, (tail, 100 - tail))
        held += int(low <= 0 <= high)
    return held / OF_BOOTSTRAP


def simulated() -> list[dict[str, object]]:
    """A row a design, spread, correlation and shape."""
    rows: list[dict[str, object]] = []
    for (name, sds), design, shared, shape in product(SPREADS.items(), DESIGNS, SHARED, SHAPES):
        values = drawn(sds, design, shared, shape, TRIALS)
        seeds, cases = design
        row: dict[str, object] = {
            "differences": name, "seeds": seeds, "cases": cases, "shared": shared, "shape": shape,
            "trials": TRIALS, **ours(values),
        }  # fmt: skip
        if shared and shape == "normal":
            fewest = min(design) if seeds > 1 else cases
            row |= {"bootstrap": bootstrapped(values, cases), "by_fewest": bootstrapped(values, fewest)}
        rows.append(row)
    return rows


def dealt_out(tables_psc: NDArray[np.float64], trials: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Tables without a difference: parts of measured ones, centred, dealt out anew with random signs."""
    _, num_s, num_c = tables_psc.shape
    centred = tables_psc - tables_psc.mean(axis=(1, 2), keepdims=True)
    seed, case = centred.mean(axis=2, keepdims=True), centred.mean(axis=1, keepdims=True)
    rest = centred - seed - case
    # Centring takes a part of each variance away; it is given back.
    back_s, back_c = (num_s / (num_s - 1)) ** 0.5, (num_c / (num_c - 1)) ** 0.5

    def deal(part: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        return rng.choice(part.ravel(), size) * rng.choice((-1.0, 1.0), size)

    return np.asarray(
        deal(seed * back_s, (trials, num_s, 1))
        + deal(case * back_c, (trials, 1, num_c))
        + deal(rest * back_s * back_c, (trials, num_s, num_c))
    )


def permuted() -> list[dict[str, object]]:
    """A row a set of committed records, measure and average."""
    rows: list[dict[str, object]] = []
    rng = np.random.default_rng(0)
    for name, measure in product(("hippocampus", "doubts"), ("overall", "dice")):
        for cohort in cohorts(read(REFERENCE / name / "records.csv")):
            # Under noise the students are students all the same: each noise of these records is one alone.
            found = differences(cohort.records.assign(noise="none"), measure)
            if found is None:
                continue
            for of, tables in (
                ("at one ξ", found.reshape(-1, *found.shape[2:])),
                ("all ξ", found.mean(axis=1)),
            ):
                values = dealt_out(tables, 10 * TRIALS, rng)
                rows.append({
                    "differences": f"{name}, {cohort.dataset}, {measure}, {of}, dealt out",
                    "seeds": found.shape[2], "cases": found.shape[3], "shape": "measured",
                    "trials": len(values), **ours(values),
                })  # fmt: skip
    return rows


def components() -> list[dict[str, object]]:
    """What was measured: a row a set of committed records and measure, as standard deviations."""
    rows: list[dict[str, object]] = []
    for name, measure in product(("hippocampus", "doubts"), ("overall", "dice")):
        for cohort in cohorts(read(REFERENCE / name / "records.csv")):
            plain = cohort.records.assign(noise="none")
            one, found = measured(plain, measure), differences(plain, measure)
            if one and found is not None:
                rows.append({
                    "records": name, "data": cohort.dataset, "measure": measure, "pairs": len(found),
                    "xi": found.shape[1], "seeds": found.shape[2], "cases": found.shape[3],
                    "sd_seed": one.seed**0.5, "sd_case": one.case**0.5, "sd_rest": one.rest**0.5,
                    "shared_by_xi": one.shared_seed if found.shape[1] > 1 else None,
                })  # fmt: skip
    return rows


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"index": False, "float_format": "%.3f", "lineterminator": "\n"}
    pd.DataFrame(components()).to_csv(OUT.with_name("components.csv"), **kinds)
    pd.DataFrame(simulated() + permuted()).to_csv(OUT, **kinds)
