"""How noisy the gradient is, layer by layer, from the image to the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reports.figures.style import GREY, blank, dress, label, styles_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.figures.style import Style

_MOST: Final = 8
"""Methods that can be told apart; of more, the paper's are drawn in full and the others as pale lines."""
_PAPERS: Final = ("tsman", "decoupling", "deep-level-set", "densevoxnet")
_MEASURES: Final = {
    "touched": "share of positions touched",
    "above_half": "share with noise above half of the clean gradient",
    "noise_to_signal": "noise to signal",
    "cosine": "cosine to the clean gradient",
}
"""What the paper speaks of first: single positions, then the gradient of a whole layer."""


def gradient_by_depth(table: pd.DataFrame) -> Figure:
    """A row a measure, a column for features and for parameters, a line a method, paler earlier in training.

    Args:
        table: Rows of `gradient_table` of one contest.
    """
    measures = [measure for measure in _MEASURES if (table["measure"] == measure).any()]
    sides = sorted(table["of"].unique())
    styles = styles_of(_in_full(sorted(table["method"].unique())))
    figure = blank(5.6 * len(sides) + 0.6, 0.9 + 3.0 * len(measures) + 0.25 * (len(styles) // 6))
    panels = figure.subplots(len(measures), len(sides), squeeze=False, sharex=True, sharey="row")
    for line, measure in zip(panels, measures, strict=True):
        own = table[table["measure"] == measure]
        for axes, of in zip(line, sides, strict=True):
            rows = own[own["of"] == of]
            if rows.empty:  # parameters have no positions
                axes.set_visible(False)
                continue
            _panel(axes, rows, styles)
            axes.set_title(f"of {label(of)}", loc="left", fontsize=10, color=GREY)
        if measure == "noise_to_signal" and (own["mean"] > 0).all():
            line[0].set_yscale("log")
        line[0].set_ylabel(_MEASURES[measure], fontsize=10)
    for axes in panels[-1]:
        axes.set_xlabel("depth of the layer: from the image (0) to the loss", fontsize=9)
    figure.legend(
        handles=_legend(table, styles), loc="outside upper center", ncols=6, frameon=False, fontsize=9
    )
    return figure


def _in_full(names: list[str]) -> list[str]:
    if len(names) <= _MOST:
        return names
    return [name for name in names if name in _PAPERS] or names[:_MOST]


def _panel(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    shares = sorted(rows["progress"].unique())
    for _, own in rows[~rows["method"].isin(list(styles)) & (rows["progress"] == shares[-1])].groupby(
        "method"
    ):
        line = own.sort_values("depth")
        axes.plot(line["depth"], line["mean"], color=GREY, linewidth=0.8, alpha=0.45, zorder=1)
    for name, style in styles.items():
        for place, progress in enumerate(shares, start=1):
            own = rows[(rows["method"] == name) & (rows["progress"] == progress)].sort_values("depth")
            last = place == len(shares)
            axes.plot(
                own["depth"], own["mean"], color=style.colour, linewidth=1.8 if last else 1.0,
                alpha=1.0 if last else 0.2 + 0.4 * place / len(shares), marker=style.marker if last else "",
                markersize=5.5, markeredgecolor="white", markeredgewidth=0.5, zorder=3 if last else 2,
            )  # fmt: skip
            if last:
                axes.fill_between(
                    own["depth"], own["low"], own["high"], color=style.colour, alpha=0.15, linewidth=0
                )
    dress(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))


def _legend(table: pd.DataFrame, styles: Mapping[str, Style]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linewidth=1.8, label=label(name))
        for name, style in styles.items()
    ]
    *earlier, last = (f"{share:g}" for share in sorted(table["progress"].unique()))
    if others := table["method"].nunique() - len(styles):
        handles.append(Line2D([], [], color=GREY, linewidth=0.8, alpha=0.45, label=f"{others} other methods"))
    handles.append(Line2D([], [], color=GREY, linewidth=1.8, label=f"at {last} % of training, 95 % interval"))
    if earlier:
        words = f"at {', '.join(earlier)} %, the paler the earlier"
        handles.append(Line2D([], [], color=GREY, linewidth=1.0, alpha=0.5, label=words))
    return handles
