"""What a method lets a search try for its settings; imports nothing heavy.

A method that may be tuned declares it in its own file, as a class attribute:

    search_space: ClassVar = {"q": Range(0.1, 1.0), "warm_up": Choice((0.0, 0.25, 0.5))}

A name is that of a setting of the method, with dots where settings lie in one another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers between two, both included.

    Raises:
        ValueError: The bounds are no range, or a logarithmic one reaches down to 0.
    """

    low: float
    high: float
    log: bool = False  # whether a search draws evenly by the logarithm

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a range from {self.low} to {self.high} must ascend between finite numbers")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range from {self.low} must begin above 0")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values.

    Raises:
        ValueError: There are fewer than two, or one twice.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"a choice of {self.values} must name at least two values, each once")


SearchSpace = Mapping[str, Range | Choice]
