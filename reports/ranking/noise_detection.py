"""How well each method's doubt finds wrong labels: means with intervals, and who says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.inputs.other_tables import DOUBT_MEASURES, REGIONS
from reports.ranking.groups import contests
from reports.statistics.intervals import mean_intervals
from reports.statistics.values import PAIR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SILENT: Final = "says nothing"
"""In place of a map's name: the method shows no doubt. It is not a doubt of 0."""
AT_END: Final = 100.0  # % of training
_WHOSE: Final = ("setting", "dataset", "recipe", "data_set", "noise", "xi", "method", "map")
COLUMNS: Final = (
    *_WHOSE, *(f"{name}{end}" for name in DOUBT_MEASURES for end in ("", "_lower", "_upper")),
    "cases", "seeds", "undefined",
)  # fmt: skip
"""Of `doubt_table`, one row a map of doubt (TSMAN's f3 and f4 apart) of a method in a contest: each measure
as the mean over cases, then seeds, with its 95 % interval; `cases` and `seeds` of all values; `undefined`
counts values that do not exist, as an AUROC where no label is wrong. A method of the contest without a row of
doubt has `says nothing` for a map, and no value."""
CURVE_COLUMNS: Final = (
    *_WHOSE, "progress", "region", "measure", "mean", "low", "high", "cases", "seeds",
)  # fmt: skip


def doubt_table(doubts: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Every map of doubt at the end of training, over all structures and the whole volume.

    Only of contests in which any doubt was scored.
    """
    parts = list(_parts(doubts, records))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _parts(doubts: pd.DataFrame, records: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for contest, students in contests(records):
        every = _students(contest.of(doubts))
        rows = every[
            (every["progress"] == AT_END) & (every["structure"] == "all") & (every["region"] == "all")
        ]
        if rows.empty:
            continue
        silent = [name for name in students["method"].unique() if name not in set(every["method"])]
        table = _wide(rows)
        absent = pd.DataFrame({"method": sorted(silent), "map": SILENT})
        table = pd.concat([table, absent], ignore_index=True) if silent else table
        counts = {name: table[name].fillna(0).astype("int64") for name in ("cases", "seeds", "undefined")}
        yield table.assign(**contest.columns, **counts).reindex(columns=list(COLUMNS))


def _students(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["role"] == "student") & (rows["variant"] == "")]


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a map, three columns a measure; the best AUROC first."""
    keys = ["method", "map"]
    means = intervals(rows, [*keys, "measure"])
    ends = {"mean": "", "low": "_lower", "high": "_upper"}
    parts = [
        means.pivot(index=keys, columns="measure", values=kind).add_suffix(end) for kind, end in ends.items()
    ]
    wide = pd.concat(parts, axis=1)
    grouped = rows.groupby(keys)
    counts = pd.DataFrame(
        {
            "cases": grouped["case"].nunique(),
            "seeds": grouped["seed"].nunique(),
            "undefined": grouped["value"].agg(lambda values: int(values.isna().sum())),
        }
    )
    table = wide.reindex(counts.index).join(counts).reset_index()
    if "auroc" not in table:
        table = table.assign(auroc=float("nan"))
    return table.sort_values("auroc", ascending=False, kind="stable", ignore_index=True)


def intervals(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Mean and 95 % interval over cases, then seeds, of the values that exist, by these columns."""
    values = rows.dropna(subset=["value"])
    if values.empty:
        return pd.DataFrame(columns=[*keys, "mean", "low", "high", "cases", "seeds"])
    return mean_intervals(values[[*PAIR, "value", *keys]], keys)


def doubt_curves(doubts: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """The numbers under the figures: each measure over training, and at its end by region.

    Over all structures; `CURVE_COLUMNS` says what a row holds.
    """
    parts = []
    for contest, _ in contests(records):
        rows = _students(contest.of(doubts))
        rows = rows[rows["structure"] == "all"]
        rows = rows[(rows["region"] == "all") | (rows["progress"] == AT_END)]
        if rows.empty:
            continue
        found = intervals(rows, ["method", "map", "progress", "region", "measure"])
        place = found["region"].map(list(REGIONS).index)
        found = found.assign(**contest.columns, _place=place).sort_values(
            ["measure", "method", "map", "_place", "progress"], kind="stable"
        )
        parts.append(found[list(CURVE_COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CURVE_COLUMNS))
