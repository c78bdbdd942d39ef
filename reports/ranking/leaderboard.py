"""Who stands where, in each contest: score, rank, how stable the rank is, and what it cost.

A contest is one data set, one noise and one ξ. Nothing is pooled over them: labels that teachers got wrong
and labels with injected noise are never in one number, nor are several ξ.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.claims.gap import closed_table
from reports.ranking.groups import Contest, contests_of, labelled_only_of, order_of_noise, supervised_of
from reports.ranking.pareto import passes, starts
from reports.statistics.aggregate import over_seeds, silent_columns
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import INJECTED, NO_NOISE, SMOKE, SMOKE_SENTENCE, cohorts
from reports.statistics.evidence import MORE_SEEDS, ONE_SEED, TWO_SEEDS, no_verdict
from reports.statistics.intervals import mean_interval, mean_intervals
from reports.statistics.ranks import ranks
from reports.statistics.values import values_of
from reports.statistics.wording import counted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from reports.inputs.other_tables import Extras
    from reports.statistics.cohorts import Cohort

COLUMNS: Final = (
    "setting", "dataset", "recipe", "data_set", "noise", "xi", "method", "closed", "closed_lower",
    "closed_upper", "rank", "rank_lower", "rank_upper", "score", "score_lower", "score_upper", "measure",
    "holds", "top", "passes", "start", "cases", "seeds", "results", "failed", "empty", "note", "role",
)  # fmt: skip
"""Of `leaderboard`, one row a method of a contest, best first. setting: the contest, in words; closed: the
share of the gap between labelled-only and full that it closes, in mean Dice, and its interval; score: mean of
`measure` (`overall`, or `dice` where there is none) over cases, then seeds, and its 95 % interval; rank, and
the best and worst of its 95 % interval; the share of resamples in which the method holds its rank, and is
among the first three; network passes (mean over seeds, the teachers' shared); where the weights started, at
teachers or fresh, empty where it is not known; counts; and, where there is no
rank, why."""
_NOTED: Final = ("lacks seeds", "predicts nothing", "failed")
"""Why a method has no rank; in this order they stand below those that have one."""


def leaderboard(records: pd.DataFrame, extras: Extras) -> pd.DataFrame:
    """Every contest of the records, its methods best first; references stand apart, unranked.

    Who failed in a case, predicts nothing in any case, or lacks seeds that most others have, has no rank and
    stands below all that have one (docs/decisions/0011).

    Raises:
        ValueError: There are no records, or they contradict each other.
    """
    parts = [part for cohort in cohorts(records) for part in _of_cohort(cohort, extras)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _of_cohort(cohort: Cohort, extras: Extras) -> Iterator[pd.DataFrame]:
    alone = labelled_only_of(cohort)
    closed: dict[str, pd.DataFrame] = {}
    for contest, rows in contests_of(cohort):
        if contest.noise not in closed:
            closed[contest.noise] = closed_table(cohort.records, contest.noise)
        board = standing(contest, rows, passes(extras.costs, contest))
        begun = starts(extras.costs, contest)
        board["start"] = [begun.get(name, "") for name in board["method"]]
        yield _with_closed(board, closed[contest.noise])
        reference = contest.of(alone)
        if not reference.empty:
            setting = f"{cohort.name}, {contest.title}: manual labels alone, not ranked"
            yield _unranked(contest, reference, setting, "manual labels alone")
    reference = supervised_of(cohort)
    if not reference.empty:
        first = reference.iloc[0]
        where = Contest(cohort.name, str(first["dataset"]), str(first["recipe"]), "none", "1.0")
        yield _unranked(
            where, reference, f"{cohort.name}: all labels manual, not ranked", "all labels manual"
        )


def _with_closed(table: pd.DataFrame, closed: pd.DataFrame) -> pd.DataFrame:
    """With the share of the gap that each method closes at the ξ of the contest, where there is one."""
    here = closed[closed["xi"] == table["xi"].iloc[0]].set_index("method")
    names = ("closed", "closed_lower", "closed_upper")
    return table.assign(**{name: table["method"].map(here[name]).astype(float) for name in names})


def _unranked(where: Contest, reference: pd.DataFrame, setting: str, note: str) -> pd.DataFrame:
    """References with their scores and no rank."""
    table = standing(where, reference, pd.Series(dtype=float))
    absent = dict.fromkeys(("rank", "rank_lower", "rank_upper", "holds", "top"), float("nan"))
    notes = note + table["note"].map(lambda why: f"; {why}" if why else "")
    return table.assign(**absent, setting=setting, note=notes).sort_values("method", kind="stable")


def standing(contest: Contest, rows: pd.DataFrame, cost: pd.Series[float]) -> pd.DataFrame:
    """One contest, best first; `cost` is by method."""
    scores = case_scores(rows)
    measure = "overall" if scores["overall"].notna().any() else "dice"
    if measure not in scores:
        scores = scores.assign(dice=float("nan"))
    means = over_seeds(scores, [measure]).set_index("method")
    notes = _notes(scores, means, measure)
    compared = scores[scores["method"].isin(notes.index[notes == ""])]
    seeds = common_seeds(compared)
    places = pd.MultiIndex.from_frame(compared[["seed", "split"]])
    ranked = _ranked(compared[places.isin(list(seeds))], measure)
    # What the index of `over_seeds` names stands in the contest's columns again.
    means = means.drop(columns=[name for name in contest.columns if name in means])
    table = means.join(ranked).assign(note=notes)
    table = table.assign(
        score=table["score"].fillna(table[measure]),
        seeds=table["seeds_ranked"].fillna(table["seeds"]).astype("int64"),
        cases=table["cases_ranked"].fillna(table["cases"]).astype("int64"),
        results=table["results_ranked"].fillna(table["results"]).astype("int64"),
        passes=cost.reindex(table.index).astype(float),
        measure=measure,
        **contest.columns,
    ).reset_index()
    silent = silent_columns(means, [measure])
    if silent:
        table = table.assign(score_silent=table[silent[0]])
    place = table["note"].map(lambda note: next((k for k, why in enumerate(_NOTED) if why in note), -1))
    table = table.assign(_place=place).sort_values(["_place", "rank", "method"], kind="stable")
    table = table.reindex(columns=[*COLUMNS, *(["score_silent"] if silent else [])])
    closed = ["closed", "closed_lower", "closed_upper"]
    table["start"] = ""
    return table.astype(dict.fromkeys(closed, float)).reset_index(drop=True)


def common_seeds(scores: pd.DataFrame) -> frozenset[tuple[str, str]]:
    """The seeds, each with its split, on which methods are ranked: those that most of them have.

    Of several that equally many have, the most seeds.
    """
    counts = Counter(_seeds_of(own) for _, own in scores.groupby("method"))
    return max(counts, key=lambda seeds: (counts[seeds], len(seeds), sorted(seeds)), default=frozenset())


def _seeds_of(rows: pd.DataFrame) -> frozenset[tuple[str, str]]:
    pairs = zip(rows["seed"], rows["split"], strict=True)
    return frozenset((str(seed), str(split)) for seed, split in pairs)


def _notes(scores: pd.DataFrame, means: pd.DataFrame, measure: str) -> pd.Series[str]:
    """By method why it has no rank; empty where it has one."""
    notes = pd.Series("", index=means.index, dtype=object)
    lost = scores.groupby("method")["failed"].sum().reindex(means.index)
    for name in silent_columns(means, [measure]):
        notes = notes.mask(means[name] > 0, "predicts nothing")
    words = [f"failed {number}/{of}" for number, of in zip(lost, means["results"], strict=True)]
    notes = notes.mask(lost > 0, pd.Series(words, index=means.index))
    left = scores[scores["method"].isin(notes.index[notes == ""])]
    seeds = common_seeds(left)
    for method, own in left.groupby("method"):
        lacking = seeds - _seeds_of(own)
        if lacking:
            notes.loc[str(method)] = (
                f"lacks seeds {', '.join(sorted((seed for seed, _ in lacking), key=int))}"
            )
    return notes


def _ranked(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """By method: score, rank and their intervals, stability and counts; all have the same seeds and cases."""
    if scores.empty:
        return pd.DataFrame(columns=[*_OF_RANKED, *_RENAMED.values()], dtype=float)
    values = values_of(scores, measure).assign(method=scores["method"])
    table = ranks(values).set_index("method").rename(columns=_RENAMED)
    bounds = mean_intervals(values, ["method"]).set_index("method")[["low", "high"]]
    table = table.join(bounds.rename(columns={"low": "score_lower", "high": "score_upper"}))
    absent = [] if table["cases_ranked"].max() > 1 else ["rank_lower", "rank_upper"]
    if len(table) <= 3:
        absent.append("top")  # everybody is among the first three
    return table.assign(results_ranked=len(values) // len(table)).assign(
        **dict.fromkeys(absent, float("nan"))
    )


_RENAMED: Final = {
    "mean": "score", "low": "rank_lower", "high": "rank_upper", "cases": "cases_ranked",
    "seeds": "seeds_ranked", "results": "results_ranked",
}  # fmt: skip
_OF_RANKED: Final = ("score_lower", "score_upper", "rank", "holds", "top")


_UNDECIDED: Final = {
    ONE_SEED: (
        "intervals and ranks are over cases only: they speak of other test cases under that very seed, and "
        "hold nothing of the spread of trainings"
    ),
    TWO_SEEDS: "two trainings say little of the spread of trainings",
}


def few_seeds_sentences(table: pd.DataFrame) -> list[str]:
    """In which contests there are too few seeds for a verdict."""
    ranked = table[table["rank"].notna()]
    several, said = ranked["setting"].nunique(), []
    for words, why in _UNDECIDED.items():
        number = ranked.loc[ranked["seeds"].map(no_verdict) == words, "setting"].nunique()
        if number:
            where = "every setting" if number == several else f"{number} of {several} settings"
            said.append(f"{words[0].upper()}{words[1:]} in {where} below: {why}; {MORE_SEEDS}.")
    return said


def leader_sentences(table: pd.DataFrame) -> list[str]:
    """Who is first in each contest of seeds enough, and how often; of the recipe smoke that nobody is."""
    smoke = table["recipe"] == SMOKE
    named = table.loc[smoke, "data_set"].unique()
    deciding = table[table["rank"].notna() & ~smoke & (table["seeds"].map(no_verdict) == "")]
    return [
        *(f"{name}, {SMOKE_SENTENCE}." for name in named),
        *(_leader(str(name), part) for name, part in deciding.groupby("setting", sort=False)),
    ]


def _leader(setting: str, part: pd.DataFrame) -> str:
    first = part.iloc[0]
    over = f"{counted(int(first['cases']), 'case')}, {counted(int(first['seeds']), 'seed')}"
    if len(part) < 2:
        return f"{setting} ({over}): {first['method']} alone can be ranked."
    tied = part.loc[part["rank"] == first["rank"], "method"]
    if len(tied) > 1:
        return f"{setting} ({over}): {' and '.join(tied)} share the first place of {len(part)}."
    if pd.isna(first["holds"]):
        return (
            f"{setting} ({over}): {first['method']} is first of {len(part)}; one case says nothing of others."
        )
    return (
        f"{setting} ({over}): {first['method']} is first of {len(part)}, in {_percent(first['holds'])} of "
        f"resamples; its rank lies between {first['rank_lower']:g} and {first['rank_upper']:g}."
    )


def _percent(share: float) -> str:
    """100 % only where it is all of them."""
    return "over 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def injected_sentences(records: pd.DataFrame) -> list[str]:
    """How wrong the injected labels are against the truth, in each data set, noise and ξ."""
    sentences = []
    for cohort in cohorts(records):
        rows = cohort.records
        rows = rows[(rows["role"] == "pseudo") & (rows["method"] == INJECTED) & (rows["noise"] != NO_NOISE)]
        for (noise, share), part in sorted(rows.groupby(["noise", "xi"]), key=_place):
            scores = case_scores(part)
            if "dice" not in scores or scores["failed"].any():
                continue
            found = mean_interval(values_of(scores, "dice"))
            sentences.append(
                f"{cohort.name}, noise {noise}, ξ = {share}: the injected labels have a mean Dice of "
                f"{found.mean:.3f} against the truth ({counted(found.cases, 'training case')})."
            )
    return sentences


def _place(group: tuple[tuple[Hashable, ...], pd.DataFrame]) -> tuple[tuple[bool, str, float], float]:
    noise, share = group[0]
    return order_of_noise(str(noise)), float(str(share))
