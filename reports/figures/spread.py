"""Every case of every method at one ξ: what stands behind a mean."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from matplotlib.lines import Line2D

from reports.figures.style import COLOURS, GREY, blank, label, labels
from reports.inputs.images import MissingExhibitError
from reports.statistics.aggregate import largest_share
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import BACKGROUND, evaluated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS: Final = {"overall": "overall score", "dice": "Dice, mean over structures"}


def spread(records: pd.DataFrame) -> Figure:
    """The scores of every test case: students at the largest ξ, and the same fully supervised.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
        MissingExhibitError: No student was scored.
    """
    rows = evaluated(records, ("student", "supervised"))
    share = largest_share(rows)
    if share is None:
        raise MissingExhibitError("figure6", "no student was scored")
    scores = case_scores(rows[rows["structure"] != BACKGROUND])
    scores = scores[(scores["role"] == "supervised") | (scores["xi"].map(Decimal) == Decimal(share))]
    measures = [name for name in _PANELS if name in scores and scores[name].notna().any()]
    if not measures:
        raise MissingExhibitError("figure6", f"every case at ξ = {share} failed")
    trained = {"student": f"student at ξ = {share}", "supervised": "fully supervised"}
    colours = dict(zip(trained.values(), COLOURS, strict=False))
    names = _names(scores)
    scores = scores.assign(trained=scores["role"].map(trained), method=scores["method"].map(names))
    figure = blank(1.3 + 1.15 * scores["method"].nunique(), 3.4 * len(measures))
    panels = figure.subplots(len(measures), 1, sharex=True, squeeze=False)[:, 0]
    for axes, measure in zip(panels, measures, strict=True):
        _panel(axes, scores, measure, (list(names.values()), colours))
    panels[0].set_title(label(str(scores["dataset"].iloc[0])), loc="left", fontsize=11, color=GREY)
    points = [
        Line2D([], [], color=colours[name], marker="o", linestyle="none", label=name) for name in colours
    ]
    figure.legend(handles=points, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _names(scores: pd.DataFrame) -> dict[str, str]:
    """Each method as it stands below the axis: with how many of its cases failed, which have no point."""
    lost = scores.groupby("method", sort=False)["failed"].agg(["sum", "size"])
    words = {name: f"\n{one} of {of} failed" if one else "" for name, one, of in lost.itertuples(name=None)}
    return {name: f"{cut}{words[name]}" for name, cut in labels(str(name) for name in words).items()}


def _panel(
    axes: Axes, scores: pd.DataFrame, measure: str, look: tuple[Sequence[str], Mapping[str, str]]
) -> None:
    """A point a case that did not fail, a dash for the mean of those of which none did."""
    import seaborn as sns

    order, colours = look
    common: dict[str, Any] = {"x": "method", "y": measure, "hue": "trained", "hue_order": [*colours]}
    common |= {"order": order}  # one that is left without a point keeps its place
    common |= {"ax": axes, "palette": colours, "legend": False}
    sns.swarmplot(scores.dropna(subset=[measure]), **common, dodge=True, size=3.4, alpha=0.7, warn_thresh=1)
    # No mean where a case failed: it would be the mean of those that happened to be easy.
    broken = scores.groupby(["method", "trained"])["failed"].transform("any")
    # seaborn spreads two hues of points over 0.8 of a step, and their means by what it is told.
    dash = {"marker": "_", "markersize": 26, "markeredgewidth": 2, "linestyle": "none"}
    sns.pointplot(scores[~broken], **common, dodge=0.4, errorbar=None, zorder=5, **dash)
    axes.set_ylabel(f"{_PANELS[measure]}   (higher is better →)", fontsize=9)
    axes.set_xlabel("")
    axes.tick_params(axis="x", rotation=20, labelsize=9, color=GREY)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
