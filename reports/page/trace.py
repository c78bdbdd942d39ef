"""From a row of a table to the cases that it sums up, and from them to the stages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

_NAMES: Final = ("role", "method", "variant", "member", "xi")
_DISTILLED: Final = {"DD": ("dd", "hd"), "": ("single", "md")}  # by the views of the paper's Table 1


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a row leads: to its cases, or, for a verdict, to the table that it judges.

    Attributes:
        words: They filter what it leads to.
        cases: How many cases there are; 0 where it leads to a table.
        exhibit: The key of the table or figure; empty where it leads to the cases.
        anchor: Of the cases, where they are not those of the section that the row stands in.
    """

    words: str
    cases: int = 0
    exhibit: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where on the page the cases of a cohort stand, and the cases."""

    anchor: str
    cases: pd.DataFrame


def traced(frame: pd.DataFrame, cases: pd.DataFrame) -> list[Trace | None]:
    """Where each row of a table leads; None for a row that no case belongs to, such as a printed one."""
    rows = frame.to_dict("records")
    if {"table", "row"} <= set(frame):
        return [Trace(f'"{_bare(row["row"])}"', exhibit=str(row["table"])) for row in rows]
    if cases.empty or "xi" not in frame or not {"method", "views", "smoothing"} & set(frame):
        return [None] * len(frame)
    return [_trace(_wanted(row, cases), cases) for row in rows]


def traced_to(frame: pd.DataFrame, places: Mapping[str, Place]) -> list[Trace | None]:
    """Where each row of a table of contests leads: to the cases of its method in its data set."""
    return [_in_contest(row, places) for row in frame.to_dict("records")]


def _in_contest(row: Mapping[Hashable, object], places: Mapping[str, Place]) -> Trace | None:
    place = places.get(str(row["data_set"]))
    if place is None or place.cases.empty:
        return None
    wanted = {name: (str(row[name]),) for name in ("role", "method", "xi", "noise") if name in row}
    found = _trace({"role": ("student",), "variant": ("",)} | wanted, place.cases)
    return replace(found, anchor=place.anchor) if found else None


def _wanted(row: Mapping[Hashable, object], cases: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The values that a case must have, each column's alternatives; as `selection.evaluated` chooses them."""
    wanted: dict[str, tuple[str, ...]] = {name: (str(row[name]),) for name in _NAMES if name in row}
    if "smoothing" in row:
        wanted |= {"role": ("student",), "method": ("tsman",), "variant": _ablation(row, cases)}
    if "views" in row:
        wanted |= {"role": ("pseudo",), "variant": _DISTILLED.get(str(row["views"]), ())}
    pseudo = "member" in row or "views" in row
    wanted.setdefault("role", ("pseudo",) if pseudo else ("student", "supervised"))
    wanted.setdefault("variant", ("",))
    return wanted | {"noise": ("none",)}


def _ablation(row: Mapping[Hashable, object], cases: pd.DataFrame) -> tuple[str, ...]:
    """The variant that a row of the paper's Table 2 stands for, from the attentions that it ticks."""
    on = "".join(number for number in "1234" if row.get(f"f{number}"))
    if not on:
        return ("baseline",)
    name = f"f{on}" if row["smoothing"] else f"f{on}-unsmoothed"
    # The method as it is has all four, and stands for them where they were not run by name.
    return (name,) if name != "f1234" or ("variant" in cases and (cases["variant"] == name).any()) else ("",)


def _trace(wanted: Mapping[str, tuple[str, ...]], cases: pd.DataFrame) -> Trace | None:
    found = cases
    words = []
    for name, values in wanted.items():
        if name not in cases:
            continue
        kept = found[found[name].isin(values)]
        if len(kept) < len(found):  # a word that narrows nothing down is only more to read
            words.append(f"{name}={'|'.join(_word(value) for value in values)}")
        found = kept
    return Trace(" ".join(words), len(found)) if len(found) else None


def _word(value: str) -> str:
    """A value as the filter reads it: in quotation marks unless it is one plain word."""
    return value if re.fullmatch(r"[\w.+-]+", value) else json.dumps(value, ensure_ascii=False)


def _bare(value: object) -> str:
    return str(value).replace('"', " ")
