"""What a score cost, in network passes of all that a method is charged for, and who is dominated by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.ranking.groups import Contest

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: Final = ("passes_training", "passes_judges", "passes_revisions")
"""What a method is charged for whoever pays its teachers."""
SHARED: Final = "passes_teachers_shared"
ALONE: Final = "passes_teachers_alone"
COLUMNS: Final = (
    "setting", "dataset", "recipe", "data_set", "noise", "xi", "method", "score", "score_lower",
    "score_upper", "measure", "passes", "front", "dominated_by", "passes_alone", "front_alone",
    "dominated_by_alone", *OWN, SHARED, ALONE, "seconds",
)  # fmt: skip
"""Of `cost_table`, one row a ranked method of a contest that has a cost, the cheapest first. passes: all of
it with the teachers' shared among the methods that use them; passes_alone: with all of them; each the mean
over seeds. front: `yes` where no other method scores as much for less, or more for as much; else by whom
it is dominated, of those on the front."""


def passes(costs: pd.DataFrame, contest: Contest) -> pd.Series[float]:
    """The passes of each method of a contest, teachers shared; the mean over seeds."""
    return _means(costs, contest)["passes"]


def starts(costs: pd.DataFrame, contest: Contest) -> dict[str, str]:
    """Method -> where the weights of its students started: ``teachers``, ``fresh``, or both by seed."""
    rows = contest.of(costs)
    rows = rows[(rows["role"] == "student") & (rows["variant"] == "")]
    rows = rows[rows["start"] != ""]
    return {str(name): " or ".join(sorted(own.unique())) for name, own in rows.groupby("method")["start"]}


def _means(costs: pd.DataFrame, contest: Contest) -> pd.DataFrame:
    """By method, the means over seeds."""
    rows = contest.of(costs)
    rows = rows[(rows["role"] == "student") & (rows["variant"] == "")]
    own = rows[list(OWN)].sum(axis=1)
    rows = rows.assign(passes=own + rows[SHARED], passes_alone=own + rows[ALONE])
    return rows.groupby("method")[["passes", "passes_alone", *OWN, SHARED, ALONE, "seconds"]].mean()


def cost_table(board: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Score against cost in every contest of a leaderboard that has costs, as `COLUMNS` says."""
    parts = list(_parts(board, costs))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _parts(board: pd.DataFrame, costs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    ranked = board[board["rank"].notna()]
    for _, part in ranked.groupby("setting", sort=False):
        first = part.iloc[0]
        where = (str(first[name]) for name in ("data_set", "dataset", "recipe", "noise", "xi"))
        contest = Contest(*where)
        found = part.drop(columns="passes").merge(_means(costs, contest), left_on="method", right_index=True)
        if found.empty:
            continue
        for suffix in ("", "_alone"):
            by = dominated(found, f"passes{suffix}")
            found = found.assign(
                **{
                    f"front{suffix}": ["yes" if not names else "no" for names in by],
                    f"dominated_by{suffix}": [", ".join(names) for names in by],
                }
            )
        yield found.sort_values(["passes", "rank"], kind="stable")[list(COLUMNS)]


def dominated(rows: pd.DataFrame, cost: str) -> list[tuple[str, ...]]:
    """For each row the methods of the Pareto front that score as much for less or more for no more.

    Empty for a row that is on the front itself.
    """
    prices, scores = rows[cost].to_numpy(float), rows["score"].to_numpy(float)
    no_worse_nm = (prices <= prices[:, None]) & (scores >= scores[:, None])
    better_nm = no_worse_nm & ((prices < prices[:, None]) | (scores > scores[:, None]))
    front_m = ~better_nm.any(axis=1)
    names = rows["method"].to_numpy()
    return [tuple(str(name) for name in names[better_m & front_m]) for better_m in np.asarray(better_nm)]
