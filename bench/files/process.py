"""Preparation of a process before anything else: standard streams, and matplotlib's backend."""

from __future__ import annotations

import os
import sys

STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def settle() -> None:
    """Make this process, and those that it starts, independent of how a shell or a notebook started it."""
    _open_closed_streams()
    # Figures are files; a notebook's backend may not be installed here, and matplotlib then fails on import.
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = os.devnull  # nor does a user's style change a figure


def _open_closed_streams() -> None:
    """Lead each standard stream that is closed (``>&-``) to nowhere.

    Otherwise the next file that is opened takes its number, and what a library prints is written into it.
    """
    for number, _, _ in STREAMS:  # all of them before any file is opened
        try:
            os.fstat(number)
        except OSError:
            taken = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.dup2(taken, number)
            if taken != number:
                os.close(taken)
            os.set_inheritable(number, True)  # noqa: FBT003
    for number, name, mode in STREAMS:
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
