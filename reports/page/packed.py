"""A table as the page's script reads it: column by column, each name stored once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.text.sheet import Measure

Packed = dict[str, object]
"""What JSON can hold of a column: a name, a heading, and either words with codes or numbers."""


def packed(frame: pd.DataFrame, heads: Mapping[str, str], digits: Mapping[str, int]) -> list[Packed]:
    """Every column, in the frame's order.

    Numbers are rounded to two digits more than the page shows; an absent one is null.

    Args:
        frame: Any table; what is not numeric is read as text.
        heads: The heading of a column, where it is not its name with a capital.
        digits: How many decimals the page shows of a column of numbers; 3 where nothing is said.
    """
    return [_column(frame[name], heads.get(name), digits.get(name, 3)) for name in frame.columns]


def heading(name: str, kind: Measure) -> str:
    """The heading of a column of measurements, its structure included."""
    return f"{kind.group} {kind.heading}".strip() or name


def _column(column: pd.Series, head: str | None, digits: int) -> Packed:
    name = str(column.name)
    shown: Packed = {"name": name, "head": head or name.replace("_", " ").capitalize()}
    if pd.api.types.is_numeric_dtype(column):
        values = column.astype(float).round(digits + 2)
        return shown | {
            "digits": digits, "values": [value if np.isfinite(value) else None for value in values.tolist()],
        }  # fmt: skip
    codes, words = pd.factorize(column.astype(str))
    return shown | {"words": [str(word) for word in words], "codes": codes.tolist()}
