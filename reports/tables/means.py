"""What was measured, as plain DataFrames; nothing is rounded or worded before `sheet`."""

from __future__ import annotations

from typing import Final

import pandas as pd

from reports.ranking.sentences import ranked
from reports.statistics.aggregate import by_share, largest_share, once, over_seeds, silent_columns
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import LABELLED_ONLY, TEACHERS, TRAINED, evaluated

COUNTS: Final = ["cases", "seeds", "results", "failed", "empty"]
_VARIANTS: Final = ("single", "dd", "md", "hd")  # from one teacher on one view to all teachers on all views
_CURVE: Final = ["dataset", "method", "xi", "mean", "low", "high", "seeds", "failed"]


def comparison(records: pd.DataFrame, *, xi: str | None = None) -> pd.DataFrame:
    """Every method at one ξ, as in P's Table 3, and the methods trained on all manual labels.

    Args:
        records: The benchmark's records.
        xi: The share of manual labels; the largest below 1 on each data set if not given.

    Returns:
        `dataset, method, role, xi`; for each structure Dice, ADB and HDD and then `overall`, each with its
        standard deviation over seeds (`_sd`); `cases, seeds, results, failed, empty`.

    Raises:
        ValueError: There are no records, or no student at this ξ.
    """
    rows = at_largest_share(records, xi=xi)
    table = summary(rows, ("dice", "adb", "hdd"), ["dataset", "method", "role", "xi"])
    return table.sort_values(["dataset", "role"], kind="stable", ignore_index=True)


def at_largest_share(records: pd.DataFrame, *, xi: str | None = None) -> pd.DataFrame:
    """The rows of the students at one ξ, the largest below 1 if not given, and of the fully supervised.

    Raises:
        ValueError: There are no records, or no student at this ξ.
    """
    rows = evaluated(records, TRAINED)
    chosen = []
    for _, part in rows.groupby("dataset"):
        share = float(xi or largest_share(part) or "nan")
        chosen.append(part[(part["role"] == "supervised") | (by_share(part["xi"]) == share)])
    rows = pd.concat(chosen) if chosen else rows
    if xi is not None and not (rows["role"] == "student").any():
        raise ValueError(f"no student was trained at ξ = {xi}")
    return rows


def pseudo_labels(records: pd.DataFrame) -> pd.DataFrame:
    """The quality of the pseudo labels against the withheld truth, for each ξ and variant.

    Returns:
        `dataset, xi, variant, member, method`; Dice of each structure and `overall`, each with `_sd`; then
        the counts.

    Raises:
        ValueError: There are no records.
    """
    rows = once(evaluated(records, ("pseudo",)))
    table = summary(rows, ("dice",), ["dataset", "xi", "variant", "member", "method"])
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


def rank_intervals(records: pd.DataFrame) -> pd.DataFrame:
    """Each student's rank by overall score at each ξ, with the interval of that rank.

    Returns:
        `xi, method, overall, rank, rank_low, rank_high, cases, seeds`, best first at each ξ; a method that
        cannot be ranked there has nothing but its name.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    rows = once(evaluated(records, ("student",)))
    scored = rows[rows["metric"] == "overall"]
    names = {"mean": "overall", "low": "rank_low", "high": "rank_high"}
    columns = ["xi", "method", "overall", "rank", "rank_low", "rank_high", "cases", "seeds"]
    parts = []
    for share in sorted(scored["xi"].unique(), key=float):
        here = scored[scored["xi"] == share]
        places = {
            method: set(zip(own["seed"], own["case"], strict=True)) for method, own in here.groupby("method")
        }
        # Of other seeds or cases a rank would say nothing.
        alike = all(place == places[next(iter(places))] for place in places.values())
        found = (
            ranked(rows[rows["xi"] == share], xi=share) if alike else pd.DataFrame({"method": list(places)})
        )
        parts.append(found.rename(columns=names).assign(xi=share).reindex(columns=columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def scores_over_xi(records: pd.DataFrame) -> pd.DataFrame:
    """The scores of every case of students, of the supervised and of the averaged teachers of each ξ.

    A line over ξ bears the name of a method alone, so methods that were also trained on the manual labels
    alone are left out: they stand in the tables that name the role.
    """
    rows = evaluated(records, TRAINED)
    is_reference = rows["role"] == LABELLED_ONLY
    return case_scores(once(rows[~is_reference | (rows["method"] == TEACHERS)]))


def sweep_means(records: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """Mean and spread over seeds of each (method, ξ), supervised included.

    Of the overall score and those of the metrics that exist; sorted by data set, by the order in which the
    methods appear, and by ξ.
    """
    scores = scores_over_xi(records)
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
    silent = silent_columns(means, [metric])
    return means.rename(columns=names | dict.fromkeys(silent, "mean_silent"))[
        [*_CURVE, *(["mean_silent"] if silent else [])]
    ]


def summary(rows: pd.DataFrame, metrics: tuple[str, ...], labels: list[str]) -> pd.DataFrame:
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
        return pd.DataFrame(columns=[*labels, *columns, *COUNTS])
    table = over_seeds(case_scores(rows), measures)
    return table[[*labels, *columns, *silent_columns(table, measures), *COUNTS]]


def _sorted(table: pd.DataFrame, *, variant: pd.Series[int]) -> pd.DataFrame:
    keyed = table.assign(_share=by_share(table["xi"]), _variant=variant)
    keyed = keyed.sort_values(["dataset", "_share", "_variant"], kind="stable", ignore_index=True)
    return keyed.drop(columns=["_share", "_variant"])
