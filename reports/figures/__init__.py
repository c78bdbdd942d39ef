"""The figures of the paper, drawn with matplotlib's objects: no window, no global state."""

from __future__ import annotations

import reports.figures.matplotlib_import  # noqa: F401 - before any other module imports matplotlib
from reports.figures.chart import Chart
from reports.figures.registry import FIGURES

__all__ = ["FIGURES", "Chart"]
