"""What a plan can resolve, and the seeds that it takes, from the variances of a paired difference.

It imports no table library, so that a plan can ask it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from reports.statistics.evidence import FEWEST_SEEDS

TARGETS: Final = {"overall": 0.1, "dice": 0.01}
"""The smallest difference of interest of each measure."""
UNITS: Final = {"overall": "overall", "dice": "Dice"}
POWER: Final = 0.8
_MOST: Final = 1000  # seeds
_COMMITTED: Final = Path(__file__).with_name("components.json")


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of the difference of two methods at one ξ, and how much of each the ξ of a seed share.

    Attributes:
        dataset: Its name.
        recipe: Its name, without the mark of its changes.
        measure: `overall` or `dice`.
        seed: Variance between seeds, that is trainings.
        case: Variance between test cases.
        rest: Variance of what neither explains.
        shared_seed: Correlation of the seed's part between two ξ of one seed.
        shared_case: Correlation of the case's part between two ξ.
        shared_rest: Correlation of the rest between two ξ.
        source: Where they were measured.
    """

    dataset: str
    recipe: str
    measure: str
    seed: float
    case: float
    rest: float
    shared_seed: float
    shared_case: float
    shared_rest: float
    source: str

    def averaged(self, shares: int) -> tuple[float, float, float]:
        """Variances between seeds, between cases and of the rest of a mean over so many ξ."""
        parts = (
            (self.seed, self.shared_seed), (self.case, self.shared_case), (self.rest, self.shared_rest),
        )  # fmt: skip
        seed, case, rest = (variance * (1 + (shares - 1) * shared) / shares for variance, shared in parts)
        return seed, case, rest


def resolved(components: Components, *, seeds: int, cases: int, shares: int) -> float:
    """The difference that so many seeds, cases and ξ (averaged) find with a power of 80 %.

    Raises:
        ValueError: There are fewer than two seeds or cases.
    """
    if seeds < 2 or cases < 2:
        raise ValueError(f"{seeds} seeds of {cases} cases resolve nothing; it takes two of each at least")
    from scipy.special import stdtrit

    seed, case, rest = components.averaged(shares)
    both = rest / (seeds * cases)
    of_seeds, of_cases = seed / seeds + both, case / cases + both
    variance = of_seeds + of_cases - both
    freedom = min(seeds, cases) - 1
    return float((stdtrit(freedom, 0.975) + stdtrit(freedom, POWER)) * variance**0.5)


def seeds_needed(components: Components, target: float, *, cases: int, shares: int) -> int | None:
    """The fewest seeds that decide and find this difference with a power of 80 %.

    None where no thousand would: then it takes more test cases.
    """

    def enough(seeds: int) -> bool:
        return resolved(components, seeds=seeds, cases=cases, shares=shares) <= target

    if not enough(_MOST):
        return None
    low, high = FEWEST_SEEDS, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def committed() -> list[Components]:
    """Those measured on development data and committed with the package."""
    return [Components(**one) for one in json.loads(_COMMITTED.read_text(encoding="utf-8"))["components"]]


def committed_for(dataset: str, recipe: str, measure: str) -> Components | None:
    """The committed ones of this data set and recipe; None where they were not measured."""
    for one in committed():
        if (one.dataset, one.recipe, one.measure) == (dataset, recipe, measure):
            return one
    return None


def write(components: list[Components], path: Path = _COMMITTED) -> None:
    """Commit these, in place of those of the same data sets, recipes and measures."""
    new = {(one.dataset, one.recipe, one.measure): one for one in components}
    kept = {} if not path.is_file() else {(one.dataset, one.recipe, one.measure): one for one in committed()}
    rows = [asdict(one) for _, one in sorted({**kept, **new}.items())]
    path.write_text(json.dumps({"components": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
