"""Values of seeds and cases: what is averaged, paired and resampled.

They are frames with the columns `seed, split, case, value`. A mean is always the mean over cases within a
seed (and split), then over seeds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from reports.statistics.variance import Table

PAIR: Final = ("seed", "split", "case")  # what makes two values a pair


def values_of(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One measure of `case_scores` as `seed, split, case, value`."""
    return scores[[*PAIR, measure]].rename(columns={measure: "value"})


def paired(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """One minus the other for each (seed, split, case) that both have, as `seed, split, case, value`."""
    pairs = one.merge(other, on=list(PAIR), suffixes=("_one", "_other"), validate="one_to_one")
    return pairs[list(PAIR)].assign(value=pairs["value_one"] - pairs["value_other"])


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
