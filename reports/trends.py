"""P's claims put to the test on the records of one cohort: effect, interval, p and a verdict each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from reports.claims import CLAIMS
from reports.contrasts import Board, NotComparedError, board, contrast, shares_of
from reports.resampling import SIGNIFICANT, Evidence, Interval, holm, mean_interval, sign_flips
from reports.selection import NO_VERDICT, SMOKE, SMOKE_SENTENCE, benchmark_of, unique
from reports.wording import counted, probability, signed

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from reports.claims import Claim, Part

Verdict = Literal["supported", "contradicted", "undecided", "no verdict", "not run"]
_DECIDING: Final = 6
"""The fewest cases that decide a claim: of five, even the range from worst to best holds 94 %, not 95."""
COLUMNS: Final = (
    "topic", "claim", "where", "xi", "unit", "paper", "difference", "low", "high", "p", "p_smallest",
    "p_holm", "cases", "seeds", "verdict", "need",
)  # fmt: skip
"""Of `trends`, one row a claim: topic and claim (P's words for it in short) and where P says so; the ξ that
entered, and the unit of the difference; P's own printed difference (absent where P prints none); our
difference, signed so that P is right above zero, and its 95 % interval; p of the paired sign-flip
test, the smallest p this number of cases could reach, and p after Holm over all claims tested on this data
set; numbers of cases and seeds; the verdict; and, where it is `not run`, what it needs."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one claim came to."""

    shares: str
    need: str = ""
    interval: Interval | None = None
    evidence: Evidence | None = None
    smoke: bool = False

    @property
    def verdict(self) -> Verdict:
        """Supported or contradicted only where the whole interval of enough cases is on one side of zero."""
        if self.interval is None:
            return "not run"
        if self.smoke:
            return "no verdict"
        if self.interval.cases < _DECIDING:
            return "undecided"
        verdicts: dict[str, Verdict] = {"ahead of": "supported", "behind": "contradicted"}
        return verdicts.get(self.interval.word, "undecided")


def trends(records: pd.DataFrame) -> pd.DataFrame:
    """Each claim of P on the benchmark that this cohort stands in for; `COLUMNS` says what a row holds.

    Raises:
        ValueError: There are no records, or they are not of one cohort.
    """
    rows = unique(records)
    claims = [claim for claim in CLAIMS if claim.benchmark == benchmark_of(rows)]
    scores = board(rows)
    smoke = bool((rows["recipe"] == SMOKE).any())
    findings = [replace(_tested(claim, scores), smoke=smoke) for claim in claims]
    adjusted = holm([finding.evidence.p if finding.evidence else None for finding in findings])
    table = [_row(*of_claim) for of_claim in zip(claims, findings, adjusted, strict=True)]
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
    ordered = tested.sort_values(["p_holm", "p"], kind="stable")
    chosen = [ordered[ordered["verdict"] == verdict].head(number) for verdict, number in _SHOWN.items()]
    return [_counts(tested, len(table), name), *trend_sentences(pd.concat(chosen))]


_SHOWN: Final = {"supported": 2, "contradicted": 2, "undecided": 1}


def _counts(tested: pd.DataFrame, planned: int, name: str) -> str:
    """How often each verdict was reached, and how much of it stands after Holm."""
    few, many = tested["cases"].min(), tested["cases"].max()
    cases = counted(many, "case") if few == many else f"{few} to {many} cases"
    counts = ", ".join(f"{(tested['verdict'] == verdict).sum()} {verdict}" for verdict in _SHOWN)
    # Holm multiplies the smallest p by the number of claims tested.
    out_of_reach = tested["p_smallest"].min() * len(tested) >= SIGNIFICANT
    return (
        f"On {name} ({cases}, {counted(tested['seeds'].max(), 'seed')}): of {planned} claims {counts}, "
        f"{planned - len(tested)} not run; after Holm p is below {SIGNIFICANT} for "
        f"{(tested['p_holm'] < SIGNIFICANT).sum()}"
        f"{', out of reach with so few cases' if out_of_reach else ''}."
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
    return _Finding(named, "", mean_interval(values), sign_flips(values))


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


def _row(claim: Claim, finding: _Finding, adjusted: float | None) -> dict[str, object]:
    interval, evidence = finding.interval, finding.evidence
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
        "p": _number(evidence.p if evidence else None),
        "p_smallest": _number(evidence.smallest if evidence else None),
        "p_holm": _number(adjusted),
        "cases": interval.cases if interval else 0,
        "seeds": interval.seeds if interval else 0,
        "verdict": finding.verdict,
        "need": finding.need,
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _sentence(row: Mapping[Hashable, Any]) -> str:
    claim = f"“{row['claim']}” ({row['where']}), ξ {row['xi']}: {row['verdict']}"
    if row["verdict"] == "not run":
        return f"{claim}; {_needed(row['need'])}."
    over = f"{counted(row['cases'], 'case')}, {counted(row['seeds'], 'seed')}"
    bounds = "no interval" if pd.isna(row["low"]) else f"[{signed(row['low'])}, {signed(row['high'])}]"
    printed = "" if pd.isna(row["paper"]) else f" (the paper: {signed(row['paper'])})"
    tested = f"p {probability(row['p'])} (at best {probability(row['p_smallest'])})"
    return (
        f"{claim}: {signed(row['difference'])} {bounds} in {row['unit']}{printed}, {over}, {tested}, "
        f"{probability(row['p_holm'])} after Holm."
    )


def _needed(need: str) -> str:
    return f"`{need}` makes what it needs" if need.startswith("bench ") else need
