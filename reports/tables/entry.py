"""What a table of a report is: how it is made, what it is called, and what it says under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.statistics.cohorts import BENCHMARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from reports.statistics.cohorts import Benchmark


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report: how it is made, what it is called, and what was averaged over what.

    Attributes:
        build: Makes it from the records of a cohort; of a table that is made once from nothing else.
        title: What it is called.
        caption: What stands under it.
        block: The best value of each column is marked among the rows that agree in this column.
        benchmarks: Of which cohorts it is made.
        once: It does not hang on the records, so that a report has one.
        without_cohort: Its rows on benchmarks of which there are no records, to stand in the first cohort's.
        sentences: What it comes to, from the table and the name of the cohort.
    """

    build: Callable[[pd.DataFrame], pd.DataFrame]
    title: str
    caption: str
    block: str
    benchmarks: tuple[Benchmark, ...] = BENCHMARKS
    once: bool = False
    without_cohort: Callable[[Collection[Benchmark]], pd.DataFrame] | None = None
    sentences: Callable[[pd.DataFrame, str], list[str]] | None = None
