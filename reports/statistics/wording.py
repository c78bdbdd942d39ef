"""Numbers in sentences."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.statistics.intervals import Interval

_SMALLEST = 1e-9  # p; where all differences are equal it is zero
_FINEST = 6  # digits; beyond them the first one that is not zero is written as 4e-09


def signed(number: float, digits: int = 3) -> str:
    """A number with its sign, and with as many digits as it takes to show that it is not zero."""
    if number != 0 and abs(number) < 0.5 * 10**-digits:
        digits = -floor(log10(abs(number)))
        text = f"{number:+.{digits}f}" if digits <= _FINEST else f"{number:+.0e}"
    else:
        text = f"{number:+z.{digits}f}"
    return text.replace("-", "−", 1)


def plain(number: float, digits: int = 3) -> str:
    """A number as `signed` writes it, without a plus."""
    return signed(number, digits).removeprefix("+")


def bracketed(interval: Interval, digits: int = 3) -> str:
    """The bounds of an interval."""
    if interval.low is None or interval.high is None:
        return "(no interval)"
    return f"[{signed(interval.low, digits)}, {signed(interval.high, digits)}]"


def probability(p: float) -> str:
    """A p with three digits after the point, or with the two that count where it is smaller."""
    if p < _SMALLEST:
        return f"< {_SMALLEST:.0e}"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it is due."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
