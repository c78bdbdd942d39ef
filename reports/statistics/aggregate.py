"""From the scores of cases to means, spreads and verdicts, without losing a failure on the way.

The order is always the same: mean over cases within a seed, then mean and spread over seeds. A (method, ξ,
seed) with a failed or absent case has no mean, and neither has its (method, ξ): a mean over the rest would
be a mean of the cases that happened to be easy. What predicts nothing at all is never the best
(docs/decisions/0011).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.statistics.case_scores import is_silent
from reports.statistics.cohorts import IDENTITY
from reports.statistics.intervals import mean_interval
from reports.statistics.values import paired, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.statistics.intervals import Interval

_WITHOUT_SEED: Final = [name for name in IDENTITY if name not in ("seed", "split")]  # a seed draws its split


def seed_means(scores: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """The mean over cases of each (method, ξ, seed), absent where a case failed.

    With the counts `results` (cases planned), `failed` and `empty`, and `drawn` and `missed` of the cases.
    """
    grouped = scores.groupby(list(IDENTITY), sort=False)
    counts = grouped.agg(
        results=("case", "size"),
        failed=("failed", "sum"),
        empty=("empty", "sum"),
        drawn=("drawn", "first"),
        missed=("missed", "first"),
    )
    means = grouped[list(measures)].mean()
    return means.mask(counts["failed"] > 0).join(counts).reset_index()


def over_seeds(scores: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Mean and spread over seeds of each (method, ξ).

    For each measure `<measure>` (mean), `<measure>_sd` (sample standard deviation), `<measure>_low` and
    `<measure>_high` (lowest and highest seed); spreads are absent with one seed, everything where a case
    failed. Then `cases` (different cases), `seeds`, `results` (case results planned over all seeds),
    `failed` and `empty`. Where any (method, ξ) predicts nothing in any case, `<measure>_silent` is 1 for it.
    """
    seeds = seed_means(scores, measures)
    grouped = seeds.groupby(_WITHOUT_SEED, sort=False)
    counts = grouped.agg(
        seeds=("seed", "nunique"),
        results=("results", "sum"),
        failed=("failed", "sum"),
        empty=("empty", "sum"),
    )
    counts.insert(0, "cases", scores.groupby(_WITHOUT_SEED, sort=False)["case"].nunique())
    single = counts["seeds"] < 2
    columns: dict[str, pd.Series[float]] = {}
    for measure in measures:
        values = grouped[measure]
        columns |= {
            measure: values.mean(),
            f"{measure}_sd": values.std(ddof=1),
            f"{measure}_low": values.min().mask(single),
            f"{measure}_high": values.max().mask(single),
        }
    table = pd.DataFrame(columns, index=counts.index)
    return table.mask(counts["failed"] > 0).join(_silent(seeds, measures)).join(counts).reset_index()


def _silent(seeds: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """`<measure>_silent`, 1 or 0, of the measures of which anybody is silent in all its seeds."""
    grouped = seeds.groupby(_WITHOUT_SEED, sort=False)
    drawn, missed = (grouped[name].agg(_union) for name in ("drawn", "missed"))
    pairs = list(zip(drawn, missed, strict=True))
    flags = {
        f"{measure}_silent": [float(is_silent(measure, drawn, missed)) for drawn, missed in pairs]
        for measure in measures
    }
    return pd.DataFrame({name: of for name, of in flags.items() if any(of)}, index=drawn.index)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


def silent_columns(table: pd.DataFrame, measures: Iterable[str]) -> list[str]:
    """Those of `<measure>_silent` that a table of `over_seeds` has."""
    return [name for measure in measures if (name := f"{measure}_silent") in table]


def by_share(shares: pd.Series[str]) -> pd.Series[float]:
    """ξ as a number, to sort and plot by."""
    return shares.map(float)


def realised_shares(rows: pd.DataFrame) -> dict[float, str]:
    """ξ to the share of manual labels that it came to: with few cases several ξ keep the same number."""
    shares = rows[["xi", "xi_realised"]].drop_duplicates("xi")
    return dict(zip(by_share(shares["xi"]), shares["xi_realised"], strict=True))


def different(shares: Iterable[float], realised: Mapping[float, str]) -> list[float]:
    """The ξ that are different trainings, ascending: of those that came to the same share the smallest."""
    first: dict[str, float] = {}
    for share in sorted(shares):
        first.setdefault(realised.get(share) or str(share), share)
    return list(first.values())


def once(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without those of a ξ that is the training of a smaller one under another name.

    Of the ξ of one contestant that came to the same share of manual labels the smallest stands.
    """
    shares = rows[["dataset", "xi", "xi_realised"]].drop_duplicates()
    known = shares[shares["xi_realised"] != ""]
    if not known.duplicated(["dataset", "xi_realised"]).any():
        return rows
    who = ["dataset", "role", "method", "variant", "noise", "seed", "split", "xi_realised"]
    share = by_share(rows["xi"])
    first = share.groupby([rows[name] for name in who]).transform("min")
    return rows[(share == first) | (rows["xi_realised"] == "")]


def other_shares(rows: pd.DataFrame, folded: Mapping[str, str] | None = None) -> list[str]:
    """A phrase for each ξ that is another ξ on one data set, as `bench run -n` says it of a plan.

    The share that it came to is held against ξ with the digits that ξ was asked for with.

    Args:
        rows: Of one data set.
        folded: The ξ that were asked for and have no rows -> the smaller ones that they were planned as.
    """
    said, first = dict[Decimal, str](), dict[str, str]()
    realised = realised_shares(rows[rows["role"] != "supervised"])
    for share, came_to in sorted(realised.items()):
        asked = f"{share}"
        smallest = first.setdefault(came_to, asked) if came_to else asked
        if smallest != asked:
            said[Decimal(asked)] = f"ξ = {asked} is {smallest} here, the same training"
        elif _is_other(Decimal(asked), came_to):
            said[Decimal(asked)] = f"ξ = {asked} is {came_to} here"
    there = {Decimal(asked) for asked in rows["xi"].unique()}
    for asked, smallest in (folded or {}).items():
        if Decimal(asked) not in there and Decimal(smallest) in there:
            said[Decimal(asked)] = f"ξ = {asked} is {smallest} here, the same training"
    return [said[share] for share in sorted(said)]


def _is_other(asked: Decimal, came_to: str) -> bool:
    """Whether a share is another than was asked for; what is no share is not."""
    try:
        return Decimal(came_to).quantize(asked, ROUND_HALF_UP) != asked
    except InvalidOperation:
        return False


def largest_share(rows: pd.DataFrame) -> str | None:
    """The largest ξ below 1 among the students, where P compares the methods."""
    shares = rows.loc[rows["role"] == "student", "xi"].unique()
    return max((share for share in shares if Decimal(share) < 1), key=Decimal, default=None)


def paired_difference(one: pd.DataFrame, other: pd.DataFrame, measure: str = "overall") -> Interval | None:
    """One method's case scores minus another's, paired by seed, split and case.

    None where they share none, or where a shared one has no score.
    """
    differences = paired(values_of(one, measure), values_of(other, measure))
    if differences.empty or differences["value"].isna().any():
        return None
    return mean_interval(differences)
