"""The printed numbers beside ours: three columns more for each measure, and the paper's rows that we lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.published.cells import PublishedCell

IN_PAPER: Final = "in_paper"
"""The column that holds what the paper calls a row; empty where it has none."""
PRINTED: Final = ("printed", "difference", "verdict")
_COUNTS: Final = ("cases", "seeds", "results", "failed", "empty")


def beside(frame: pd.DataFrame, verdicts: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """A table with `<measure>_printed`, `_difference`, `_verdict` after each measure that the paper prints.

    Args:
        frame: Ours, with the column `in_paper`.
        verdicts: Of the cells of this table, as `published.verdicts.held` gives them.
        columns: The paper's column headings, and the measure of ours that each is held against.
    """
    by_cell = verdicts.set_index(["row", "column"])
    table = frame.copy()
    for heading, measure in columns.items():
        if measure not in table:
            continue
        place = list(table.columns).index(f"{measure}_sd" if f"{measure}_sd" in table else measure)
        keys = pd.MultiIndex.from_arrays([table[IN_PAPER], [heading] * len(table)])
        found = by_cell.reindex(keys)
        for offset, name in enumerate(PRINTED, start=1):
            values = found[name].to_numpy() if name == "difference" else found[name].fillna("").to_numpy()
            table.insert(place + offset, f"{measure}_{name}", values)
    return table


def with_rows_of(frame: pd.DataFrame, cells: tuple[PublishedCell, ...]) -> pd.DataFrame:
    """A table of methods with the column `in_paper`, and below it the paper's rows that we do not have.

    Ours are told by method, role and ξ. What no method of ours stands for has the role `published`.
    """
    names = {_labels(cell): cell.row for cell in cells}
    keys = [(str(row.method), str(row.role), str(row.xi)) for row in frame.itertuples()]
    ours = [names.get(key, "") for key in keys]
    missing = [(labels, row) for labels, row in names.items() if row not in ours]
    added = pd.DataFrame(
        [
            {"method": method, "role": role, "xi": xi, IN_PAPER: row, **dict.fromkeys(_COUNTS, 0)}
            for (method, role, xi), row in missing
        ]
    )
    table = frame.copy()
    table.insert(list(table.columns).index("method") + 1, IN_PAPER, pd.Series(ours, dtype=object))
    return appended(table, added)


def appended(table: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Rows below a table: texts that they lack are empty, measures absent, and the dtypes stay."""
    if added.empty:
        return table
    both = pd.concat([table.astype(object), added.astype(object)], ignore_index=True)[list(table.columns)]
    for name in table.columns:
        if name in _COUNTS or name.endswith(("_failed", "_results")):
            both[name] = both[name].astype("float64").fillna(0).astype("int64")
        elif added.get(name) is not None or (len(table) and table[name].dtype != "float64"):
            both[name] = both[name].where(both[name].notna(), "").astype(str)
        else:
            both[name] = both[name].astype("float64")
    return both


def _labels(cell: PublishedCell) -> tuple[str, str, str]:
    if cell.place is None:
        return (cell.row, "published", "1.0")
    return (cell.place.method, cell.place.role, cell.place.xi)
