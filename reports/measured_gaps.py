"""The gap between labelled-only and full on development data, as measured at convergence; for plans.

It imports no table library. Written by ``docs/experiments/measure_gap.py``, read from ``gaps.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COMMITTED: Final = Path(__file__).with_name("gaps.json")
CLOSED: Final = "nothing to close here"


@dataclass(frozen=True, slots=True)
class MeasuredGap:
    """What all manual labels give beyond those of a ξ, in mean Dice, with its 95 % interval."""

    xi: str
    dice: float
    low: float
    high: float

    def __str__(self) -> str:
        """As a plan prints it; a gap that is not clearly above zero leaves nothing to close."""
        return f"{self.xi} {self.dice:.3f}" if self.low > 0 else f"{self.xi} {CLOSED}"


def gaps_of(dataset: str) -> tuple[list[MeasuredGap], str]:
    """The gaps of a data set, ascending by ξ, and where they were measured; none where nobody measured."""
    said = json.loads(_COMMITTED.read_text(encoding="utf-8"))
    found = next((one for one in said["gaps"] if one["dataset"] == dataset), None)
    if found is None:
        return [], ""
    gaps = [MeasuredGap(one["xi"], *one["dice"]) for one in found["xi"]]
    return sorted(gaps, key=lambda gap: float(gap.xi)), str(found["source"])
