"""When there is a verdict at all: of enough seeds and cases, and in a family after Holm's adjustment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SIGNIFICANT: Final = 0.05
"""The level of a p, alone or adjusted, below which there is a verdict."""
FEWEST_SEEDS: Final = 3
"""The fewest seeds that decide anything: one training, or two, say nothing of the spread of trainings."""
FEWEST_CASES: Final = 6
"""The fewest cases that decide anything: of five even the range from worst to best holds 94 %, not 95."""
ONE_SEED: Final = "one seed: no verdict"
TWO_SEEDS: Final = "two seeds: no verdict"
WITHOUT_VERDICT: Final = (ONE_SEED, TWO_SEEDS)
"""What stands in place of a verdict on fewer than `FEWEST_SEEDS` seeds."""
NOTHING_TO_CLOSE: Final = "nothing to close here"
"""Of a gap between labelled-only and full that is not clearly above zero: it has no share."""
MORE_SEEDS: Final = f"`--seeds {FEWEST_SEEDS}` is the fewest that decides"


def no_verdict(seeds: int) -> str:
    """Why so many seeds give no verdict; empty where they are enough."""
    if seeds >= FEWEST_SEEDS:
        return ""
    return ONE_SEED if seeds < 2 else TWO_SEEDS


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p of a family, in its order; what was not tested (None) is not counted."""
    tested = [p for p in ps if p is not None]
    if not tested:
        return [None] * len(ps)
    from statsmodels.stats.multitest import multipletests

    adjusted = iter(multipletests(tested, method="holm")[1])
    return [None if p is None else float(next(adjusted)) for p in ps]


def seeds_sentences(rows: pd.DataFrame) -> list[str]:
    """That the records of one data set have too few seeds for any verdict, in a sentence where they have."""
    said = no_verdict(rows["seed"].nunique())
    return [f"{said[0].upper()}{said[1:]} on {rows['dataset'].iloc[0]}; {MORE_SEEDS}."] if said else []
