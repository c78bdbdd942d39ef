"""A mixed-effects analysis beside the intervals: the difference of two methods with random seeds and cases.

It is fitted by restricted maximum likelihood, and told only where it agrees with the interval that verdicts
go by.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import pandas as pd

from reports.claims.claims import Contestant, Part
from reports.claims.contrast import NotComparedError, board, contrast, shares_of
from reports.statistics.cohorts import FOCAL
from reports.statistics.evidence import FEWEST_SEEDS
from reports.statistics.values import table_of
from reports.statistics.variance import spread

COLUMNS: Final = (
    "against", "shares", "difference", "low", "high", "sd_seed", "sd_case", "sd_rest", "errors_ratio",
    "cases", "seeds", "note",
)  # fmt: skip
"""Of `mixed_table`, one row a rival of TSMAN: the difference in overall score, averaged over the ξ below 1
that both have, its 95 % interval (Student's t, the fewer of seeds and cases less one), standard deviations
of the difference between seeds, between cases and of the rest; its standard error over that of the interval
that verdicts go by; counts; and, where it does not agree with that, why nothing is told."""
AGREES: Final = (0.8, 1.25)
"""Between which the ratio of the two standard errors lies where they agree; the differences, in standard
errors, are no further apart than `APART`."""
APART: Final = 0.1
_MOST: Final = 2_000  # values; the fit inverts a matrix of that size


def mixed_table(rows: pd.DataFrame) -> pd.DataFrame:
    """TSMAN against each student of three seeds and more, as `COLUMNS` says."""
    scores = board(rows)
    rivals = [name for role, name, variant in scores.results if role == "student" and not variant]
    lines = []
    for rival in dict.fromkeys(rivals):
        weights = {Contestant("student", FOCAL): 1.0, Contestant("student", rival): -1.0}
        part = Part(weights, 0.0, 0.999)
        shares = shares_of((part,), scores) if rival != FOCAL else None
        if not shares:
            continue
        try:
            values = contrast((part,), shares, scores)
        except NotComparedError:
            continue
        if values["seed"].nunique() >= FEWEST_SEEDS and values["case"].nunique() > 1 and len(values) <= _MOST:
            lines.append({"against": rival, "shares": len(shares[0]), **_fitted(values)})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _fitted(values: pd.DataFrame) -> dict[str, Any]:
    """One difference: the fit's where it agrees, else the reason."""
    from scipy.special import stdtrit

    table = table_of(values.assign(method=""))
    found = spread(table)
    error = float(found.variance_m[0]) ** 0.5
    counts = {"cases": values["case"].nunique(), "seeds": values["seed"].nunique(), "note": ""}
    known = {"seed": found.seeds_m[0] > found.rest_m[0], "case": found.cases_m[0] > found.rest_m[0]}
    fit = _reml(values, [name for name, varies in known.items() if varies]) if error > 0 else None
    if fit is None:
        return counts | {"note": "left out: it could not be fitted"}
    mean, own_error, sds = fit
    ratio = own_error / error
    apart = abs(mean - float(table.mean_m[0])) / error
    if not AGREES[0] <= ratio <= AGREES[1] or apart > APART:
        return counts | {"errors_ratio": ratio, "note": "left out: it does not agree with the interval"}
    half = float(stdtrit(found.freedom, 0.975)) * own_error
    bounds = {"difference": mean, "low": mean - half, "high": mean + half, "errors_ratio": ratio}
    return counts | bounds | dict(zip(("sd_seed", "sd_case", "sd_rest"), sds, strict=True))


def _reml(values: pd.DataFrame, parts: list[str]) -> tuple[float, float, tuple[float, float, float]] | None:
    """Mean, standard error, and standard deviations of seeds, cases and the rest; None without a fit.

    A part whose variance is not above zero by moments is left out: there the likelihood has its edge.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    scale = float(values["value"].std())
    if not parts:
        return float(values["value"].mean()), scale / len(values) ** 0.5, (0.0, 0.0, scale)
    frame = pd.DataFrame({
        "value": values["value"].to_numpy(float) / scale, "seed": values["seed"].to_numpy(str),
        "case": values["case"].to_numpy(str), "whole": 1,
    })  # fmt: skip
    random = {name: f"0 + C({name})" for name in parts}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance at zero is at the edge of what can be: no failure
        try:
            model = MixedLM.from_formula("value ~ 1", frame, groups="whole", vc_formula=random)
            fit = model.fit(reml=True, method="bfgs")
        except (np.linalg.LinAlgError, ValueError):
            return None
    mean, error = float(fit.fe_params.iloc[0]) * scale, float(fit.bse_fe.iloc[0]) * scale
    if not fit.converged or not np.isfinite([mean, error]).all():
        return None
    named = dict(zip(model.exog_vc.names, fit.vcomp, strict=True))
    variances = (float(named.get("seed", 0.0)), float(named.get("case", 0.0)), float(fit.scale))
    seed, case, rest = (max(one, 0.0) ** 0.5 * scale for one in variances)
    return mean, error, (seed, case, rest)


def mixed_sentences(table: pd.DataFrame, name: str) -> list[str]:
    """How many differences of the mixed-effects analysis agree with the intervals, in a sentence."""
    if table.empty:
        return []
    told = int((table["note"] == "").sum())
    within = (
        f"standard errors within {AGREES[0]:g} to {AGREES[1]:g} of one another, means within {APART:g} of one"
    )
    agree = f"agrees with the intervals in {told} of {len(table)} differences ({within})"
    return [f"On {name} the mixed-effects analysis {agree}; only those are told."]
