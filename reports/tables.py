"""The tables of the paper as plain DataFrames; nothing is rounded or worded before `render`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.cases import case_scores
from reports.selection import evaluated
from reports.statistics import by_share, largest_share, over_seeds
from reports.trends import trends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.selection import Benchmark

_COUNTS: Final = ["cases", "seeds", "results", "failed", "empty"]
_VARIANTS: Final = ("single", "dd", "md", "hd")  # from one teacher on one view to all teachers on all views
_CURVE: Final = ["dataset", "method", "xi", "mean", "low", "high", "seeds", "failed"]


def comparison(records: pd.DataFrame, *, xi: str | None = None) -> pd.DataFrame:
    """P's Table 3: every method at one ξ, and the methods trained on all manual labels.

    Args:
        records: The benchmark's records.
        xi: The share of manual labels; the largest below 1 on each data set if not given.

    Returns:
        `dataset, method, role, xi`; for each structure Dice, ADB and HDD and then `overall`, each with its
        standard deviation over seeds (`_sd`); `cases, seeds, results, failed, empty`.

    Raises:
        ValueError: There are no records, or no student at this ξ.
    """
    rows = evaluated(records, ("student", "supervised"))
    chosen = []
    for _, part in rows.groupby("dataset"):
        share = float(xi or largest_share(part) or "nan")
        chosen.append(part[(part["role"] == "supervised") | (by_share(part["xi"]) == share)])
    rows = pd.concat(chosen) if chosen else rows
    if xi is not None and not (rows["role"] == "student").any():
        raise ValueError(f"no student was trained at ξ = {xi}")
    table = _summary(rows, ("dice", "adb", "hdd"), ["dataset", "method", "role", "xi"])
    return table.sort_values(["dataset", "role"], kind="stable", ignore_index=True)


def pseudo_labels(records: pd.DataFrame) -> pd.DataFrame:
    """P's Table 1: the quality of the pseudo labels against the withheld truth, for each ξ and variant.

    Returns:
        `dataset, xi, variant, member, method`; Dice of each structure and `overall`, each with `_sd`; then
        the counts.

    Raises:
        ValueError: There are no records.
    """
    rows = evaluated(records, ("pseudo",))
    table = _summary(rows, ("dice",), ["dataset", "xi", "variant", "member", "method"])
    order = {name: place for place, name in enumerate(_VARIANTS)}
    return _sorted(table, variant=table["variant"].map(lambda name: order.get(name, len(order))))


def curve(records: pd.DataFrame, metric: str = "overall") -> pd.DataFrame:
    """The numbers under P's Figure 6: one row for each data set, method and ξ, with the band over seeds.

    A metric of structures is averaged over them. `low` and `high` are the lowest and the highest seed. The
    methods trained on all manual labels stand at ξ = 1.0.

    Raises:
        ValueError: There are no records, or none has this metric.
    """
    means = sweep_means(records, (metric,))
    if metric not in means and not means.empty:
        known = ", ".join(sorted(records["metric"].unique()))
        raise ValueError(f"no record has the metric {metric!r}; there are {known}")
    return curve_of(means, metric)


def mean_dice_curve(records: pd.DataFrame) -> pd.DataFrame:
    """The numbers under the second panel of Figure 6; empty where no Dice was recorded."""
    return curve_of(sweep_means(records, ("dice",)), "dice")


def sweep_means(records: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """Mean and spread over seeds of each (method, ξ), supervised included.

    Of the overall score and those of the metrics that exist; sorted by data set, by the order in which the
    methods appear, and by ξ.
    """
    scores = case_scores(evaluated(records, ("student", "supervised")))
    if scores.empty:
        return scores
    found = [metric for metric in metrics if metric in scores and metric != "overall"]
    means = over_seeds(scores, ["overall", *found])
    place = {name: number for number, name in enumerate(means["method"].unique())}
    means = means.assign(place=means["method"].map(place), number=by_share(means["xi"]))
    return means.sort_values(["dataset", "place", "number"], kind="stable", ignore_index=True)


def curve_of(means: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric of `sweep_means` as a curve; empty where it does not exist."""
    if metric not in means:
        return pd.DataFrame(columns=_CURVE)
    names = {metric: "mean", f"{metric}_low": "low", f"{metric}_high": "high"}
    return means.rename(columns=names)[_CURVE]


