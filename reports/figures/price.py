"""Score against cost, with the Pareto front: what nobody beats at its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from reports.figures.style import COLOURS, GREY, INK, blank, dress, label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRONT, _BEHIND = COLOURS[0], "#8a95a1"
_WORDS: Final = {
    "": "teachers shared by the methods that use them",
    "_alone": "each method pays for its teachers alone",
}
_MEASURES: Final = {"overall": "overall score", "dice": "Dice, mean over structures"}
_LEADER: Final = {"arrowstyle": "-", "color": "#b9bfc7", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
_LINE: Final = 0.042  # the height of a name, as a share of the panel's


def score_against_cost(table: pd.DataFrame) -> Figure:
    """A panel with the teachers shared and one with each method paying for them alone, where that differs.

    Args:
        table: Rows of `cost_table` of one contest.
    """
    kinds = [""] if (table["passes"] == table["passes_alone"]).all() else ["", "_alone"]
    figure = blank(7.6, max(4.4, 0.24 * len(table) + 1.2) * len(kinds))
    panels = figure.subplots(len(kinds), 1, squeeze=False)[:, 0]
    low, high = (
        table["score_lower"].fillna(table["score"]).min(),
        table["score_upper"].fillna(table["score"]).max(),
    )
    room = 0.06 * (high - low or 1.0)
    for axes, kind in zip(panels, kinds, strict=True):
        axes.set_ylim(low - room, high + room)
        _panel(axes, table, kind)
        if len(kinds) > 1:
            axes.set_title(_WORDS[kind], loc="left", fontsize=10, color=GREY)
        measure = str(table["measure"].iloc[0])
        axes.set_ylabel(f"{_MEASURES.get(measure, measure)}   (higher is better →)")
    handles = [
        Line2D(
            [],
            [],
            color=_FRONT,
            marker="o",
            drawstyle="steps-post",
            label="Pareto front: no other scores as much for less",
        ),
        Line2D([], [], color=_BEHIND, marker="o", linestyle="none", label="dominated"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, kind: str) -> None:
    cost = f"passes{kind}"
    rows = table.sort_values([cost, "score"])
    front = rows[rows[f"front{kind}"] == "yes"]
    axes.step(front[cost], front["score"], where="post", color=_FRONT, linewidth=1.4, alpha=0.6)
    for colour, own in ((_BEHIND, rows.drop(front.index)), (_FRONT, front)):
        axes.vlines(
            own[cost], own["score_lower"], own["score_upper"], color=colour, linewidth=1.2, alpha=0.35
        )
        axes.plot(
            own[cost],
            own["score"],
            color=colour,
            marker="o",
            linestyle="none",
            markersize=6.5,
            markeredgecolor="white",
            markeredgewidth=0.7,
            zorder=3,
        )
    dress(axes)
    prices = rows[cost]
    span = prices.max() - prices.min() or prices.max() or 1.0
    axes.set_xlim(prices.min() - 0.06 * span, prices.max() + 0.34 * span)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("cost in network passes: training, judges, revisions, teachers   (← cheaper)", fontsize=9)
    _name(axes, rows, cost, frozenset(front["method"]))


def _name(axes: Axes, rows: pd.DataFrame, cost: str, front: frozenset[str]) -> None:
    """Each name to the right of its point, moved up or down where another stands there."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    taken: list[tuple[float, float, float]] = []  # left and right end, height; in shares of the panel
    for row in rows.sort_values("score", ascending=False).to_dict("records"):
        words = label(str(row["method"]))
        start = (row[cost] - left) / (right - left) + 0.015
        end = start + 0.0145 * len(words)
        wanted = (row["score"] - low) / (high - low)
        height = _free(wanted, (start, end), taken)
        taken.append((start, end, height))
        mine = str(row["method"]) in front
        away = abs(height - wanted) > _LINE / 2
        axes.annotate(
            words, (row[cost], row["score"]), (start, height), textcoords="axes fraction", fontsize=8.5,
            va="center", color=INK if mine else GREY, fontweight="bold" if mine else "normal", zorder=5,
            arrowprops=_LEADER if away else None,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def _free(wanted: float, ends: tuple[float, float], taken: list[tuple[float, float, float]]) -> float:
    """The height nearest to the wanted one at which no other name stands."""
    beside = [height for start, end, height in taken if start < ends[1] and ends[0] < end]
    steps = sorted(range(-40, 41), key=abs)
    heights = (wanted + step * _LINE / 2 for step in steps)
    return next((at for at in heights if all(abs(at - other) >= _LINE for other in beside)), wanted)
