"""The page itself: one HTML file that runs and loads nothing but what it was written with."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, StrictUndefined

from reports.page.cases import packed_cases
from reports.page.packed import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from reports.page.packed import Packed
    from reports.page.trace import Trace
    from reports.text.sheet import Sheet

_SCRIPTS: Final = ("order.js", "tables.js", "rows.js", "dialogs.js", "slices.js", "viewer.js")
FIRST: Final = ("verdicts", "trends")
"""The keys of the tables that stand before all others."""


@dataclass(frozen=True, slots=True)
class TableOnPage:
    """A table, where each of its rows leads, and how often it holds each verdict."""

    key: str
    name: str  # also the stem of its files
    title: str
    caption: str
    sheet: Sheet
    traces: Sequence[Trace | None]
    verdict_counts: tuple[tuple[str, int], ...]
    sentences: Sequence[str] = ()  # what it comes to


@dataclass(frozen=True, slots=True)
class FigureOnPage:
    """A figure as a picture inside the page."""

    key: str
    name: str
    title: str
    caption: str
    source: str  # a data URI


@dataclass(frozen=True, slots=True)
class Part:
    """What the page shows of all data sets together: sentences, tables, the first of them open, figures."""

    key: str
    title: str
    sentences: list[str]
    tables: list[TableOnPage]
    figures: list[FigureOnPage]


@dataclass(frozen=True, slots=True)
class Section:
    """What the page shows of one cohort."""

    name: str
    anchor: str  # of its table of cases
    counts: str
    verdicts: list[str]
    tables: list[TableOnPage]
    figures: list[FigureOnPage]
    cases: pd.DataFrame

    @property
    def first(self) -> list[TableOnPage]:
        """The verdicts and the trends."""
        return [table for key in FIRST for table in self.tables if table.key == key]

    @property
    def rest(self) -> list[TableOnPage]:
        """The tables that hold measurements of this cohort alone, those without a row last."""
        rest = [table for table in self.tables if table.key not in FIRST]
        return sorted(rest, key=lambda table: not table.sheet.rows)

    @property
    def anchors(self) -> dict[str, str]:
        """Where each table and figure of this cohort stands on the page, by its key."""
        tables = {table.key: table.name for table in self.tables}
        return tables | {figure.key: figure.name for figure in self.figures}

    @property
    def packed_cases(self) -> list[Packed]:
        """The table of cases, for the script."""
        return packed_cases(self.cases)


def html(
    *,
    title: str,
    sections: Sequence[Section],
    scans: Sequence[Mapping[str, object]],
    stages: pd.DataFrame,
    **lists: object,
) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    script = f'"use strict";\n(() => {{\n{"".join(_resource(name) for name in _SCRIPTS)}}})();\n'
    style = _resource("page.css")
    page = environment.from_string(_resource("page.html.jinja")).render(
        title=title, sections=sections, scans=scans, keys=frozenset(stages["stage"]),
        packed_stages=packed(stages, {}, {"seconds": 1}),
        script=script, style=style, policy=_policy(script, style), **lists,
    )  # fmt: skip
    return f"{page}\n"


def _policy(script: str, style: str) -> str:
    """Nothing from anywhere but pictures inside the page, and the very script and style written into it."""
    sources = {name: _hash(text) for name, text in (("script", script), ("style", style))}
    return (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _resource(name: str) -> str:
    return files("reports.page").joinpath(name).read_text(encoding="utf-8")
