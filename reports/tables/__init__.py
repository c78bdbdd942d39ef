"""The tables of the paper and those beside them."""

from reports.tables.entry import Table
from reports.tables.means import (
    comparison,
    curve,
    curve_of,
    mean_dice_curve,
    pseudo_labels,
    scores_over_xi,
    sweep_means,
)
from reports.tables.paper import table1, table2, table3, table4
from reports.tables.registry import TABLES

__all__ = [
    "TABLES",
    "Table",
    "comparison",
    "curve",
    "curve_of",
    "mean_dice_curve",
    "pseudo_labels",
    "scores_over_xi",
    "sweep_means",
    "table1",
    "table2",
    "table3",
    "table4",
]  # fmt: skip
