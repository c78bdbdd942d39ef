"""P's premise measured: whether a position near the image is likelier to receive a noisy gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from reports.ranking.groups import contests
from reports.ranking.noise_detection import intervals
from reports.statistics.cohorts import NO_VERDICT, SMOKE, SMOKE_SENTENCE
from reports.statistics.evidence import ONE_SEED, TWO_SEEDS
from reports.statistics.intervals import mean_interval
from reports.statistics.values import PAIR
from reports.statistics.wording import counted, signed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from reports.statistics.intervals import Interval

_WHERE: Final = ("setting", "dataset", "recipe", "data_set", "noise", "xi")
COLUMNS: Final = (
    *_WHERE, "method", "of", "progress", "depth", "layer", "measure", "mean", "low", "high", "cases", "seeds",
)  # fmt: skip
"""Of `gradient_table`, one row a layer: `mean` and its 95 % interval over cases, then seeds."""
PREMISE_COLUMNS: Final = (
    *_WHERE, "method", "of", "quantity", "progress", "falls", "low", "high", "cases", "seeds", "verdict",
)  # fmt: skip
"""Of `premise_table`: `falls` is Spearman's correlation of depth with a quantity, turned round, so that P is
right above zero; its mean and 95 % interval over cases, then seeds; and the verdict on P's own quantities."""
_OWN: Final = {"touched": "positions touched", "above_half": "noise above half of the clean gradient"}
"""P's own quantity, how likely a position is to receive a noisy gradient: any noise, or much."""
_QUANTITIES: Final = {**_OWN, "noise_to_signal": "noise to signal of the whole layer"}
NOT_RECORDED: Final = "not recorded"
NOT_THE_PAPERS: Final = "not the paper's quantity"
_FEWEST_LAYERS: Final = 3


def gradient_table(gradients: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Each measure of each layer's gradient; `COLUMNS` says what a row holds."""
    parts = []
    for where, rows in _contests(gradients, records):
        found = intervals(rows, ["method", "of", "progress", "depth", "layer", "measure"])
        found = found.assign(**where).sort_values(
            ["measure", "of", "method", "progress", "depth"], kind="stable"
        )
        parts.append(found[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def premise_table(gradients: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Whether each quantity falls with depth at the end of training, as `PREMISE_COLUMNS` says."""
    lines = []
    for where, rows in _contests(gradients, records):
        for (method, of), own in rows.groupby(["method", "of"]):
            last = own[own["progress"] == own["progress"].max()]
            common = {**where, "method": method, "of": of, "progress": last["progress"].max()}
            for quantity in _QUANTITIES:
                found = _found(last[last["measure"] == quantity], quantity, str(of), where["recipe"])
                lines += [{**common, "quantity": _QUANTITIES[quantity], **found}] if found else []
    table = pd.DataFrame(lines, columns=list(PREMISE_COLUMNS))
    return table.astype(dict.fromkeys(("falls", "low", "high"), "float64"))


def _found(rows: pd.DataFrame, quantity: str, of: str, recipe: str) -> dict[str, Any]:
    """What is found of a quantity of one method; empty where there is nothing to find."""
    is_papers = quantity in _OWN
    if rows.empty and is_papers and of == "features":  # records that are older than the quantity
        return {"cases": 0, "seeds": 0, "verdict": NOT_RECORDED}
    falls = _falls(rows.dropna(subset=["value"]))
    if falls.empty:
        return {}
    found = mean_interval(falls)
    return {
        "falls": found.mean, "low": found.low, "high": found.high, "cases": found.cases, "seeds": found.seeds,
        "verdict": _verdict(found, recipe) if is_papers else NOT_THE_PAPERS,
    }  # fmt: skip


def premise_sentences(table: pd.DataFrame) -> dict[str, str]:
    """For each setting whether positions of shallow layers are likelier to receive a noisy gradient."""
    return {str(setting): _sentence(part) for setting, part in table.groupby("setting", sort=False)}


_WORDS: Final = {
    "supported": "positions of shallow layers are likelier to receive a noisy gradient, as the paper says",
    "contradicted": "positions of deep layers are likelier to receive a noisy gradient, against the paper",
    "undecided": "undecided whether positions of shallow layers are likelier to receive a noisy gradient",
    NO_VERDICT: SMOKE_SENTENCE,
    ONE_SEED: ONE_SEED,
    TWO_SEEDS: TWO_SEEDS,
}


def _sentence(part: pd.DataFrame) -> str:
    said = []
    for verdict in part["verdict"].unique():
        rows = part[part["verdict"] == verdict]
        if verdict == NOT_THE_PAPERS:
            continue
        if verdict == NOT_RECORDED:
            names = ", ".join(rows["method"].unique())
            said.append(
                f"the share of positions with a noisy gradient is not recorded, so no verdict: {names}"
            )
            continue
        who = "; ".join(_finding(row) for row in rows.to_dict("records"))
        said.append(f"{_WORDS.get(verdict, verdict)}: {who}")
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in said)


def _finding(row: Mapping[Hashable, Any]) -> str:
    low, high = row["low"], row["high"]
    bounds = "no interval" if pd.isna(low) else f"{signed(low, 2)} to {signed(high, 2)}"
    who = f"{row['method']}, {row['quantity']}"
    return f"{who} ({signed(row['falls'], 2)}, {bounds}, {counted(int(row['cases']), 'case')})"


def _verdict(found: Interval, recipe: str) -> str:
    if recipe == SMOKE:
        return NO_VERDICT
    if found.no_verdict:
        return found.no_verdict
    return {"ahead of": "supported", "behind": "contradicted"}.get(found.word, "undecided")


def _falls(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each seed and case how steadily a quantity falls with depth, -1 to 1: `seed, split, case, value`."""
    found = []
    for place, own in rows.groupby(list(PAIR)):
        if own["depth"].nunique() >= _FEWEST_LAYERS:
            of_depth = own.groupby("depth")["value"].mean().reset_index()
            found.append((*place, -_spearman(of_depth)))
    return pd.DataFrame(found, columns=[*PAIR, "value"])


def _spearman(of_depth: pd.DataFrame) -> float:
    """0 where all layers are alike."""
    if of_depth["value"].nunique() < 2:
        return 0.0
    return float(np.corrcoef(of_depth["depth"].rank(), of_depth["value"].rank())[0, 1])


def _contests(
    gradients: pd.DataFrame, records: pd.DataFrame
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    for contest, _ in contests(records):
        rows = contest.of(gradients)
        rows = rows[(rows["role"] == "student") & (rows["variant"] == "")]
        if not rows.empty:
            yield contest.columns, rows
