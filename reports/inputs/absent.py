"""Structures that nobody has, neither a label map nor a prediction: each would score as perfect."""

from __future__ import annotations

from typing import Final

import pandas as pd

WHOLE: Final = "all"
"""The structure under which the overall score stands."""
OVERALL_WEIGHTS: Final = {"dice": 1 / 2, "adb": -1 / 4, "hdd": -1 / 30}
"""HVSMR 2016's ranking formula, summed over structures."""
_PLACE: Final = (
    "dataset", "role", "method", "member", "variant", "xi", "seed", "split", "noise", "recipe", "definition",
    "stage", "case",
)  # fmt: skip
"""What the rows of one case of one result share."""


def absent_structures(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Data set -> its structures that are empty on both sides in every row; only data sets that have any.

    `bench run` refuses such data (docs/decisions/0028); older stores hold records of them.
    """
    seen = rows.loc[
        (rows["structure"] != WHOLE) & (rows["status"] != "failed"), ["dataset", "structure", "status"]
    ].drop_duplicates()
    there = seen[seen["status"] != "both_empty"]
    empty = seen[seen["status"] == "both_empty"].merge(
        there[["dataset", "structure"]].drop_duplicates(), how="left", indicator=True
    )
    found: dict[str, list[str]] = {}
    for row in empty[empty["_merge"] == "left_only"].itertuples():
        found.setdefault(str(row.dataset), []).append(str(row.structure))
    return found


def absent_sentences(rows: pd.DataFrame) -> list[str]:
    """What the report says of them, without the stop."""
    return [
        f"{dataset}: {', '.join(names)} {'is' if len(names) == 1 else 'are'} in no label map and prediction"
        for dataset, names in absent_structures(rows).items()
    ]


def without_absent(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without those structures, and without their summands of the overall score.

    Args:
        rows: Each result once.

    Raises:
        ValueError: Nothing is left: no label map of any data set has a structure.
    """
    absent = absent_structures(rows)
    if not absent:
        return rows
    named = {(dataset, name) for dataset, names in absent.items() for name in names}
    gone = [pair in named for pair in zip(rows["dataset"], rows["structure"], strict=True)]
    summands = rows[gone].assign(summand=rows["metric"].map(OVERALL_WEIGHTS) * rows["value"])
    lost = summands.groupby(list(_PLACE))["summand"].sum()
    kept = rows[[not one for one in gone]]
    # A data set of which nothing but overall scores is left was scored on nothing.
    scored = kept.loc[kept["structure"] != WHOLE, "dataset"].unique()
    kept = kept[kept["dataset"].isin(scored)]
    if kept.empty:
        raise ValueError(
            f"there is nothing to report: no label map of {', '.join(absent)} has a structure; "
            "see `bench data check`"
        )
    whole = kept["structure"] == WHOLE
    by_place = lost.reindex(pd.MultiIndex.from_frame(kept[list(_PLACE)])).fillna(0.0).to_numpy()
    return kept.assign(value=kept["value"].where(~whole, kept["value"] - by_place))
