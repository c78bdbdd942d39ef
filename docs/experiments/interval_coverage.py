"""How often the interval of a mean holds the truth, on made-up cases and seeds whose truth is known.

    python docs/experiments/interval_coverage.py > results/reference/development/interval_coverage.csv

A value is case + seed + rest, all independent. With one seed the truth is the mean of all cases under that seed.
`nominal` takes the percentiles 2.5 and 97.5; `by_cases`, which reports use, those that Student's t of
that many cases asks for (Hesterberg 2015, The American Statistician 69:371); `by_fewest` the same with the
fewer of cases and seeds.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pandas as pd

from reports import resampling

DESIGNS = ((5, 1), (10, 1), (20, 1), (10, 3), (10, 5))
SPREADS = ((1.0, 0.2, 0.5), (1.0, 1.0, 0.5))  # of cases, seeds and the rest
SHAPES = ("normal", "skewed")
TRIALS = 300
resampling.RESAMPLES = 999  # a share of 300 trials asks for no finer percentiles


def effects(shape: str, size: int | tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draws of mean 0 and standard deviation 1."""
    if shape == "normal":
        return rng.standard_normal(size)
    return rng.exponential(size=size) - 1


def covered(design: tuple[int, int], spread: tuple[float, float, float], shape: str) -> dict[str, float]:
    """The share of trials in which each interval holds the truth."""
    cases, seeds = design
    rng = np.random.default_rng([cases, seeds, int(10 * spread[1]), SHAPES.index(shape)])
    fewest = min(cases, seeds) if seeds > 1 else cases
    by_fewest = resampling.student_confidence(resampling.CONFIDENCE, fewest)
    asked = {
        "nominal": {"widened": False},
        "by_cases": {},
        "by_fewest": {"confidence": by_fewest, "widened": False},
    }
    hits = dict.fromkeys(asked, 0)
    for _ in range(TRIALS):
        seed_s = spread[1] * rng.standard_normal(seeds)
        case_c = spread[0] * effects(shape, cases, rng)
        value_sc = seed_s[:, None] + case_c + spread[2] * rng.standard_normal((seeds, cases))
        truth = seed_s[0] if seeds == 1 else 0.0
        names = list(product(range(seeds), ["-"], range(cases)))
        values = pd.DataFrame(names, columns=["seed", "split", "case"]).assign(value=value_sc.ravel())
        for name, settings in asked.items():
            found = resampling.mean_interval(values, **settings)
            hits[name] += found.low <= truth <= found.high
    return {name: count / TRIALS for name, count in hits.items()}


if __name__ == "__main__":
    rows = [
        {"cases": design[0], "seeds": design[1], "sd_case": spread[0], "sd_seed": spread[1], "sd_rest": spread[2],
         "shape": shape, "trials": TRIALS} | covered(design, spread, shape)
        for design, spread, shape in product(DESIGNS, SPREADS, SHAPES) if design[1] > 1 or spread == SPREADS[0]
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(sys.stdout, index=False, float_format="%.3f", lineterminator="\n")
