"""Scores over ξ: the paper's Figures 6 and 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from reports.figures.style import GREY, INK, Style, blank, label, styles_of
from reports.statistics.aggregate import by_share, over_seeds
from reports.statistics.cohorts import BACKGROUND, LABELLED_ONLY, TEACHERS
from reports.tables import curve_of, scores_over_xi, sweep_means

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: Final = (0, (5, 3))
_DOTS: Final = (0, (1, 1.2))


def xi_curve(records: pd.DataFrame) -> Figure:
    """P's Figure 6: overall score (top) and mean Dice (bottom) of every method over ξ; one column a data set.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    means = sweep_means(records, ("overall", "dice"))
    overall, dice = curve_of(means, "overall"), curve_of(means, "dice")
    floors = _floors(means)
    styles = _styles(overall)
    datasets = list(overall["dataset"].unique()) or [""]
    figure = blank(7.2 * len(datasets), 8.4)
    panels = figure.subplots(2, len(datasets), sharex=True, squeeze=False)
    for (top, bottom), dataset in zip(panels.T, datasets, strict=True):
        _panel(top, overall[overall["dataset"] == dataset], styles, floors.get(dataset))
        _panel(bottom, dice[dice["dataset"] == dataset], styles, None)
        top.set_xlim(*_span(overall["xi"]))
        top.set_title(label(dataset), loc="left", fontsize=11, color=GREY)
        top.set_ylabel("overall score   (higher is better →)")
        bottom.set_ylabel("Dice, mean over structures   (higher is better →)")
        bottom.set_xlabel("ξ: share of the training cases that keep their manual label")
    figure.legend(
        handles=_legend(overall, styles, floors), loc="outside upper center", ncols=3, frameon=False
    )
    return figure


def five_label_curve(records: pd.DataFrame) -> Figure:
    """P's Figure 7: mean Dice over all labels, background included, of every method over ξ.

    Where the background was not scored the mean is over the structures, and the axis says so.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    scores = scores_over_xi(records)
    labels = [name for name in scores if str(name).endswith("_dice")]
    scores = scores.assign(labels=scores[labels].mean(axis=1, skipna=False))
    table = curve_of(over_seeds(scores, ["labels"]) if labels else scores.iloc[:, :0], "labels")
    styles = _styles(table)
    figure = blank(7.2, 5.2)
    axes = figure.subplots()
    _panel(axes, table.sort_values("xi", key=by_share), styles, None)
    counted = f"{len(labels)} labels, background included"
    if f"{BACKGROUND}_dice" not in labels:
        counted = f"{len(labels)} structures, without background"
    axes.set_ylabel(f"mean Dice   (higher is better →)\n{counted}")
    axes.set_xlabel("ξ: share of the training cases that keep their manual label")
    figure.legend(handles=_legend(table, styles, {}), loc="outside upper center", ncols=3, frameon=False)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, styles: Mapping[str, Style], floor: float | None) -> None:
    """One score over ξ: line and band for the students, a dashed line for the fully supervised."""
    for place, (method, style) in enumerate(styles.items()):
        own = table[table["method"] == method].assign(share=lambda found: by_share(found["xi"]))
        students, supervised = own[own["share"] < 1], own[own["share"] == 1]
        for level in supervised["mean"].dropna():
            axes.axhline(level, color=style.colour, linestyle=_DASHES, linewidth=1.1, alpha=0.75, zorder=1)
        axes.fill_between(
            students["share"], students["low"], students["high"], color=style.colour, alpha=0.13, linewidth=0
        )
        axes.plot(students["share"], students["mean"], zorder=3, **_line(method, style))
        # Side marks stand at the lower edge, one line a method, so that none hides another.
        _mark(axes, own, 0.03 + 0.035 * place, style.colour, floor)
    _dress(axes, table, floor)


def _line(method: str, style: Style) -> dict[str, Any]:
    """The line of a method over ξ as keywords of ``plot``; the reference of all methods is dotted."""
    look: dict[str, Any] = {"color": style.colour, "linewidth": 1.8}
    if method == TEACHERS:
        return look | {"linestyle": _DOTS}
    own = {"marker": style.marker, "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.6}
    return look | own


def _styles(table: pd.DataFrame) -> dict[str, Style]:
    """A style for each method, in their order; the reference comes last and takes nobody's colour."""
    methods = list(table["method"].unique())
    styles = styles_of([name for name in methods if name != TEACHERS])
    return styles | ({TEACHERS: Style(INK, "")} if TEACHERS in methods else {})


