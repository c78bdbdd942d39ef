"""The contrast of a claim as paired values: contestants' scores weighed and summed for each seed and case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.cases import case_scores
from reports.resampling import PAIR, values_of
from reports.selection import BACKGROUND, TUMOUR

if TYPE_CHECKING:
    from reports.claims import Claim, Contestant, Part

_FIVE: Final = "dice_of_five"


class NotComparedError(Exception):
    """Why contestants cannot be compared, in a sentence without its stop."""


def contestant_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """The case scores that claims are made of, `share` as a number: ablations too, injected noise not."""
    pseudo, unseen = rows["role"] == "pseudo", rows["split"] == "test"
    # Where students are scored on several splits, only unseen cases may be compared.
    kept = pseudo | unseen if unseen.any() else rows["role"] != "teacher"
    scores = case_scores(rows[kept & (rows["role"] != "teacher") & (rows["noise"] == "none")])
    five = [f"{structure}_dice" for structure in (BACKGROUND, *TUMOUR)]
    if set(five) <= set(scores):
        scores = scores.assign(**{_FIVE: scores[five].mean(axis=1, skipna=False)})
    return scores.assign(share=scores["xi"].map(float))


def shares_of(claim: Claim, scores: pd.DataFrame) -> list[list[float]] | None:
    """The ξ of each part at which all its contestants have records; None where a part has none."""
    found = []
    for part in claim.parts:
        if part.measure not in scores:
            return None
        common = set.intersection(*(set(_of(one, scores)["share"]) for one in part.weights))
        inside = sorted(share for share in common if part.low <= share <= part.high)
        if not inside:
            return None
        found.append(inside)
    return found


def _of(one: Contestant, scores: pd.DataFrame) -> pd.DataFrame:
    """The case scores of one contestant; with all four attentions, TSMAN as it stands will do."""
    rows = scores[(scores["role"] == one.role) & (scores["method"] == one.method)]
    found = rows[rows["variant"] == one.variant]
    return rows[rows["variant"] == ""] if found.empty and one.variant == "f1234" else found


def _value(part: Part, shares: list[float], scores: pd.DataFrame) -> pd.DataFrame:
    """The part's value for each (seed, split, case): paired within each ξ, then the mean over ξ."""
    of_shares = [
        _paired_sum(
            [_weighed(_at(one, share, scores, part.measure), weight) for one, weight in part.weights.items()]
        )
        for share in shares
    ]
    values = pd.concat(of_shares).groupby(list(PAIR))["value"].mean().reset_index()
    if part.relative_to is None:
        return values
    rival, share = part.relative_to
    error = _at(rival, share, scores, part.measure).groupby("seed")["value"].mean().mean()
    error = 1 - error if part.measure == "dice" else error
    if not error > 0:
        raise NotComparedError(f"{rival.method} has no {part.measure} error that could be removed")
    return _weighed(values, 1 / float(error))


def _at(one: Contestant, share: float, scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One contestant's values at one ξ.

    Raises:
        NotComparedError: Some of its case results failed: the rest would be the easy ones.
    """
    rows = _of(one, scores)
    rows = rows[rows["share"] == share]
    name = f"{one.method} {one.variant}".strip()
    if rows["failed"].any() or rows[measure].isna().any():
        lost = int((rows["failed"] | rows[measure].isna()).sum())
        raise NotComparedError(f"{lost} of {len(rows)} case results of {name} failed at ξ = {share}")
    if one.members == "best":
        of_members = rows.groupby(["member", "seed"])[measure].mean().groupby("member").mean()
        rows = rows[rows["member"] == of_members.idxmax()]
    if one.members == "mean":
        rows = rows.groupby(list(PAIR))[measure].mean().reset_index()
    return values_of(rows, measure)


def _weighed(values: pd.DataFrame, weight: float) -> pd.DataFrame:
    return values.assign(value=weight * values["value"])


def _paired_sum(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The sum for each (seed, split, case) that all have.

    Raises:
        NotComparedError: There is none.
    """
    wide = pd.concat([table.set_index(list(PAIR))["value"] for table in tables], axis=1, join="inner")
    if wide.empty:
        raise NotComparedError("the contestants share no seed and case")
    return wide.sum(axis=1).rename("value").reset_index()


def contrast(claim: Claim, shares: list[list[float]], scores: pd.DataFrame) -> pd.DataFrame:
    """The claim's value for each (seed, split, case), as `seed, split, case, value`.

    Raises:
        NotComparedError: A contestant has failed cases, or they share none.
    """
    return _paired_sum(
        [_value(part, of_part, scores) for part, of_part in zip(claim.parts, shares, strict=True)]
    )
