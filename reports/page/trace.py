"""From a row of a table to the cases that it sums up, and from them to the stages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

_NAMES: Final = ("role", "method", "variant", "member", "xi")


@dataclass(frozen=True, slots=True)
class Trace:
    """The cases behind a row: how many, and the words that filter the table of cases to them."""

    cases: int
    words: str


def traced(frame: pd.DataFrame, cases: pd.DataFrame) -> list[Trace | None]:
    """The cases behind each row of a table; None for a row that no case belongs to, such as a printed one."""
    if "method" not in frame or "xi" not in frame or cases.empty:
        return [None] * len(frame)
    return [_trace(_wanted(row), cases) for row in frame.to_dict("records")]


def _wanted(row: Mapping[Hashable, object]) -> dict[str, tuple[str, ...]]:
    """The values that a case must have, each column's alternatives; as `selection.evaluated` chooses them."""
    wanted: dict[str, tuple[str, ...]] = {name: (str(row[name]),) for name in _NAMES if name in row}
    pseudo = "member" in row
    wanted.setdefault("role", ("pseudo",) if pseudo else ("student", "supervised"))
    wanted.setdefault("variant", ("",))
    return wanted | {"noise": ("none",)} | ({} if pseudo else {"split": ("test",)})


def _trace(wanted: dict[str, tuple[str, ...]], cases: pd.DataFrame) -> Trace | None:
    found = cases
    words = []
    for name, values in wanted.items():
        if name not in cases or (name == "split" and not (cases["split"] == "test").any()):
            continue
        kept = found[found[name].isin(values)]
        if len(kept) < len(found):  # a word that narrows nothing down is only more to read
            words.append(f"{name}={'|'.join(_word(value) for value in values)}")
        found = kept
    return Trace(len(found), " ".join(words)) if len(found) else None


def _word(value: str) -> str:
    """A value as the filter reads it: in quotation marks unless it is one plain word."""
    return value if re.fullmatch(r"[\w.+-]+", value) else json.dumps(value, ensure_ascii=False)
