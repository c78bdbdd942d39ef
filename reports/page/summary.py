"""What the page says first: how much was measured, and how often each verdict was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.statistics.cohorts import NO_NOISE
from reports.statistics.evidence import WITHOUT_VERDICT

if TYPE_CHECKING:
    import pandas as pd

_ORDER: Final = (
    "reproduced", "supported", "consistent", "deviates", "contradicted", "equivalent", "undecided",
    "no verdict", *WITHOUT_VERDICT, "insufficient", "not_comparable", "figure_only", "not_run", "not run",
)  # fmt: skip


def verdict_counts(frame: pd.DataFrame) -> tuple[tuple[str, int], ...]:
    """How often each verdict stands in a table, from the best to the one that says least.

    Empty for a table without the column `verdict`.
    """
    if "verdict" not in frame:
        return ()
    found = frame["verdict"].astype(str).value_counts()
    place = {name: number for number, name in enumerate(_ORDER)}
    names = sorted(found.index, key=lambda name: (place.get(name, len(place)), name))
    return tuple((name, int(found[name])) for name in names)


def counts(rows: pd.DataFrame) -> str:
    """How many methods, values of ξ, seeds and cases the records of a cohort hold, in words."""
    students = rows[rows["role"] == "student"]
    counted = {
        "method": students["method"].nunique(),
        "value of ξ": students["xi"].nunique(),
        "seed": rows["seed"].nunique(),
        "test case": students["case"].nunique(),
    }
    injected = students.loc[students["noise"] != NO_NOISE, "noise"].nunique()
    if injected:
        counted["injected noise"] = injected
    plural = {"value of ξ": "values of ξ", "injected noise": "injected noises"}
    return " · ".join(
        f"{number} {noun if number == 1 else plural.get(noun, f'{noun}s')}"
        for noun, number in counted.items()
    )
