"""The first import of matplotlib, where no ``matplotlibrc`` of the current folder can make it fail."""

from contextlib import chdir
from pathlib import Path

with chdir(Path(__file__).parent):
    import matplotlib as mpl

__all__ = ["mpl"]
