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

from reports.cases import LOWER_IS_BETTER, case_scores, is_silent
from reports.evidence import no_verdict
from reports.intervals import mean_interval
from reports.resampling import ranks
from reports.selection import IDENTITY, SMOKE, SMOKE_SENTENCE, evaluated
from reports.values import paired, values_of
from reports.wording import bracketed, counted, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.intervals import Interval

FOCAL: Final = "tsman"  # the method whose claims are on trial
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


def ranked(records: pd.DataFrame, measure: str = "overall", *, xi: str | None = None) -> pd.DataFrame:
    """The rank of each student at one ξ of one data set, with the 95 % interval of that rank.

    Returns:
        `method, mean, rank, low, high, cases, seeds`, best first; methods with a failed case, and those that
        predict nothing in any case, stand last with nothing but their name.

    Raises:
        ValueError: There is no student at this ξ, or they differ in seeds or cases.
    """
    rows = evaluated(records, ("student",))
    share = xi or largest_share(rows)
    scores = case_scores(rows[rows["xi"] == share])
    if scores.empty:
        raise ValueError(f"no student was trained at ξ = {share}")
    columns = ["method", "mean", "rank", "low", "high", "cases", "seeds"]
    lost = scores.groupby("method")["failed"].any()
    means = over_seeds(scores, [measure]).set_index("method")
    for name in silent_columns(means, [measure]):
        lost |= means[name] > 0
    left_out = scores["method"].isin(lost.index[lost])
    apart = pd.DataFrame({"method": lost.index[lost]})
    if left_out.all():
        return apart.reindex(columns=columns)
    compared = scores[~left_out]
    lower_is_better = measure.rpartition("_")[2] in LOWER_IS_BETTER
    found = ranks(
        values_of(compared, measure).assign(method=compared["method"]), higher_is_better=not lower_is_better
    )[columns]
    return pd.concat([found, apart], ignore_index=True) if len(apart) else found


def verdicts(records: pd.DataFrame) -> list[str]:
    """A plain sentence for each rival of TSMAN on each data set, whoever wins.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    rows = evaluated(records, ("student", "supervised"))
    sentences: list[str] = []
    for dataset, part in rows.groupby("dataset"):
        sentences.extend(_verdicts_on(str(dataset), part))
    return sentences or ["There is no student among the records, so there is nothing to compare."]


def _verdicts_on(dataset: str, rows: pd.DataFrame) -> list[str]:
    if (rows["recipe"] == SMOKE).any():
        return [f"On {dataset}, {SMOKE_SENTENCE}."]
    share = largest_share(rows)
    students = rows[rows["role"] == "student"]
    if share is None:
        return [f"On {dataset} no student was trained on the labels of teachers, so there is no verdict."]
    methods = list(students.loc[students["xi"] == share, "method"].unique())
    if FOCAL not in methods:
        return [f"On {dataset} {FOCAL} has no result at ξ = {share}, so there is no verdict on it."]
    scores = case_scores(rows)
    at_share = scores[(scores["role"] == "student") & (scores["xi"] == share)]
    own = at_share[at_share["method"] == FOCAL]
    place = f"On {dataset}, at ξ = {share}, {FOCAL}"
    rivals = [name for name in methods if name != FOCAL]
    sentences = [_sentence(place, name, own, at_share[at_share["method"] == name]) for name in rivals]
    if not sentences:
        sentences = [f"{place} is the only method, so there is nothing to compare it with."]
    supervised = scores[(scores["role"] == "supervised") & (scores["method"] == FOCAL)]
    if not supervised.empty:
        sentences.append(_sentence(place, f"{FOCAL} trained on all manual labels", own, supervised))
    if no_verdict(own["seed"].nunique()):
        return sentences
    return [*sentences, *_lead(dataset, scores, realised_shares(rows))]


def _sentence(place: str, rival: str, own: pd.DataFrame, other: pd.DataFrame) -> str:
    for name, scores in ((FOCAL, own), (rival, other)):
        if scores["failed"].any():
            count = f"{int(scores['failed'].sum())} of {len(scores)}"
            return f"{place} cannot be compared with {rival}: {count} case results of {name} failed."
    difference = paired_difference(own, other)
    if difference is None:
        return f"{place} cannot be compared with {rival}: they share no seed and case with an overall score."
    over = f"{counted(difference.cases, 'case')} and {counted(difference.seeds, 'seed')}"
    found = f"difference in overall score {signed(difference.mean)} {bracketed(difference)} over {over}"
    if difference.no_verdict:
        only = f", the interval {difference.over}" if difference.seeds == 1 else ""
        return f"{place} against {rival}, {difference.no_verdict}: {found}{only}."
    return f"{place} is {difference.word} {rival}: {found}."


def _lead(dataset: str, scores: pd.DataFrame, realised: Mapping[float, str]) -> list[str]:
    """At how many different ξ TSMAN has the best mean, where more than one was swept."""
    students = scores[scores["role"] == "student"]
    kept = different(by_share(students["xi"]).unique(), realised)
    means = over_seeds(students[by_share(students["xi"]).isin(kept)], ["overall"])
    for name in silent_columns(means, ["overall"]):
        means = means[means[name] == 0]
    own = means[means["method"] == FOCAL].set_index("xi")
    for count in ("seeds", "results"):  # of fewer cases a mean is no rival
        means = means[means[count] == means["xi"].map(own[count])]
    if own.empty:
        return []
    table = means.pivot(index="xi", columns="method", values="overall")
    compared = table[table.notna().sum(axis=1) > 1].dropna(subset=[FOCAL])
    if len(table) < 2 or compared.empty:
        return []
    ahead = compared.index[compared[FOCAL] > compared.drop(columns=FOCAL).max(axis=1)]
    where = f" ({', '.join(sorted(ahead, key=Decimal))})" if 0 < len(ahead) < len(compared) else ""
    missing = len(table) - len(compared)
    left = f"; at {missing} more there is no comparison" if missing else ""
    of = f"{len(ahead)} of {len(compared)} values of ξ"
    return [f"On {dataset}, {FOCAL} has the best mean overall score at {of}{where}{left}."]
