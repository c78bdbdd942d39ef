"""What all figures share: a blank figure without a window, colours, text that is no mathematics."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures.matplotlib_import import mpl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by colour-blind readers; yellow is left out, it vanishes on white.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS: Final = ("o", "s", "^", "D", "P", "X", "*", "<", ">", "h")
GREY: Final = "#5b6470"
INK: Final = "#1f2630"
_LONGEST: Final = 300  # letters
_ROOM: Final = 40  # letters of a name


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's defaults for the length of a block, whatever a ``matplotlibrc`` or a style sheet says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


@dataclass(frozen=True, slots=True)
class Style:
    """How one method is drawn in a figure."""

    colour: str
    marker: str


def styles_of(names: Sequence[str]) -> dict[str, Style]:
    """A style for each name; seventy can be told apart."""
    return {
        name: Style(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
        for place, name in enumerate(names)
    }


def dress(axes: Axes, *, grid: Literal["x", "y", "both"] = "both") -> None:
    """The quiet frame of a panel: two spines, grey ticks, a grid behind everything."""
    axes.tick_params(color=GREY, labelsize=9)
    axes.grid(axis=grid, color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#b9bfc7")


def blank(width: float, height: float) -> Figure:
    """An empty figure of this size in inches that knows no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(name: str) -> str:
    """A text as matplotlib draws it and no more.

    It would read what stands between dollar signs as mathematics, leave out of a legend what begins with an
    underscore, and draw boxes for what is no letter.
    """
    drawn = "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in name[:_LONGEST])
    return f"{' ' * drawn.startswith('_')}{drawn}".replace("$", r"\$")


def label(name: str) -> str:
    """A name beside an axis or in a legend: as much of it as there is room for."""
    line = " ".join(name.split())
    return plain(line if len(line) <= _ROOM else f"{line[: _ROOM - 1]}…")


def labels(names: Iterable[str]) -> dict[str, str]:
    """The labels of several names, each different from all others."""
    found: dict[str, str] = {}
    for name in names:
        cut, number = label(name), 1
        while cut in found.values():
            number += 1
            cut = f"{label(name)} ({number})"
        found[name] = cut
    return found
