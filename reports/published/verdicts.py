"""How our measurement of each printed cell stands to what is printed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from reports.published.cells import UNSTATED, published
from reports.published.measured import Measured, ablated_share, measured, scores_of
from reports.statistics.cohorts import BENCHMARKS, benchmark_of, cohorts, unique

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reports.published.cells import PublishedCell
    from reports.statistics.cohorts import Benchmark
    from reports.statistics.intervals import Interval

Verdict = Literal[
    "reproduced", "consistent", "deviates", "insufficient", "not_comparable", "not_run", "figure_only"
]
VERDICTS: Final[tuple[Verdict, ...]] = (
    "reproduced", "consistent", "deviates", "insufficient", "not_comparable", "not_run", "figure_only",
)  # fmt: skip
COLUMNS: Final = (
    "dataset", "table", "row", "column", "printed", "ours", "ours_results", "ours_failed", "low", "high",
    "seeds", "cases", "difference", "tolerance", "verdict", "reason",
)  # fmt: skip
PAPER_RECIPE: Final = "paper"
DEFINITION: Final = "hvsmr2016"


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far from the printed value a mean may lie and still be the same (docs/decisions/0013)."""

    dice: float = 0.02
    adb: float = 0.5  # mm
    hdd: float = 2.0  # mm
    overall: float = 0.1
    seeds: int = 3  # below, nothing is said

    def of(self, metric: str) -> float:
        """The tolerance of a metric."""
        return {"dice": self.dice, "adb": self.adb, "hdd": self.hdd, "overall": self.overall}[metric]


DEFAULT: Final = Tolerances()


@dataclass(frozen=True, slots=True)
class Setting:
    """What the records of a cohort were measured on; empty where there are none."""

    dataset: str = ""
    recipe: str = ""
    definition: str = ""


def published_verdicts(records: pd.DataFrame, tolerances: Tolerances = DEFAULT) -> pd.DataFrame:
    """Every printed cell, held against each cohort of its benchmark; without one it was not run.

    Returns:
        `dataset` (the cohort's name), `table, row, column, printed` (as text), `ours`, of which
        `ours_results` planned case results `ours_failed` failed, its 95 % interval `low, high`, `seeds,
        cases, difference` (ours less printed), `tolerance, verdict, reason`.

    Raises:
        ValueError: There are no records, or they contradict each other.
    """
    found = cohorts(records)
    parts = [
        held(cohort.records, tuple(cell for cell in published() if cell.benchmark == cohort.benchmark),
             tolerances).assign(dataset=cohort.name)
        for cohort in found
    ]  # fmt: skip
    if absent := set(BENCHMARKS) - {cohort.benchmark for cohort in found}:
        parts.append(verdicts_without_cohort(absent))
    return pd.concat(parts, ignore_index=True)


