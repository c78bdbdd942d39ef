"""Boxes, circles and arrows on a board that is measured in inches."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.textpath import TextPath

from reports.figures.style import GREY, INK, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

Point = tuple[float, float]

LINE: Final = 0.17
"""The height of a line of text, inches."""
PAD: Final = 0.1
"""Between a box's edge and its text, inches."""
_FOOT: Final = 7.5  # points


def board(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure whose coordinates are inches from its lower left corner."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, width)
    axes.set_ylim(0.0, height)
    axes.axis("off")
    return figure, axes


@cache
def width_of(text: str, size: float = 9.0, weight: str = "normal") -> float:
    """How wide a line of text is, inches."""
    if not text.strip():
        return 0.0
    path = TextPath((0.0, 0.0), plain(text), size=size, prop=FontProperties(weight=weight))
    return float(path.get_extents().width) / 72.0


def box_size(title: str, lines: Sequence[str], *, foot: str = "") -> tuple[float, float]:
    """Width and height of a box that holds a bold title, lines and a small foot."""
    widths = [width_of(title, weight="bold"), *(width_of(line) for line in lines), width_of(foot, _FOOT)]
    count = bool(title) + len(lines) + bool(foot)
    return max(widths) + 2.4 * PAD, LINE * count + 2.0 * PAD


def box(
    axes: Axes, centre: Point, size: Point, words: tuple[str, Sequence[str]], colour: str, *, foot: str = ""
) -> None:
    """A rounded box with a bold title, lines below it and a small foot, centred."""
    (x, y), (width, height), (title, lines) = centre, size, words
    patch = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.07",
        facecolor=_tint(colour), edgecolor=colour, linewidth=1.3, zorder=3,
    )  # fmt: skip
    axes.add_patch(patch)
    styles = [("bold", 9.0, INK)] * bool(title) + [("normal", 9.0, INK)] * len(lines)
    styles += [("normal", _FOOT, GREY)] * bool(foot)
    texts = [text for text in (title, *lines, foot) if text]
    top = y + LINE * (len(texts) - 1) / 2
    for place, (text, (weight, height_pt, hue)) in enumerate(zip(texts, styles, strict=True)):
        word(axes, (x, top - LINE * place), text, size=height_pt, weight=weight, colour=hue)


def word(
    axes: Axes, at: Point, text: str, *, size: float = 9.0, weight: str = "normal", colour: str = INK
) -> None:
    """A line of text around a point."""
    axes.text(
        *at, plain(text), fontsize=size, fontweight=weight, color=colour, ha="center",
        va="center_baseline", zorder=5,
    )  # fmt: skip


def circle(axes: Axes, centre: Point, sign: str, colour: str, radius: float = 0.13) -> None:
    """A circle with an operator's sign in it."""
    axes.add_patch(Circle(centre, radius, facecolor="white", edgecolor=colour, linewidth=1.5, zorder=4))
    axes.text(*centre, sign, fontsize=11, color=colour, ha="center", va="center_baseline", zorder=5)


def arrow(
    axes: Axes,
    points: Sequence[Point],
    colour: str = GREY,
) -> None:
    """A line through these points with a head at the last."""
    for (x, y), (to_x, to_y) in pairwise(points[:-1]):
        axes.add_line(
            Line2D([x, to_x], [y, to_y], color=colour, linewidth=1.2, zorder=2,
                   solid_capstyle="projecting")
        )  # fmt: skip
    axes.add_patch(
        FancyArrowPatch(
            points[-2], points[-1], arrowstyle="-|>", mutation_scale=10, shrinkA=0, shrinkB=0, color=colour,
            linewidth=1.2, zorder=2,
        )
    )  # fmt: skip


def _tint(colour: str) -> str:
    """A colour so pale that black text is read on it."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    pale = (round(255 - 0.13 * (255 - part)) for part in (red, green, blue))
    return "#" + "".join(f"{part:02x}" for part in pale)
