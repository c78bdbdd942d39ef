"""The gap between labelled-only and full on development data, as measured at convergence; for plans.

It imports no table library. ``measured_gaps.json`` holds what ``docs/experiments/measure_gap.py`` found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from reports.statistics.evidence import NOTHING_TO_CLOSE

_COMMITTED: Final = Path(__file__).with_name("measured_gaps.json")


def gaps_of(dataset: str) -> dict[str, Any]:
    """The gaps of a data set: ``dice``, ξ -> mean and its 95 % interval, ascending; ``source``.

    Empty where nobody measured it.
    """
    said = json.loads(_COMMITTED.read_text(encoding="utf-8"))
    found = next((one for one in said["gaps"] if one["dataset"] == dataset), None)
    if found is None:
        return {}
    rows = sorted(found["xi"], key=lambda row: float(row["xi"]))
    return {"dice": {row["xi"]: row["dice"] for row in rows}, "source": found["source"]}


def words_of(gaps: dict[str, Any]) -> list[str]:
    """Each ξ with its gap in words; one that is not clearly above zero leaves nothing to close."""
    found = gaps["dice"].items()
    return [f"{xi} {dice:.3f}" if low > 0 else f"{xi} {NOTHING_TO_CLOSE}" for xi, (dice, low, _) in found]