def _mark(axes: Axes, own: pd.DataFrame, height: float, colour: str, floor: float | None) -> None:
    """A cross where a case failed, a triangle for a mean below the axis; the supervised at the right edge."""
    look: dict[str, Any] = {"color": colour, "markersize": 7, "markeredgewidth": 2, "linestyle": "none"}
    lowest = floor if floor is not None else float("-inf")
    for marker, rows in (("x", own[own["failed"] > 0]), ("v", own[own["mean"] < lowest])):
        at = rows.loc[rows["share"] < 1, "share"]
        axes.plot(
            at, [height] * len(at), transform=axes.get_xaxis_transform(), marker=marker, zorder=4, **look
        )
        if (rows["share"] == 1).any():
            axes.plot(
                [0.985], [height], transform=axes.transAxes, marker=marker, fillstyle="none", zorder=4, **look
            )


def _dress(axes: Axes, table: pd.DataFrame, floor: float | None) -> None:
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.set_xlim(*_span(table["xi"]))
    axes.tick_params(labelbottom=True, color=GREY)
    axes.grid(color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#b9bfc7")
    if floor is not None:
        height = max(table["mean"].max(), table["high"].max()) - floor or 1.0
        axes.set_ylim(bottom=floor - 0.25 * height, top=floor + 1.05 * height)
    if not table["mean"].notna().any():
        axes.text(0.5, 0.5, "no result", transform=axes.transAxes, ha="center", va="center", color=GREY)


def _span(shares: pd.Series[str]) -> tuple[float, float]:
    """The ends of the axis of ξ: the paper's tenths, and whatever was run beyond them."""
    inside = by_share(shares)[by_share(shares) < 1]
    return min(0.05, inside.min() - 0.02), max(0.95, inside.max() + 0.02)


def _floors(means: pd.DataFrame) -> dict[str, float]:
    """The lowest mean without an empty prediction, of each data set where an emptier mean lies below it.

    An empty prediction costs the diagonal of the volume, tens of times the range in which methods differ:
    drawn to scale it would flatten every curve to one line.
    """
    floors: dict[str, float] = {}
    if means.empty:
        return floors
    for dataset, of_dataset in means.groupby("dataset"):
        floor = of_dataset.loc[of_dataset["empty"] == 0, "overall"].min()
        if of_dataset["overall"].min() < floor:
            floors[str(dataset)] = float(floor)
    return floors


def _legend(
    table: pd.DataFrame, styles: Mapping[str, Style], floors: Mapping[str, float]
) -> list[Line2D | Patch]:
    # A method that was only trained on all manual labels has its dashed line and no points.
    students = set(table.loc[table["xi"] != "1.0", "method"])
    handles: list[Line2D | Patch] = [
        Line2D([], [], label=LABELLED_ONLY if method == TEACHERS else label(method), **_line(method, style))
        if method in students
        else Line2D([], [], color=style.colour, linestyle=_DASHES, linewidth=1.1, label=label(method))
        for method, style in styles.items()
    ]
    if table["low"].notna().any():
        handles.append(Patch(color=GREY, alpha=0.25, linewidth=0, label="lowest to highest seed"))
    if (table["xi"] == "1.0").any():
        handles.append(Line2D([], [], color=GREY, linestyle=_DASHES, linewidth=1.1, label="fully supervised"))
    for marker, words, drawn in (
        ("x", "failed: no mean", (table["failed"] > 0).any()),
        ("v", "below the axis", bool(floors)),
    ):
        if drawn:
            handles.append(Line2D([], [], color=GREY, marker=marker, linestyle="none", label=words))
    return handles
