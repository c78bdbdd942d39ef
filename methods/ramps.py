"""How a weight grows over a training."""

from __future__ import annotations

import math

STEEPNESS = 5.0
"""Of the ramp: exp(-5 (1 - u)^2) (Laine & Aila 2017; CuriousAI/mean-teacher, ramps.py)."""


def ramp_up(progress: float, start: float, end: float) -> float:
    """A weight's share, 0 before the start, exp(-5) at it and 1 from the end on.

    Args:
        progress: Share of the steps done, 0..1.
        start: The share at which it begins.
        end: The share at which it is over, not below the start.
    """
    if progress < start:
        return 0.0
    if progress >= end:
        return 1.0
    return math.exp(-STEEPNESS * (1.0 - (progress - start) / (end - start)) ** 2)
