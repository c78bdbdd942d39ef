"""Values of seeds and cases: what is averaged, paired and resampled.

They are frames with the columns `seed, split, case, value`. A mean is always the mean over cases within a
seed (and split), then over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIR: Final = ("seed", "split", "case")  # what makes two values a pair
ARITHMETIC: Final = 12
"""Digits of a mean: what is left of zero beyond them is rounding of the machine."""


def values_of(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One measure of `case_scores` as `seed, split, case, value`."""
    return scores[[*PAIR, measure]].rename(columns={measure: "value"})


def paired(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """One minus the other for each (seed, split, case) that both have, as `seed, split, case, value`."""
    pairs = one.merge(other, on=list(PAIR), suffixes=("_one", "_other"), validate="one_to_one")
    return pairs[list(PAIR)].assign(value=pairs["value_one"] - pairs["value_other"])


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Values of methods M, replicates S (seed and split) and cases C, NaN where a replicate lacks a case."""

    methods: tuple[str, ...]
    values_msc: NDArray[np.float64]

    @property
    def present_sc(self) -> NDArray[np.bool_]:
        """Which replicate has which case; it is the same of all methods."""
        return np.asarray(~np.isnan(self.values_msc[0]))

    @property
    def mean_m(self) -> NDArray[np.float64]:
        """The mean of each method over cases, then over replicates."""
        means = np.nanmean(self.values_msc, axis=2).mean(axis=1)
        return np.asarray(np.round(means, ARITHMETIC))


def table_of(values: pd.DataFrame) -> Table:
    """Values with a column `method` as an array.

    Raises:
        ValueError: There is no value, one is absent, a case stands twice in a seed, or the methods differ in
            seeds or cases.
    """
    if values.empty:
        raise ValueError("there is no value to take the mean of")
    if absent := int(values["value"].isna().sum()):
        raise ValueError(
            f"{absent} of {len(values)} values are absent; a mean over the rest would be of the easy cases"
        )
    keys = ["method", *PAIR]
    if values.duplicated(keys).any():
        raise ValueError(
            f"a case stands twice in a seed: {values[values.duplicated(keys)].iloc[0].to_dict()}"
        )
    wide = values.pivot(index=["method", "seed", "split"], columns="case", values="value")
    methods = tuple(str(name) for name in wide.index.unique("method"))
    replicates = pd.MultiIndex.from_frame(values[["seed", "split"]].drop_duplicates()).sort_values()
    of_methods = [wide.xs(name, level="method").reindex(replicates).to_numpy(float) for name in methods]
    values_msc = np.stack(of_methods)
    if (np.isnan(values_msc) != np.isnan(values_msc[0])).any():
        raise ValueError("the methods do not have the same seeds and cases, so their ranks mean nothing")
    return Table(methods, values_msc)
