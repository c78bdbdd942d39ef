"""The printed cells: one TOML file a table or figure, read strictly."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from reports.statistics.cohorts import Benchmark

EXHIBITS: Final = ("table1", "table2", "table3", "table4", "figure6", "figure7")
UNSTATED: Final = "unstated"
"""In place of a ξ that the paper does not state."""
LABELS: Final = "labels"
"""The mean over the five labels of BRATS 2015, background included, in place of a structure."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records of ours stand that a printed cell is held against."""

    role: str
    method: str
    variant: str
    member: str
    xi: str
    structure: str
    metric: str


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One cell of the paper.

    Attributes:
        exhibit: ``table1`` ... ``table4``, ``figure6`` or ``figure7``.
        benchmark: To which of the two benchmarks it belongs.
        dataset: On which data set the paper measured it.
        evaluation: On which volumes, as far as is known.
        row: The row's heading.
        column: The column's heading.
        text: As printed, so that the decimals are known; empty where nothing is printed.
        value: The number, absent where nothing or NA is printed.
        unit: mm, or nothing.
        better: Which way is better.
        bold: Whether it is printed in bold.
        obstacle: Why it cannot be compared even on the paper's own data; empty where it can.
        place: Where ours is; absent where no method of ours stands for it.
        unmapped: Why there is no place; empty where there is one.
    """

    exhibit: str
    benchmark: Benchmark
    dataset: str
    evaluation: str
    row: str
    column: str
    text: str
    value: float | None
    unit: str
    better: Literal["higher", "lower"]
    bold: bool
    obstacle: str
    place: Place | None
    unmapped: str

    @property
    def rounding(self) -> float:
        """How far the printed number may lie from the one that was rounded to it; 0 where none is printed."""
        return 0.0 if self.value is None else 0.5 * 10.0 ** -len(self.text.partition(".")[2])


@cache
def published() -> tuple[PublishedCell, ...]:
    """Every cell of Tables 1 to 4, and a cell for each curve of Figures 6 and 7.

    Raises:
        ValueError: A file breaks the format; the message names the file and the line.
    """
    folder = files("reports.published")
    return tuple(cell for name in EXHIBITS for cell in read(folder / f"{name}.toml"))


def of_exhibit(exhibit: str) -> tuple[PublishedCell, ...]:
    """The cells of one table or figure, in the order in which they are printed."""
    return tuple(cell for cell in published() if cell.exhibit == exhibit)


def read(path: Traversable) -> tuple[PublishedCell, ...]:
    """The cells of one file.

    Raises:
        ValueError: The file breaks the format; the message names the file and the line.
    """
    text = path.read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from error  # which names the line itself
    return tuple(_Reader(str(path), text, document).cells())


_TOP: Final = {
    "exhibit": str, "benchmark": str, "dataset": str, "caption": str, "evaluation": str, "obstacle": str,
    "cells": list, "records": dict, "columns": dict, "rows": dict,
}  # fmt: skip
_CELL: Final = {"row": str, "column": str, "text": str, "bold": bool}
_COLUMN: Final = {"unit": str, "better": str}
_PLACE: Final = tuple(field.name for field in fields(Place))
_BENCHMARKS: Final = ("hvsmr", "brats")
_BETTER: Final = ("higher", "lower")
_NOT_AVAILABLE: Final = "NA"


@dataclass(frozen=True, slots=True)
class _Reader:
    """One file while it is checked; `where` is always the part of it whose line an error shall name."""

    path: str
    text: str
    document: Mapping[str, Any]

    def cells(self) -> Iterator[PublishedCell]:
        self._check(self.document, _TOP, ())
        self._choice(self.document, "exhibit", EXHIBITS)
        self._choice(self.document, "benchmark", _BENCHMARKS)
        self._check(self.document["records"], {}, _PLACE)
        for name, column in self.document["columns"].items():
            self._check({name: column}, {name: dict}, ())
            self._check(column, _COLUMN, _PLACE)
            self._choice(column, "better", _BETTER)
        for name, row in self.document["rows"].items():
            self._check({name: row}, {name: dict}, ())
            self._check(row, {}, (*_PLACE, "unmapped", "obstacle"))
        seen: set[tuple[str, str]] = set()
        for cell in self.document["cells"]:
            self._check(cell, _CELL, _PLACE)
            key = (cell["row"], cell["column"])
            if key in seen:
                self._refuse(cell, f"the cell {key[0]!r}, {key[1]!r} stands there twice")
            seen.add(key)
            yield self._cell(cell)
        for key in product(self.document["rows"], self.document["columns"]):
            if key not in seen:
                where = {key[0]: self.document["rows"][key[0]]}
                self._refuse(where, f"the cell {key[0]!r}, {key[1]!r} is missing")

    def _cell(self, cell: Mapping[str, Any]) -> PublishedCell:
        self._choice(cell, "row", tuple(self.document["rows"]))
        self._choice(cell, "column", tuple(self.document["columns"]))
        column, row = self.document["columns"][cell["column"]], self.document["rows"][cell["row"]]
        found = {**self.document["records"], **column, **row, **cell}
        unmapped = row.get("unmapped", "")
        missing = [name for name in _PLACE if name not in found]
        if missing and not unmapped:
            self._refuse(
                cell, f"key {missing[0]!r} is missing here, in the row, in the column and in [records]"
            )
        return PublishedCell(
            **{name: self.document[name] for name in ("exhibit", "benchmark", "dataset", "evaluation")},
            **{name: cell[name] for name in _CELL},
            value=self._number(cell),
            unit=column["unit"],
            better=column["better"],
            obstacle=row.get("obstacle", self.document["obstacle"]),
            place=None if unmapped else Place(**{name: found[name] for name in _PLACE}),
            unmapped=unmapped,
        )

    def _number(self, cell: Mapping[str, Any]) -> float | None:
        """The printed number; a figure prints none, a table one or NA."""
        text = cell["text"]
        figure = self.document["exhibit"].startswith("figure")
        if text == ("" if figure else _NOT_AVAILABLE):
            return None
        if figure or not re.fullmatch(r"-?\d+(\.\d+)?", text):
            expected = "nothing, for a figure prints no number" if figure else "a number such as 0.820, or NA"
            self._refuse(cell, f"text is {text!r}, expected {expected}")
        return float(text)

    def _check(self, table: object, required: Mapping[str, type], optional: tuple[str, ...]) -> None:
        """Every required key with its type, optional ones as text, no other."""
        if not isinstance(table, dict):
            self._refuse(table, f"{table!r} stands where keys with values are expected")
        for key, value in cast("dict[str, object]", table).items():
            if key not in required and key not in optional:
                self._refuse(
                    table, f"unknown key {key!r}; known are {', '.join((*required, *optional))}", key
                )
            kind = required.get(key, str)
            if not isinstance(value, kind):
                self._refuse(table, f"{key} is {value!r}, expected {_KINDS[kind]}", key)
        for key in required:
            if key not in cast("dict[str, object]", table):
                self._refuse(table, f"key {key!r} is missing")

    def _choice(self, table: Mapping[str, Any], key: str, known: tuple[str, ...]) -> None:
        if table[key] not in known:
            self._refuse(table, f"{key} is {table[key]!r}, expected one of {', '.join(known)}", key)

    def _refuse(self, where: object, why: str, key: str = "") -> NoReturn:
        """Raise, naming the line of this part of the file, or of a key where each has a line of its own."""
        line = self._line(where)
        if where is self.document or where is self.document.get("records"):
            named = re.compile(rf'\s*\[?\s*"?{re.escape(key)}"?\s*[=\]]')
            line = self._first(named) if key else 1  # what is missing has no line: the document's first
        place = f", line {line}" if line else ""
        raise ValueError(f"{self.path}{place}: {why}")

    def _line(self, wanted: object) -> int | None:
        """The line that, read alone, says exactly this; TOML's reader itself does not tell."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            for alone in (line, f"alone = {line.strip().rstrip(',')}"):
                try:
                    found = tomllib.loads(alone)
                except tomllib.TOMLDecodeError:
                    continue
                if any(wanted == said for said in (found, *found.values())):
                    return number
        return None

    def _first(self, pattern: re.Pattern[str]) -> int | None:
        lines = enumerate(self.text.splitlines(), start=1)
        return next((number for number, line in lines if pattern.match(line)), None)


_KINDS: Final = {str: "a text", bool: "true or false", list: "a list of cells", dict: "keys with values"}
