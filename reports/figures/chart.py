"""What a figure of the paper is, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

    from reports.inputs.images import Exhibits
    from reports.statistics.cohorts import Benchmark


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of the paper: how it is drawn, what it is called, what it shows.

    Attributes:
        draw: The figure of a cohort's records and of all exhibits; raises MissingExhibitError where what it
            needs is not there.
        title: Its heading.
        caption: What it shows.
        benchmarks: Of which cohorts it is drawn.
        once: Whether it would look the same for each of them, so that the first is enough.
    """

    draw: Callable[[pd.DataFrame, Exhibits], Figure]
    title: str
    caption: str
    benchmarks: tuple[Benchmark, ...] = ("hvsmr", "brats")
    once: bool = False
