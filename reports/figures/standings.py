"""The leaderboard as a picture: each method's rank in each contest, with the interval of the rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D

from reports.figures.style import COLOURS, GREY, INK, blank, dress, label, labels
from reports.statistics.cohorts import FOCAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS: Final = 4  # panels beside one another
_PODIUM, _FIELD = COLOURS[0], "#8a95a1"
_MARKS: Final = {"failed": "x", "predicts nothing": "o", "lacks seeds": "|"}
_WORDS: Final = {
    "failed": "no rank: a case failed",
    "predicts nothing": "no rank: predicts nothing",
    "lacks seeds": "no rank: lacks seeds",
}


def standings(board: pd.DataFrame) -> Figure:
    """A panel a contest, a line a method, in the order of the first contest.

    Args:
        board: Rows of `leaderboard` of one cohort, the supervised left out.
    """
    settings = list(board["setting"].unique())
    methods = list(dict.fromkeys(board["method"]))
    across = min(_ACROSS, len(settings))
    down = -(-len(settings) // across)
    longest = max(len(label(method)) for method in methods)
    figure = blank(0.085 * longest + 0.9 + 2.6 * across, down * (0.9 + 0.25 * len(methods)) + 0.5)
    panels = figure.subplots(down, across, squeeze=False, sharey=True, sharex=True)
    names = labels(methods)
    for axes in panels.ravel()[len(settings) :]:
        axes.set_visible(False)
    for axes, setting in zip(panels.ravel(), settings, strict=False):
        _panel(axes, board[board["setting"] == setting], methods)
    for axes in panels[:, 0]:
        axes.set_yticks(range(len(methods)), [names[method] for method in methods])
        for text, method in zip(axes.get_yticklabels(), methods, strict=True):
            text.set_fontweight("bold" if method == FOCAL else "normal")
        axes.set_ylim(len(methods) - 0.5, -0.5)
    figure.legend(
        handles=_legend(board),
        loc="outside upper center",
        ncols=2 if across < 2 else 5,
        frameon=False,
        fontsize=9,
    )
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, methods: Sequence[str]) -> None:
    place = {method: number for number, method in enumerate(methods)}
    for number in range(0, len(methods), 2):  # every other line shaded, so that the eye keeps to its own
        axes.axhspan(number - 0.5, number + 0.5, color="#f5f7f9", zorder=0)
    ranked = rows[rows["rank"].notna()]
    for row in ranked.to_dict("records"):
        colour = _PODIUM if row["rank"] <= 3 else _FIELD
        height = place[str(row["method"])]
        if row["rank_lower"] == row["rank_lower"]:
            axes.plot(
                [row["rank_lower"], row["rank_upper"]],
                [height] * 2,
                color=colour,
                linewidth=2.6,
                alpha=0.55,
                solid_capstyle="round",
            )
        axes.plot(
            [row["rank"]],
            [height],
            marker="o",
            color=colour,
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
    edge = len(methods) + 0.6
    for why, marker in _MARKS.items():
        heights = [place[str(name)] for name in rows.loc[rows["note"].str.startswith(why), "method"]]
        axes.plot(
            [edge] * len(heights),
            heights,
            marker=marker,
            color=INK,
            fillstyle="none",
            markersize=6,
            linestyle="none",
        )
    _frame(axes, rows, len(methods))


def _frame(axes: Axes, rows: pd.DataFrame, number: int) -> None:
    dress(axes, grid="x")
    first = rows.iloc[0]
    seeds = f"{first['seeds']} seed{'' if first['seeds'] == 1 else 's'}"
    noise = "labels by teachers" if first["noise"] == "none" else str(first["noise"])
    axes.set_title(
        f"{label(noise)}\nξ = {first['xi']}, {first['cases']} cases, {seeds}",
        loc="left",
        fontsize=9.5,
        color=GREY,
    )
    axes.set_xlim(0.4, number + 1.2)
    step = 1 if number <= 6 else 2 if number <= 14 else 4
    axes.set_xticks(range(1, number + 1, step))
    axes.tick_params(labelbottom=True, length=0)
    axes.set_xlabel("rank", fontsize=9, color=GREY)
    axes.spines["left"].set_visible(False)


def _legend(board: pd.DataFrame) -> list[Line2D]:
    handles = [
        Line2D([], [], color=_PODIUM, marker="o", markersize=6, linewidth=2.6, label="among the first three"),
        Line2D([], [], color=_FIELD, marker="o", markersize=6, linewidth=2.6, label="further down"),
    ]
    for why, marker in _MARKS.items():
        if board["note"].str.startswith(why).any():
            handles.append(
                Line2D(
                    [],
                    [],
                    color=INK,
                    marker=marker,
                    fillstyle="none",
                    linestyle="none",
                    markersize=6,
                    label=_WORDS[why],
                )
            )
    return handles