def cohort_verdicts(records: pd.DataFrame) -> pd.DataFrame:
    """The verdicts on every cell of the benchmark that the records of one data set belong to.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    benchmark = benchmark_of(unique(records))
    return held(records, tuple(cell for cell in published() if cell.benchmark == benchmark))


def verdicts_without_cohort(benchmarks: Collection[Benchmark]) -> pd.DataFrame:
    """The verdicts on every cell of these benchmarks, of which there are no records."""
    return held(None, tuple(cell for cell in published() if cell.benchmark in benchmarks))


def held(
    records: pd.DataFrame | None, cells: tuple[PublishedCell, ...], tolerances: Tolerances = DEFAULT
) -> pd.DataFrame:
    """These printed cells against the records of one cohort, or against none.

    Raises:
        ValueError: The records mix recipes or definitions.
    """
    scores, setting = pd.DataFrame(), Setting()
    if records is not None:
        scores = scores_of(records)
        first = records.iloc[0]
        setting = Setting(str(first["dataset"]), str(first["recipe"]), str(first["definition"]))
    rows = [_row(cell, scores, setting, tolerances) for cell in cells]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        dict.fromkeys(("ours", "low", "high", "difference", "tolerance"), "float64")
    )


def _row(
    cell: PublishedCell, scores: pd.DataFrame, setting: Setting, tolerances: Tolerances
) -> dict[str, object]:
    prints = cell.text != ""
    ours = Measured(None, 0, 0, "")
    if cell.place and prints and not scores.empty:
        ours = measured(scores, cell.place)
    verdict, reasons = _judged(cell, ours, setting, tolerances)
    if cell.place and cell.place.xi == UNSTATED and ours.interval:
        reasons = [*reasons, f"P states no ξ, ours is at {ablated_share(scores)}"]
    interval = ours.interval
    mean = interval.mean if interval else None
    return {
        "dataset": setting.dataset,
        "table": cell.exhibit,
        "row": cell.row,
        "column": cell.column,
        "printed": cell.text,
        "ours": mean,
        "ours_results": ours.results,
        "ours_failed": ours.failed,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "seeds": interval.seeds if interval else 0,
        "cases": interval.cases if interval else 0,
        "difference": None if mean is None or cell.value is None else mean - cell.value,
        "tolerance": tolerances.of(cell.place.metric) if cell.place and prints else None,
        "verdict": verdict,
        "reason": "; ".join(reasons),
    }


def _judged(
    cell: PublishedCell, ours: Measured, setting: Setting, tolerances: Tolerances
) -> tuple[Verdict, list[str]]:
    """The verdict and all reasons for it, the first rule that applies deciding."""
    if not cell.text:
        return "figure_only", [f"{cell.exhibit} prints no numbers; ours are in the figure of the same name"]
    if cell.place is None:
        return "not_comparable", [cell.unmapped]
    apart = list(_apart(cell, setting))
    if ours.interval is None:
        return _unmeasured(cell, ours, setting, apart)
    short = list(_short(ours.interval, tolerances))
    if apart or short:
        return "not_comparable" if apart else "insufficient", [*apart, *short]
    return _equivalent(cell, ours.interval, tolerances.of(cell.place.metric))


def _unmeasured(
    cell: PublishedCell, ours: Measured, setting: Setting, apart: list[str]
) -> tuple[Verdict, list[str]]:
    if ours.lacking:
        return "not_comparable", [*apart, f"{setting.dataset} has no {ours.lacking}"]
    if ours.failed:
        failed = f"{ours.failed} of {ours.results} case results failed, so there is no mean"
        return "not_run", [failed, *apart]
    return "not_run", [f"no record; bench run --experiment {cell.exhibit} makes it"]


def _apart(cell: PublishedCell, setting: Setting) -> Iterator[str]:
    """Why the two numbers do not measure the same thing."""
    if setting.dataset != cell.dataset:
        yield f"other data ({setting.dataset or 'none'}, P has {cell.dataset})"
    if cell.obstacle:
        yield cell.obstacle
    if setting.recipe != PAPER_RECIPE:
        yield f"another recipe ({setting.recipe or 'none'}, not {PAPER_RECIPE})"
    if setting.definition != DEFINITION:
        yield f"another definition of the metrics ({setting.definition or 'none'}, not {DEFINITION})"


def _short(interval: Interval, tolerances: Tolerances) -> Iterator[str]:
    """Why there is too little to tell."""
    if interval.seeds < tolerances.seeds:
        yield f"too few seeds ({interval.seeds} of {tolerances.seeds})"
    if interval.low is None:
        yield "one case gives no interval"


def _equivalent(cell: PublishedCell, interval: Interval, tolerance: float) -> tuple[Verdict, list[str]]:
    """Equivalence: where the whole interval of our mean lies, never whether a difference is significant."""
    assert cell.value is not None, "a number is printed"
    assert interval.low is not None, "one case was sorted out before"
    assert interval.high is not None, "one case was sorted out before"
    band = f"{cell.text} ± {tolerance:g}{f' {cell.unit}' if cell.unit else ''}"
    lowest, highest = cell.value - tolerance, cell.value + tolerance
    if lowest <= interval.low and interval.high <= highest:
        return "reproduced", [f"the whole 95 % interval lies inside {band}"]
    if interval.high < lowest or highest < interval.low:
        return "deviates", [f"the whole 95 % interval lies outside {band}"]
    return "consistent", [f"the 95 % interval reaches across the edge of {band}"]
