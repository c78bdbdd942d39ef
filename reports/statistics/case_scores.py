"""The scores of every case that was planned, in a row each, whether they came about or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from reports.inputs.absent import OVERALL_WEIGHTS
from reports.statistics.cohorts import BACKGROUND, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Collection

LOWER_IS_BETTER: Final = ("adb", "hdd", "hd95")  # distances in mm
HIGHER_IS_BETTER: Final = ("overall", "dice", "iou")
_FOUND: Final = {"drawn": ("ok", "empty_reference"), "missed": ("empty_prediction",)}  # by the status


def case_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each case of each (method, ξ, seed).

    Columns: the identity and `case`; `<structure>_<metric>`; `<metric>` as the mean over structures;
    `overall`; `failed` (a value is absent) and `empty` (prediction or reference had no voxel of a structure).
    `drawn` and `missed` are of all cases of a (method, ξ, seed): the structures of which any prediction has a
    voxel, and those of which any prediction has none although its reference has.

    Raises:
        ValueError: A recorded overall score differs from the formula on its own Dice, ADB and HDD.
    """
    parts = [_wide(part) for _, part in rows.groupby(["dataset", "role"], sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*IDENTITY, "case"])


def _wide(part: pd.DataFrame) -> pd.DataFrame:
    """The case scores of one role on one data set."""
    # One number stands for the identity: pandas is slow with keys of eight texts.
    part = part.assign(
        number=part.groupby(list(IDENTITY), sort=False).ngroup(),
        name=part["structure"] + "_" + part["metric"],
        failed=part["status"] == "failed",
        empty=part["status"].isin(["empty_prediction", "empty_reference"]),
    )
    identities = _with_found(part[["number", *IDENTITY]].drop_duplicates("number"), part)
    planned = pd.MultiIndex.from_frame(_planned(part, identities))
    flags = part.groupby(["number", "case"], sort=False)[["failed", "empty"]].any()
    values = part.pivot(index=["number", "case"], columns="name", values="value")
    recorded = values.pop("all_overall") if "all_overall" in values else None
    columns = {str(name): values[name] for name in values}
    for metric in part.loc[part["metric"] != "overall", "metric"].unique():
        structures = sorted(set(part.loc[part["metric"] == metric, "structure"]) - {BACKGROUND})
        columns[metric] = values[[f"{structure}_{metric}" for structure in structures]].mean(
            axis=1, skipna=False
        )
    columns["overall"] = _overall(values, recorded, identities)
    wide = pd.DataFrame(columns).reindex(planned)
    # A value that others have and this case lacks is a failure too, although no row says so.
    lacking = wide.loc[:, wide.notna().any()].isna().any(axis=1).to_numpy()
    complete = planned.isin(flags.index[~flags["failed"]])
    empty = planned.isin(flags.index[flags["empty"]])
    wide = wide.assign(failed=lacking | ~complete, empty=empty)
    return identities.merge(wide.reset_index(), on="number").drop(columns="number")


def _planned(part: pd.DataFrame, identities: pd.DataFrame) -> pd.DataFrame:
    """Every case that each (method, ξ, seed) should have: those that any of them has.

    Test cases may move with the seed; the cases that wait for pseudo labels move with ξ as well.
    """
    together = ["split", "seed", *(["xi"] if (part["role"] == "pseudo").any() else [])]
    cases = part[[*together, "case"]].drop_duplicates()
    return identities.merge(cases, on=together)[["number", "case"]]


def _with_found(identities: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """With `drawn` and `missed`: sets of structures, the background never among them."""
    own = part.loc[~part["structure"].isin(["all", BACKGROUND]), ["number", "structure", "status"]]
    own = own.drop_duplicates()
    sets = {
        name: own[own["status"].isin(statuses)].groupby("number")["structure"].agg(frozenset).to_dict()
        for name, statuses in _FOUND.items()
    }
    return identities.assign(
        **{
            name: [of.get(number, frozenset()) for number in identities["number"]]
            for name, of in sets.items()
        }
    )


def is_silent(measure: str, drawn: Collection[str], missed: Collection[str]) -> bool:
    """Whether a measure is of predictions without a voxel, in every case, of what references have.

    Who predicts no structure at all is silent in every measure.
    """
    structure = measure.rpartition("_")[0]
    return (bool(missed) and not drawn) or (structure in missed and structure not in drawn)


def _overall(
    values: pd.DataFrame, recorded: pd.Series[float] | None, identities: pd.DataFrame
) -> pd.Series[float]:
    """HVSMR 2016's overall score of each case.

    It is linear, so its mean over cases is the score of the mean Dice, ADB and HDD.
    """
    structures = sorted(
        {str(name).rsplit("_", 1)[0] for name in values if str(name).endswith("_dice")} - {BACKGROUND}
    )
    needed = [f"{structure}_{metric}" for structure in structures for metric in OVERALL_WEIGHTS]
    if not structures or not set(needed) <= set(values.columns):
        return recorded if recorded is not None else pd.Series(np.nan, index=values.index)
    weights = list(OVERALL_WEIGHTS.values()) * len(structures)
    # Added in this order, not by a matrix product: BLAS kernels differ in the last digit.
    computed = sum(
        (values[name] * weight for name, weight in zip(needed, weights, strict=True)), 0.0 * values[needed[0]]
    )
    if recorded is None:
        return computed
    apart = (computed - recorded).abs() > 1e-4 * (1 + computed.abs())
    if apart.any():
        number, case = values.index[int(apart.to_numpy().argmax())]
        who = identities.set_index("number").loc[number]
        given, due = recorded.loc[(number, case)], computed.loc[(number, case)]
        raise ValueError(
            f"the recorded overall score of {who['role']} {who['method']} at ξ = {who['xi']}, seed "
            f"{who['seed']}, case {case} is {given:.6g}, but its Dice, ADB and HDD give {due:.6g}"
        )
    return computed
