"""Measure the variances of the difference of two methods from records, and commit them for plans to use.

    python docs/experiments/measure_components.py results/reference/hippocampus/records.csv [FILE ...]

Writes reports/statistics/components.json, from which `bench run -n` says what a plan resolves, and a report of one seed
what more seeds would. Run again it replaces what is of the same data set, recipe and measure.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reports.inputs.records import read
from reports.statistics.cohorts import cohorts
from reports.statistics.components import measured
from reports.statistics.power import TARGETS, write


def main() -> None:
    """Measure all files named."""
    root, found = Path(__file__).parents[2], []
    for name in sys.argv[1:]:
        path = Path(name).resolve()
        source = str(path.parent.relative_to(root)) if path.is_relative_to(root) else path.parent.name
        for cohort in cohorts(read(path)):
            for measure in TARGETS:
                if one := measured(cohort.records, measure, source):
                    found.append(one)
                    sys.stdout.write(f"{one}\n")
    write(found)


if __name__ == "__main__":
    main()
