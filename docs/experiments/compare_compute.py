"""Is what the fast path learns what the plain one learns? Mean Dice of the same sweep under both, seed by seed.

    bench run --recipe quick --methods densevoxnet --xi 0.5 --seeds 6 --set data.first_seed=1000 --store fast
    bench run --recipe quick --methods densevoxnet --xi 0.5 --seeds 3 --set data.first_seed=1000 --set compute=plain --store plain
    python docs/experiments/compare_compute.py fast plain

Writes results/reference/development/compute.csv: for students, references and teachers the mean over seeds of the
mean Dice over cases and structures, and a 95 % interval by Student's t over seeds. Random streams differ, for they
follow from keys, and the way to compute is part of a key.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from bench.console import say, table

TARGET = Path(__file__).parents[2] / "results" / "reference" / "development" / "compute.csv"
ROLES = {"student": "student, ξ 0.5", "supervised": "all manual labels", "teacher": "teachers, ξ 0.5"}


def rows_of(path: str, store: Path) -> list[dict[str, object]]:
    """A row for each role, of one store."""
    records = pd.read_csv(store / "records.csv", dtype={"xi": str, "member": str})
    dice = records[(records.metric == "dice") & records.role.isin(ROLES)]
    found = []
    for role, title in ROLES.items():
        by_seed = dice[dice.role == role].groupby("seed").value.mean()
        half = stats.t.ppf(0.975, len(by_seed) - 1) * by_seed.sem()
        found.append(
            {
                "what": title,
                "compute": path,
                "dice": round(by_seed.mean(), 4),
                "low": round(by_seed.mean() - half, 4),
                "high": round(by_seed.mean() + half, 4),
                "seeds": len(by_seed),
                "commit": dice.commit.iloc[0],
            }
        )
    return found


def main(fast: str, plain: str) -> None:
    """Read both stores, write and say the table."""
    rows = [*rows_of("fast", Path(fast)), *rows_of("plain", Path(plain))]
    made = pd.DataFrame(rows).sort_values(["what", "compute"])
    made.to_csv(TARGET, index=False)
    say(table([[str(cell) for cell in row] for row in made.to_numpy()], list(made.columns)))


if __name__ == "__main__":
    main(*sys.argv[1:])
