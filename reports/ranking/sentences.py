"""Which method leads, in sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from reports.statistics.aggregate import (
    by_share,
    different,
    largest_share,
    over_seeds,
    paired_difference,
    realised_shares,
    silent_columns,
)
from reports.statistics.case_scores import LOWER_IS_BETTER, case_scores
from reports.statistics.cohorts import FOCAL, SMOKE, SMOKE_SENTENCE, evaluated
from reports.statistics.evidence import no_verdict
from reports.statistics.ranks import ranks
from reports.statistics.values import values_of
from reports.statistics.wording import bracketed, counted, signed

if TYPE_CHECKING:
    from collections.abc import Mapping


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
