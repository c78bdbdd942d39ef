"""One contestant against another on one cohort: at each ξ that both have, and over all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reports.claims.claims import Contestant, Part
from reports.claims.contrast import NotComparedError, board, contrast
from reports.statistics.aggregate import different
from reports.statistics.case_scores import HIGHER_IS_BETTER, LOWER_IS_BETTER
from reports.statistics.cohorts import NO_VERDICT, SMOKE, TRAINED
from reports.statistics.evidence import SIGNIFICANT, holm
from reports.statistics.intervals import Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from reports.claims.contrast import Board

POOLED: Final = "all"
_ROLES: Final = (*TRAINED, "pseudo")


@dataclass(frozen=True, slots=True)
class Side:
    """A method, a variant of it, and its ξ where that is fixed; several teachers stand as their mean."""

    method: str
    variant: str = ""
    xi: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The one minus the other at one ξ; without an interval `reason` says why not."""

    xi: str
    lower_is_better: bool | None  # None: nobody here knows, as of a metric that a package brings
    interval: Interval | None = None
    adjusted: float | None = None  # p after Holm over the ξ; of all ξ together its own
    reason: str = ""
    smoke: bool = False  # whether it is of the recipe that no verdict is drawn from

    @property
    def verdict(self) -> str:
        """How the one stands to the other; undecided where p after Holm is not small, which is not equality.

        Of a measure that nobody here knows it is higher or lower, not better or worse.
        """
        if self.interval is None:
            return "not compared"
        if self.smoke:
            return NO_VERDICT
        if self.interval.no_verdict:
            return self.interval.no_verdict
        word = {"ahead of": "higher", "behind": "lower"}.get(self.interval.word)
        if word is None or self.adjusted is None or self.adjusted >= SIGNIFICANT:
            return "undecided"
        if self.lower_is_better is None:
            return word
        return "better" if (word == "lower") == self.lower_is_better else "worse"

    @property
    def too_few(self) -> bool:
        """Whether there are too few cases for a verdict, however many seeds."""
        return self.interval is not None and not self.interval.no_verdict and not self.interval.decides

    def within(self, tolerance: float) -> str:
        """Whether the whole interval is inside ± the tolerance, outside, or neither.

        Undecided of so few cases that nothing is better or worse by them either.
        """
        if self.smoke and self.interval is not None:
            return NO_VERDICT
        if self.interval is not None and self.interval.no_verdict:
            return self.interval.no_verdict
        low, high = (self.interval.low, self.interval.high) if self.interval else (None, None)
        if low is None or high is None or self.too_few:
            return "undecided"
        if -tolerance < low and high < tolerance:
            return "equivalent"
        return "different" if low > tolerance or high < -tolerance else "undecided"


def measures_of(records: pd.DataFrame) -> frozenset[str]:
    """What two contestants of this cohort can be compared by."""
    return board(records).measures


def versus(
    records: pd.DataFrame, one: Side, other: Side, measure: str, shares: Sequence[float] | None = None
) -> list[Comparison]:
    """The one minus the other on one cohort, at each ξ that both have and then over all of them below 1.

    Where both sides fix their ξ that is the one comparison. Empty where they share no ξ or nobody has the
    measure.

    Args:
        records: Unique records of one cohort.
        one: Whose value counts up.
        other: Whose value counts down.
        measure: `overall`, `dice`, `adb`, `hdd`, or one of a structure, as `myocardium_dice`.
        shares: The ξ to look at; all if not given.
    """
    scores = board(records)
    if measure not in scores.measures:
        return []
    ones, others = _offered(one, scores), _offered(other, scores)
    if one.xi is not None and other.xi is not None:
        pairs = [(one.xi, other.xi)] if one.xi in ones and other.xi in others else []
    else:
        common = sorted(set(ones) & set(others))
        pairs = [(share, share) for share in common if shares is None or share in shares]
    parts = [
        (Part({ones[mine]: 1.0}, mine, mine, measure), Part({others[theirs]: -1.0}, theirs, theirs, measure))
        for mine, theirs in pairs
    ]
    found = list(_compared(parts, scores, lower_is_better=_is_lower_better(measure.rpartition("_")[2])))
    smoke = bool((records["recipe"] == SMOKE).any())
    adjusted = holm([_p(one) if one.xi != POOLED else None for one in found])
    return [
        replace(one, adjusted=_p(one) if one.xi == POOLED else of_family, smoke=smoke)
        for one, of_family in zip(found, adjusted, strict=True)
    ]


def _p(one: Comparison) -> float | None:
    """What enters the family of the ξ: none where so few seeds or cases give no verdict whatever p is."""
    return one.interval.p if one.interval and one.interval.decides else None


def _is_lower_better(metric: str) -> bool | None:
    return metric in LOWER_IS_BETTER if metric in (*LOWER_IS_BETTER, *HIGHER_IS_BETTER) else None


def _compared(
    parts: list[tuple[Part, Part]], scores: Board, *, lower_is_better: bool | None
) -> Iterator[Comparison]:
    for one, other in parts:
        name = f"{one.low}" if one.low == other.low else f"{one.low}, {other.low}"
        yield _comparison(
            name, (one, other), [[one.low], [other.low]], scores, lower_is_better=lower_is_better
        )
    pooled = different((one.low for one, _ in parts if one.low < 1), scores.realised)
    if len(pooled) > 1:
        one, other = parts[0]
        part = Part({**one.weights, **other.weights}, pooled[0], pooled[-1], one.measure)
        yield _comparison(POOLED, (part,), [pooled], scores, lower_is_better=lower_is_better)


def _comparison(
    name: str,
    parts: Sequence[Part],
    shares: list[list[float]],
    scores: Board,
    *,
    lower_is_better: bool | None,
) -> Comparison:
    try:
        values = contrast(parts, shares, scores)
    except NotComparedError as reason:
        return Comparison(name, lower_is_better, reason=str(reason))
    return Comparison(name, lower_is_better, mean_interval(values))


def _offered(side: Side, scores: Board) -> dict[float, Contestant]:
    """The ξ at which a side has scores: as a student, fully supervised at 1, or as pseudo labels."""
    found: dict[float, Contestant] = {}
    for role in _ROLES:
        one = Contestant(role, side.method, side.variant, "mean")
        found |= {share: one for share in scores.of(one) if side.xi in (None, share)}
    return found
