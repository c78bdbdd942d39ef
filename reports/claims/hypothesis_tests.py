"""P's claims put to the test on the records of one cohort: effect, interval, p and a verdict each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from reports.claims.claims import CLAIMS
from reports.claims.contrast import Board, NotComparedError, board, contrast, shares_of
from reports.statistics.cohorts import NO_VERDICT, SMOKE, SMOKE_SENTENCE, benchmark_of, unique
from reports.statistics.evidence import MORE_SEEDS, SIGNIFICANT, WITHOUT_VERDICT, holm
from reports.statistics.intervals import CASES_ONLY, Interval, mean_interval
from reports.statistics.wording import counted, plain, probability, signed

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from reports.claims.claims import Claim, Part

COLUMNS: Final = (
    "topic", "claim", "where", "xi", "unit", "paper", "difference", "low", "high", "p", "p_holm", "cases",
    "seeds", "verdict", "note", "need",
)  # fmt: skip
"""Of `trends`, one row a claim: topic and claim (P's words for it in short) and where P says so; the ξ that
entered, and the unit of the difference; P's own printed difference (absent where P prints none); our
difference, signed so that P is right above zero, and its 95 % interval; p of the same t statistic, and p
after Holm over all claims of this data set that have seeds and cases enough for a verdict; numbers of cases
and seeds; the verdict; what it does not say by itself; and, where it is `not run`, what it needs."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one claim came to."""

    shares: str
    need: str = ""
    interval: Interval | None = None
    margin: float = 0.0
    adjusted: float | None = None  # p after Holm over the family
    smoke: bool = False

    @property
    def p(self) -> float | None:
        """What enters the family: none of a claim that has no verdict whatever its p."""
        return self.interval.p if self.interval and self.interval.decides else None

    @property
    def verdict(self) -> str:
        """Supported or contradicted only where interval and p after Holm say so."""
        if self.interval is None:
            return "not run"
        if self.smoke:
            return NO_VERDICT
        if self.interval.no_verdict:
            return self.interval.no_verdict
        if self.adjusted is not None and self.adjusted < SIGNIFICANT:
            return _VERDICTS.get(self.interval.word, "undecided")
        return "equivalent" if self.is_small else "undecided"

    @property
    def is_small(self) -> bool:
        """Whether the whole interval of enough seeds and cases is inside ± the margin."""
        found = self.interval
        if found is None or found.low is None or found.high is None or not found.decides:
            return False
        return -self.margin < found.low and found.high < self.margin

    def note(self, paper: float | None) -> str:
        """What the verdict does not say by itself."""
        if self.interval is None or self.smoke:
            return ""
        if self.interval.seeds == 1:
            return CASES_ONLY
        verdict, alone = self.verdict, self.interval.word
        if verdict == "equivalent":
            printed = "" if paper is None else f"; the paper prints {plain(paper)}"
            return f"smaller than {self.margin:g}{printed}"
        if verdict == "undecided" and alone in _VERDICTS:
            return f"{_VERDICTS[alone]} alone, not after Holm"
        return ""


_VERDICTS: Final = {"ahead of": "supported", "behind": "contradicted"}


def trends(records: pd.DataFrame) -> pd.DataFrame:
    """Each claim of P on the benchmark that this cohort stands in for; `COLUMNS` says what a row holds.

    Raises:
        ValueError: There are no records, or they are not of one cohort.
    """
    rows = unique(records)
    claims = [claim for claim in CLAIMS if claim.benchmark == benchmark_of(rows)]
    scores = board(rows)
    smoke = bool((rows["recipe"] == SMOKE).any())
    findings = [_tested(claim, scores) for claim in claims]
    adjusted = holm([finding.p for finding in findings])
    table = [
        _row(claim, replace(finding, adjusted=of_family, smoke=smoke))
        for claim, finding, of_family in zip(claims, findings, adjusted, strict=True)
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def trend_sentences(table: pd.DataFrame) -> list[str]:
    """A plain sentence for each row of `trends`."""
    return [_sentence(row) for row in table.to_dict("records")]


def trend_summary(table: pd.DataFrame, name: str) -> list[str]:
    """What `trends` comes to on the data set of this name: counts, and the claims with the smallest p.

    Two claims of each verdict, one of the undecided: six sentences at most.
    """
    tested = table[table["verdict"] != "not run"]
    if tested.empty:
        return [f"On {name} none of {len(table)} claims could be tested: records that they need are absent."]
    if (tested["verdict"] == NO_VERDICT).any():
        return [f"On {name}, {SMOKE_SENTENCE}: {len(tested)} of {len(table)} claims have results."]
    decided = tested[~tested["verdict"].isin(WITHOUT_VERDICT)]
    if decided.empty:
        said = " and ".join(sorted(tested["verdict"].unique()))
        return [f"On {name}, {said}: {len(tested)} of {len(table)} claims have results; {MORE_SEEDS}."]
    ordered = tested.sort_values(["p_holm", "p"], kind="stable")
    chosen = [ordered[ordered["verdict"] == verdict].head(number) for verdict, number in _SHOWN.items()]
    return [_counts(tested, len(table), name), *trend_sentences(pd.concat(chosen))]


_SHOWN: Final = {"supported": 2, "contradicted": 2, "equivalent": 1, "undecided": 1}


def _counts(tested: pd.DataFrame, planned: int, name: str) -> str:
    """How often each verdict was reached, and how much of it stands after Holm."""
    few, many = tested["cases"].min(), tested["cases"].max()
    cases = counted(many, "case") if few == many else f"{few} to {many} cases"
    counts = ", ".join(f"{(tested['verdict'] == verdict).sum()} {verdict}" for verdict in _SHOWN)
    alone = int(tested["note"].str.endswith("not after Holm").sum())
    left = int(tested["verdict"].isin(WITHOUT_VERDICT).sum())
    few = f", {left} of too few seeds" if left else ""
    return (
        f"On {name} ({cases}, {counted(tested['seeds'].max(), 'seed')}): of {planned} claims, as one family "
        f"after Holm, {counts}{few}, {planned - len(tested)} not run; {alone} of the undecided would be "
        "decided alone. Equivalent counts neither for nor against the paper."
    )


def _tested(claim: Claim, scores: Board) -> _Finding:
    """The claim's contrast, paired over cases and seeds."""
    shares = shares_of(claim.parts, scores)
    if shares is None:
        return _Finding(_band(claim.parts[0]), f"bench run --experiment {claim.experiment}")
    named = " against ".join(dict.fromkeys(_named(of_part) for of_part in shares))
    try:
        values = contrast(claim.parts, shares, scores)
    except NotComparedError as reason:
        return _Finding(named, str(reason))
    return _Finding(named, "", mean_interval(values), claim.margin)


def _named(shares: list[float]) -> str:
    """The ξ that entered, in short."""
    if len(shares) > 3:
        return f"{shares[0]} to {shares[-1]} ({len(shares)} values)"
    return ", ".join(str(share) for share in shares)


def _band(part: Part) -> str:
    """The ξ that a claim asks for, where there is none to name."""
    if part.low == part.high:
        return f"{part.low}"
    return "any" if part.low == 0 else f"from {part.low}"


def _row(claim: Claim, finding: _Finding) -> dict[str, object]:
    interval = finding.interval
    return {
        "topic": claim.topic,
        "claim": claim.statement,
        "where": claim.where,
        "xi": finding.shares,
        "unit": claim.unit,
        "paper": _number(claim.paper),
        "difference": _number(interval.mean if interval else None),
        "low": _number(interval.low if interval else None),
        "high": _number(interval.high if interval else None),
        "p": _number(interval.p if interval else None),
        "p_holm": _number(finding.adjusted),
        "cases": interval.cases if interval else 0,
        "seeds": interval.seeds if interval else 0,
        "verdict": finding.verdict,
        "note": finding.note(claim.paper),
        "need": finding.need,
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _sentence(row: Mapping[Hashable, Any]) -> str:
    note = f" ({row['note']})" if row["note"] else ""
    claim = f"“{row['claim']}” ({row['where']}), ξ {row['xi']}: {row['verdict']}{note}"
    if row["verdict"] == "not run":
        return f"{claim}; {_needed(row['need'])}."
    over = f"{counted(row['cases'], 'case')}, {counted(row['seeds'], 'seed')}"
    bounds = "no interval" if pd.isna(row["low"]) else f"[{signed(row['low'])}, {signed(row['high'])}]"
    printed = "" if pd.isna(row["paper"]) else f" (the paper: {signed(row['paper'])})"
    tested = "" if pd.isna(row["p"]) else f", p {probability(row['p'])}"
    family = "" if pd.isna(row["p_holm"]) else f", {probability(row['p_holm'])} after Holm"
    return f"{claim}: {signed(row['difference'])} {bounds} in {row['unit']}{printed}, {over}{tested}{family}."


def _needed(need: str) -> str:
    return f"`{need}` makes what it needs" if need.startswith("bench ") else need
