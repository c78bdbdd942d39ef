"""The table of every case: what was planned in a row each, with its scores and the stage they come from."""

from __future__ import annotations

from typing import Final

import pandas as pd

from reports.page.packed import Packed, heading, packed
from reports.text.sheet import measure

_KEYS: Final = ("role", "method", "variant", "member", "noise", "xi", "seed", "split", "case", "stage")
_PLAIN: Final = ("variant", "member", "noise")  # left out where no row has one


def case_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each case of each result of a cohort, nothing left out.

    Columns: `role, method, variant, member, noise, xi, seed, split, case`; `<structure>_<metric>` and
    `overall`; `status` (``ok``, or what is not) and `stage`.
    """
    if rows.empty:
        return pd.DataFrame(columns=[*_KEYS[:-1], "status", "stage"])
    # One number stands for the keys: pandas is slow with many texts.
    numbered = rows.assign(
        number=rows.groupby(list(_KEYS), sort=False).ngroup(),
        measured=(rows["structure"] + "_" + rows["metric"]).replace("all_overall", "overall"),
    )
    names = sorted(numbered["measured"].unique(), key=lambda name: name == "overall")  # stable: overall last
    values = numbered.pivot(index="number", columns="measured", values="value")[names]
    off = numbered[numbered["status"] != "ok"]
    words = off.groupby("number")["status"].agg(lambda found: ", ".join(sorted(set(found))))
    table = numbered.drop_duplicates("number").set_index("number")[list(_KEYS)]
    stage = table.pop("stage")
    table = table.join(values).assign(status=words.reindex(table.index).fillna("ok"), stage=stage)
    return table.drop(columns=[name for name in _PLAIN if table[name].isin(["", "none"]).all()])


def packed_cases(table: pd.DataFrame) -> list[Packed]:
    """The table of cases as the page's script reads it."""
    kinds = {name: kind for name in table.columns if (kind := measure(str(name)))}
    heads = {"xi": "ξ"} | {name: heading(name, kind) for name, kind in kinds.items()}
    return packed(table, heads, {name: kind.digits for name, kind in kinds.items()})