def _summary(rows: pd.DataFrame, metrics: tuple[str, ...], labels: list[str]) -> pd.DataFrame:
    """Mean and standard deviation over seeds, of each structure and overall, in the order of the paper."""
    present = rows.loc[rows["metric"].isin(metrics), ["structure", "metric"]].drop_duplicates()
    found = set(present.itertuples(index=False, name=None))
    structures = present["structure"].unique()
    names = [
        f"{structure}_{metric}"
        for structure in structures
        for metric in metrics
        if (structure, metric) in found
    ]
    measures = [*names, "overall"]
    columns = [column for measure in measures for column in (measure, f"{measure}_sd")]
    if rows.empty:
        return pd.DataFrame(columns=[*labels, *columns, *_COUNTS])
    return over_seeds(case_scores(rows), measures)[[*labels, *columns, *_COUNTS]]


def _sorted(table: pd.DataFrame, *, variant: pd.Series[int]) -> pd.DataFrame:
    keyed = table.assign(_share=by_share(table["xi"]), _variant=variant)
    keyed = keyed.sort_values(["dataset", "_share", "_variant"], kind="stable", ignore_index=True)
    return keyed.drop(columns=["_share", "_variant"])


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper: how it is made, what it is called, and what was averaged over what."""

    build: Callable[[pd.DataFrame], pd.DataFrame]
    title: str
    caption: str
    block: str  # the best value of each column is marked among the rows that agree in this column
    benchmarks: tuple[Benchmark, ...] = ("hvsmr", "brats")  # of which cohorts it is made


_MEANS: Final = (
    "Each value is the mean over cases within a seed, then the mean over seeds; ± is the sample standard "
    "deviation over seeds (absent with one seed)."
)
_FAILED: Final = (
    "Where any case failed there is no mean: “failed n/m” counts the failed among the m planned case "
    "results. Empty counts case results in which prediction or reference lacks a structure; they stay in "
    "the mean with Dice 0 and the volume's diagonal as distance."
)
_BAND: Final = (
    "Mean over cases within a seed, then over seeds; low and high are the lowest and the highest seed "
    "(absent with one). Rows at ξ = 1.0 are the methods trained on all manual labels. Bold is the best "
    "method at each ξ."
)

TABLES: Final[Mapping[str, Table]] = {
    "table3": Table(
        comparison,
        "Comparison of the methods",
        "Students at the largest ξ below 1 that was swept, then the same methods fully supervised (ξ = "
        f"1.0), scored on the test cases. {_MEANS} The overall score sums ½ Dice − ¼ ADB − HDD/30 over "
        f"structures (ADB and HDD in mm). {_FAILED} Bold is the best within the students and within the "
        "supervised.",
        "role",
    ),
    "table1": Table(
        pseudo_labels,
        "Quality of the pseudo labels",
        "Pseudo labels against the withheld truth of the training cases that have no manual label, for each "
        "ξ. Variants: single (one teacher, one view), dd (data distillation: one teacher, many views), md "
        f"(model distillation: many teachers, one view), hd (hierarchical: both). {_MEANS} {_FAILED} Bold "
        "is the best at each ξ.",
        "xi",
    ),
    "curve": Table(curve, "Overall score over ξ", f"The numbers under Figure 6, top. {_BAND}", "xi"),
    "curve_dice": Table(
        mean_dice_curve, "Mean Dice over ξ",
        f"The numbers under Figure 6, bottom: Dice averaged over structures. {_BAND}", "xi",
    ),
    "trends": Table(
        trends,
        "The paper's trends as claims",
        "Each difference is signed so that the paper is right where it is above zero; with its 95 % interval "
        "(bootstrap over cases and seeds), the paper's own printed difference, p of the exact paired test of "
        "sign flips, the smallest p that this number of cases could reach, and p after Holm over all claims "
        "tested here. Supported: the whole interval is above zero; contradicted: below; undecided: zero is "
        "inside, which never means equal. With one seed the spread over seeds is not in the interval.",
        "topic",
    ),
}  # fmt: skip
