"""Is what the fast path learns what the plain one learns? Mean Dice of the same sweep under both.

    bench run --recipe quick --methods densevoxnet --xi 0.5 --seeds 6 --set data.first_seed=1000 --store fast
    bench run --recipe quick --methods densevoxnet --xi 0.5 --seeds 6 --set data.first_seed=1000 --set compute=plain --store plain
    python docs/experiments/compare_compute.py fast plain

Writes results/reference/development/compute.csv: for students, references and teachers the mean over seeds of the
mean Dice over cases and structures, and their difference over the seeds that both have, each with a 95 % interval by
Student's t over seeds. A seed draws the same split under both; the other random streams differ, for they follow
from keys, and the way to compute is part of a key.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from bench.cli.console import say, table

TARGET = Path(__file__).parents[2] / "results" / "reference" / "development" / "compute.csv"
ROLES = {"student": "student, ξ 0.5", "supervised": "all manual labels", "teacher": "teachers, ξ 0.5"}


def seeds_of(store: Path) -> pd.Series:
    """The mean Dice of each role and seed."""
    records = pd.read_csv(store / "records.csv", dtype={"xi": str, "member": str})
    dice = records[(records.metric == "dice") & records.role.isin(ROLES)]
    return dice.groupby(["role", "seed"]).value.mean()


def interval(what: str, compute: str, by_seed: pd.Series) -> list[object]:
    """A row: the mean over seeds between its bounds."""
    half = float(stats.t.ppf(0.975, len(by_seed) - 1)) * float(by_seed.sem())
    mean = float(by_seed.mean())
    return [what, compute, *(round(value, 4) for value in (mean, mean - half, mean + half)), len(by_seed)]


def main(fast: str, plain: str) -> None:
    """Read both stores, write and say the table."""
    first, second = seeds_of(Path(fast)), seeds_of(Path(plain))
    rows = []
    for role, title in ROLES.items():
        rows += [
            interval(title, "fast", first[role]),
            interval(title, "plain", second[role]),
            interval(title, "fast - plain", (first[role] - second[role]).dropna()),
        ]
    made = pd.DataFrame(rows, columns=["what", "compute", "dice", "low", "high", "seeds"])
    made.to_csv(TARGET, index=False)
    say(table([[str(cell) for cell in row] for row in rows], list(made.columns)))


if __name__ == "__main__":
    main(*sys.argv[1:])
