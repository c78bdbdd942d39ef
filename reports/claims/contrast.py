"""The contrast of a claim as paired values: contestants' scores weighed and summed for each seed and case.

Every (seed, split, case) has a place, and a contestant's scores at one ξ are an array over all places, NaN
where it has none: so a sum holds only what all its contestants have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from reports.statistics.aggregate import different, realised_shares
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import BACKGROUND, IDENTITY, TUMOUR
from reports.statistics.values import PAIR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from reports.claims.claims import Contestant, Part

_CONTESTANT: Final = ["role", "method", "variant"]
_BESIDE: Final = ("case", "failed", "empty", "drawn", "missed", "place")  # what is no measure


class NotComparedError(Exception):
    """Why contestants cannot be compared, in a sentence without its stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """The case scores that claims are made of, by (role, method, variant) and ξ.

    Attributes:
        places: `seed, split, case`, a row a place.
        measures: What was recorded.
        results: Case scores with a column `place`.
        realised: The share of manual labels that each ξ came to.
    """

    places: pd.DataFrame
    measures: frozenset[str]
    results: Mapping[tuple[str, str, str], Mapping[float, pd.DataFrame]]
    realised: Mapping[float, str]

    def of(self, one: Contestant) -> Mapping[float, pd.DataFrame]:
        """A contestant's scores by ξ; where f1234 has none of its own, TSMAN as it stands is the same."""
        found = self.results.get((one.role, one.method, one.variant), {})
        return found or (self.results.get((one.role, one.method, ""), {}) if one.variant == "f1234" else {})


def board(rows: pd.DataFrame) -> Board:
    """The scores of unique records: ablations too, injected noise and teachers on test cases not."""
    scores = case_scores(rows[(rows["role"] != "teacher") & (rows["noise"] == "none")])
    five = [f"{structure}_dice" for structure in (BACKGROUND, *TUMOUR)]
    if set(five) <= set(scores):
        scores = scores.assign(dice_of_five=scores[five].mean(axis=1, skipna=False))
    places = scores[list(PAIR)].drop_duplicates().sort_values(list(PAIR), ignore_index=True)
    scores = scores.merge(places.reset_index(names="place"), on=list(PAIR)) if len(scores) else scores
    results: dict[tuple[str, str, str], dict[float, pd.DataFrame]] = {}
    for key, part in scores.groupby([*_CONTESTANT, "xi"]) if len(scores) else ():
        role, method, variant, share = (str(name) for name in key)
        results.setdefault((role, method, variant), {})[float(share)] = part
    measures = frozenset(scores.columns) - {*IDENTITY, *_BESIDE}
    return Board(places, measures, results, realised_shares(rows))


def shares_of(parts: Sequence[Part], scores: Board) -> list[list[float]] | None:
    """The different ξ of each part at which all its contestants have records; None where too few have."""
    found = []
    for part in parts:
        common = set.intersection(*(set(scores.of(one)) for one in part.weights))
        inside = different((share for share in common if part.low <= share <= part.high), scores.realised)
        if part.measure not in scores.measures or len(inside) < part.fewest:
            return None
        found.append(inside)
    return found


def contrast(parts: Sequence[Part], shares: Sequence[Sequence[float]], scores: Board) -> pd.DataFrame:
    """The sum of the parts, each at its own ξ, for each (seed, split, case): `seed, split, case, value`.

    Raises:
        NotComparedError: A contestant has failed cases, or they share none.
    """
    values = sum(_value(part, of_part, scores) for part, of_part in zip(parts, shares, strict=True))
    found = scores.places.assign(value=values).dropna(subset=["value"])
    if found.empty:
        raise NotComparedError("the contestants share no seed and case")
    return found


def _value(part: Part, shares: Sequence[float], scores: Board) -> NDArray[np.float64]:
    """The part at each place: the weighted sum within each ξ, then the mean over the ξ that have it."""
    sums = [
        np.sum(
            [weight * _at(one, share, scores, part.measure) for one, weight in part.weights.items()], axis=0
        )
        for share in shares
    ]
    present = ~np.isnan(sums)
    num = present.sum(axis=0)
    mean = np.where(num > 0, np.nansum(sums, axis=0) / np.maximum(num, 1), np.nan)
    return np.asarray(mean / _unit(part, scores))


def _unit(part: Part, scores: Board) -> float:
    """What one is: the measure's own unit, or the mean error of a contestant."""
    if part.relative_to is None:
        return 1.0
    rival, share = part.relative_to
    values = scores.places.assign(value=_at(rival, share, scores, part.measure))
    mean = float(values.groupby("seed")["value"].mean().mean())
    error = 1 - mean if part.measure == "dice" else mean
    if not error > 0:
        raise NotComparedError(f"{rival.method} has no {part.measure} error that could be removed")
    return error


def _at(one: Contestant, share: float, scores: Board, measure: str) -> NDArray[np.float64]:
    """One contestant's values at one ξ, over all places; several teachers as their mean or the best of them.

    Raises:
        NotComparedError: Some of its case results failed: the rest would be the easy ones.
    """
    rows = scores.of(one)[share]
    lost = rows["failed"] | rows[measure].isna()
    if lost.any():
        name = f"{one.method} {one.variant}".strip()
        raise NotComparedError(
            f"{int(lost.sum())} of {len(rows)} case results of {name} failed at ξ = {share}"
        )
    if one.members == "best":
        of_members = rows.groupby(["member", "seed"])[measure].mean().groupby("member").mean()
        rows = rows[rows["member"] == of_members.idxmax()]
    num = np.bincount(rows["place"], minlength=len(scores.places))
    total = np.bincount(rows["place"], weights=rows[measure], minlength=len(scores.places))
    return np.asarray(np.where(num > 0, total / np.maximum(num, 1), np.nan))
