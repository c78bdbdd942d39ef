"""The variances of the difference of two methods, from records: of seeds, of cases, and of the rest."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from reports.statistics.aggregate import by_share, different, realised_shares
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import NO_NOISE
from reports.statistics.evidence import FEWEST_SEEDS, no_verdict
from reports.statistics.power import TARGETS, UNITS, Components, committed_for, resolved, seeds_needed

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

COLUMNS: Final = (
    "measure", "methods", "shares", "seeds", "cases", "sd_seed", "sd_case", "sd_rest", "shared_by_shares",
    "resolves", "target", "seeds_needed", "note", "source",
)  # fmt: skip
"""Of `power_table`, one row a measure: how many methods, ξ, seeds and cases the differences of two methods
are of; the standard deviations of such a difference at one ξ between seeds, between cases and of the rest;
the correlation between the ξ of one seed; the difference, averaged over the ξ, that these seeds and cases
find with a power of 80 %; the smallest difference of interest, and the seeds that would find it."""
HERE: Final = "these records"
_NOWHERE: Final = "not measured: it takes two seeds here, or committed variances of this data set and recipe"


def differences(rows: pd.DataFrame, measure: str) -> NDArray[np.float64] | None:
    """Differences of each pair of students (P) at each ξ (X) of each seed (S) and case (C).

    Only of what all have: methods of no ablation, without injected noise, no case failed. None where there
    are not two methods, or no seed has the cases of another.
    """
    students = rows[(rows["role"] == "student") & (rows["variant"] == "") & (rows["noise"] == NO_NOISE)]
    scores = case_scores(students)
    if scores.empty or measure not in scores or scores[measure].isna().all():
        return None
    kept = different(by_share(scores["xi"]).unique(), realised_shares(students))
    scores = scores[by_share(scores["xi"]).isin(kept)]
    wide = scores.pivot(index=["method", "xi"], columns=["seed", "case"], values=measure)
    methods, shares = (wide.index.unique(name) for name in ("method", "xi"))
    seeds, cases = (wide.columns.unique(name) for name in ("seed", "case"))
    rows_of = pd.MultiIndex.from_product([methods, shares])
    columns_of = pd.MultiIndex.from_product([seeds, cases])
    values = wide.reindex(index=rows_of, columns=columns_of).to_numpy(float)
    values_mxsc = values.reshape(len(methods), len(shares), len(seeds), len(cases))
    whole = ~np.isnan(values_mxsc)
    values_mxsc = values_mxsc[whole.all(axis=(1, 2, 3))]
    if len(values_mxsc) < 2 or len(cases) < 2:
        return None
    return np.stack(
        [values_mxsc[one] - values_mxsc[other] for one, other in combinations(range(len(values_mxsc)), 2)]
    )


def variances(differences_psc: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean variances between seeds, between cases and of the rest of several crossed tables, by moments."""
    _, num_s, num_c = differences_psc.shape
    of_seed, of_case = differences_psc.mean(axis=2), differences_psc.mean(axis=1)
    mean = differences_psc.mean(axis=(1, 2))
    rest = (
        differences_psc - of_seed[:, :, np.newaxis] - of_case[:, np.newaxis] + mean[:, np.newaxis, np.newaxis]
    )
    of_rest = float((rest**2).sum(axis=(1, 2)).mean()) / ((num_s - 1) * (num_c - 1))
    between_seeds = float(of_seed.var(axis=1, ddof=1).mean()) - of_rest / num_c
    between_cases = float(of_case.var(axis=1, ddof=1).mean()) - of_rest / num_s
    return np.array([max(between_seeds, 0.0), max(between_cases, 0.0), of_rest])


def measured(rows: pd.DataFrame, measure: str, source: str = HERE) -> Components | None:
    """The variances of one cohort's differences; None of fewer than two seeds, methods or cases."""
    found = differences(rows, measure)
    if found is None or found.shape[2] < 2:
        return None
    num_x = found.shape[1]
    alone = variances(found.reshape(-1, *found.shape[2:]))
    together = variances(found.mean(axis=1))
    # Of one ξ nothing is known of others: then more of them are taken to say nothing new.
    shared = np.ones(3)
    if num_x > 1:
        known = alone > 0
        shared = (num_x * together - alone) / ((num_x - 1) * np.where(known, alone, 1.0))
        shared = np.clip(np.where(known, shared, 0.0), 0.0, 1.0)
    dataset, recipe = str(rows["dataset"].iloc[0]), str(rows["recipe"].iloc[0])
    seed, case, rest = map(float, alone)
    of_seed, of_case, of_rest = map(float, shared)
    return Components(dataset, recipe, measure, seed, case, rest, of_seed, of_case, of_rest, source)


def power_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What the records of one cohort can resolve, and the seeds that it takes, as `COLUMNS` says."""
    lines = [line for measure in TARGETS if (line := _line(rows, measure))]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _line(rows: pd.DataFrame, measure: str) -> dict[str, object] | None:
    found = differences(rows, measure)
    if found is None:
        return None
    num_p, shares, seeds, cases = found.shape
    recipe = str(rows["recipe"].iloc[0])
    own = measured(rows, measure) or committed_for(str(rows["dataset"].iloc[0]), recipe, measure)
    line: dict[str, object] = {
        "measure": measure, "methods": round((1 + (1 + 8 * num_p) ** 0.5) / 2), "shares": shares,
        "seeds": seeds, "cases": cases, "target": TARGETS[measure], "note": no_verdict(seeds), "source": "",
        "seeds_needed": "not known",
    }  # fmt: skip
    if own is None:
        return line | {"source": _NOWHERE}
    needed = seeds_needed(own, TARGETS[measure], cases=cases, shares=shares)
    return line | {
        "sd_seed": own.seed**0.5, "sd_case": own.case**0.5, "sd_rest": own.rest**0.5,
        "shared_by_shares": own.shared_seed if shares > 1 else float("nan"), "source": own.source,
        "resolves": resolved(own, seeds=seeds, cases=cases, shares=shares) if seeds > 1 else float("nan"),
        "seeds_needed": "more cases" if needed is None else str(needed),
    }  # fmt: skip


def power_sentences(table: pd.DataFrame, name: str) -> list[str]:
    """The seeds that the smallest differences of interest take, in a sentence."""
    if table.empty:
        return []
    lines = table.to_dict("records")
    shares = int(lines[0]["shares"])
    over = f"averaged over {shares} ξ" if shares > 1 else "at one ξ"
    what = f"On {name}, the difference of two methods {over}"
    if all(line["source"] == _NOWHERE for line in lines):
        return [f"{what}: the seeds needed are {_NOWHERE}."]
    needed = "; ".join(f"{line['target']:g} {UNITS[line['measure']]} {_needed(line)}" for line in lines)
    found = [
        f"{line['resolves']:.2g} {UNITS[line['measure']]}"
        for line in lines
        if not pd.isna(line["resolves"]) and line["seeds"] >= FEWEST_SEEDS
    ]
    here = f" These records resolve about {' and '.join(found)}." if found else ""
    sources = ", ".join(sorted({str(line["source"]) for line in lines}))
    return [f"{what}: seeds needed with a power of 80 %: {needed} (variances of {sources}).{here}"]


def _needed(line: Mapping[Hashable, Any]) -> str:
    if line["seeds_needed"] == "more cases":
        return f"more test cases than {line['cases']}, whatever the seeds"
    return str(line["seeds_needed"])
