"""What all figures share: a blank figure without a window, colours, text that is no mathematics."""

from __future__ import annotations

from typing import Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers; yellow is left out, it vanishes on white.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY: Final = "#5b6470"
INK: Final = "#1f2630"


def blank(width: float, height: float) -> Figure:
    """An empty figure of this size in inches that knows no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(name: str) -> str:
    """A name as text: matplotlib would read what stands between dollar signs as mathematics."""
    return name.replace("$", r"\$")
