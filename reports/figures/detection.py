"""How well doubt finds wrong labels: over training, and at the boundary against the inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.lines import Line2D

from reports.figures.style import COLOURS, GREY, blank, dress, label, styles_of
from reports.ranking.noise_detection import AT_END

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS: Final = {
    "auroc": "AUROC   ↑",
    "auprc": "AUPRC   ↑",
    "precision": "precision at the realised rate   ↑",
    "removed_wrong": "gradient removed from wrong labels   ↑",
    "removed_right": "gradient removed from right labels   ↓",
    "calibration": "calibration error   ↓",
}
_REGIONS: Final = {"boundary": (COLOURS[1], "s"), "interior": (COLOURS[2], "^"), "all": (COLOURS[0], "o")}
_BY_REGION: Final = ("auroc", "auprc", "removed_wrong", "removed_right")
_DODGE: Final = 1.1  # % of training between neighbouring lines, so that no interval hides another


def doubt_over_training(curves: pd.DataFrame) -> Figure:
    """Each measure over training, a line a map of doubt.

    Args:
        curves: Rows of `doubt_curves` of one contest.
    """
    rows = _named(curves[curves["region"] == "all"])
    names = list(dict.fromkeys(rows["name"]))
    styles = styles_of(names)
    figure = blank(12.6, 6.6 + 0.25 * (len(names) // 6))
    for axes, (measure, words) in zip(
        figure.subplots(2, 3, sharex=True).ravel(), _PANELS.items(), strict=True
    ):
        for place, name in enumerate(names):
            own = rows[(rows["measure"] == measure) & (rows["name"] == name)].sort_values("progress")
            shift = _DODGE * (place - (len(names) - 1) / 2)
            _line(axes, own, own["progress"] + shift, (styles[name].colour, styles[name].marker))
        dress(axes)
        axes.set_title(words, loc="left", fontsize=10, color=GREY)
        axes.set_xticks(sorted(rows["progress"].unique()))
        axes.tick_params(labelbottom=True)
        axes.margins(y=0.08)
        if measure == "auroc":
            axes.axhline(0.5, color=GREY, linewidth=1, linestyle=(0, (5, 3)))
    for axes in figure.axes[3:]:
        axes.set_xlabel("% of training", fontsize=9)
    handles = [
        Line2D(
            [], [], color=styles[name].colour, marker=styles[name].marker, linewidth=1.6, label=label(name)
        )
        for name in names
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(len(names), 6), frameon=False, fontsize=9
    )
    return figure


def doubt_by_region(curves: pd.DataFrame) -> Figure:
    """At the end of training, near the clean boundary against further inside or outside.

    Args:
        curves: Rows of `doubt_curves` of one contest.
    """
    rows = _named(curves[curves["progress"] == AT_END])
    names = list(dict.fromkeys(rows["name"]))
    figure = blank(0.085 * max(len(label(name)) for name in names) + 11.4, 1.5 + 0.42 * len(names))
    panels = figure.subplots(1, len(_BY_REGION), sharey=True)
    for axes, measure in zip(panels, _BY_REGION, strict=True):
        for lower in range(0, len(names), 2):
            axes.axhspan(lower - 0.5, lower + 0.5, color="#f5f7f9", zorder=0)
        for step, (region, look) in zip((-0.22, 0.22, 0.0), _REGIONS.items(), strict=True):
            own = rows[(rows["measure"] == measure) & (rows["region"] == region)]
            heights = own["name"].map(names.index).astype(float) + step
            _dots(axes, own, heights, look)
        dress(axes, grid="x")
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(_PANELS[measure], loc="left", fontsize=9.5, color=GREY)
    panels[0].set_yticks(range(len(names)), [label(name) for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    words = {"all": "all voxels", "boundary": "near the boundary", "interior": "away from it"}
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=words[region])
        for region, (colour, marker) in _REGIONS.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(name=rows["method"] + ": " + rows["map"])


def _line(axes: Axes, own: pd.DataFrame, at: pd.Series[float], look: tuple[str, str]) -> None:
    colour, marker = look
    axes.plot(
        at,
        own["mean"],
        color=colour,
        marker=marker,
        markersize=6,
        linewidth=1.6,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=3,
    )
    axes.vlines(at, own["low"], own["high"], color=colour, linewidth=1.3, alpha=0.6)


def _dots(axes: Axes, own: pd.DataFrame, heights: pd.Series[float], look: tuple[str, str]) -> None:
    colour, marker = look
    common: dict[str, Any] = {"color": colour, "zorder": 3}
    axes.hlines(heights, own["low"], own["high"], linewidth=1.8, alpha=0.6, **common)
    axes.plot(
        own["mean"],
        heights,
        marker=marker,
        linestyle="none",
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        **common,
    )
