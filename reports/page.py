"""One report on disk: the tables, the figures, and a page that holds them all and needs no network."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from reports.exhibits import Exhibits, MissingExhibitError
from reports.figures import FIGURES
from reports.render import comma_separated, latex, markdown
from reports.selection import cohorts, omitted
from reports.sheet import Sheet, sheet
from reports.statistics import verdicts
from reports.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from reports.selection import Cohort


@dataclass(frozen=True, slots=True)
class _TableOnPage:
    name: str  # also the stem of its files
    title: str
    caption: str
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class _FigureOnPage:
    name: str
    title: str
    caption: str
    source: str  # a data URI


@dataclass(frozen=True, slots=True)
class _Section:
    """What the page shows of one cohort."""

    name: str
    counts: str
    verdicts: list[str]
    tables: list[_TableOnPage]
    figures: list[_FigureOnPage]
    missing: list[str]  # the figures that are not drawn, and why


def write(
    records: pd.DataFrame,
    out: Path,
    *,
    title: str,
    provenance: Mapping[str, str],
    exhibits: Exhibits | None = None,
) -> list[Path]:
    """Every table and figure of each data set, and `index.html`; the same records give the same bytes.

    Nothing is written before everything could be made, and each file appears whole or not at all.

    Args:
        records: The benchmark's records.
        out: The folder to write into; made if absent.
        title: The page's heading.
        provenance: What the numbers come from (command, commit, recipe, ...), in the order to show.
        exhibits: What is shown beside scores; a figure that lacks its own is named on the page.

    Returns:
        The written paths.

    Raises:
        ValueError: There are no records, or they contradict each other.
    """
    contents: dict[str, bytes] = {}
    sections = []
    for cohort in cohorts(records):
        tables = list(_tables(cohort, contents))
        missing: list[str] = []
        figures = list(_figures(cohort, exhibits or Exhibits(), contents, missing))
        said = verdicts(cohort.records)
        sections.append(_Section(cohort.name, _counts(cohort.records), said, tables, figures, missing))
    page = _html(title=title, sections=sections, omitted=omitted(records), provenance=dict(provenance))
    contents["index.html"] = page.encode()
    return [_put(out / name, content) for name, content in contents.items()]


def _tables(cohort: Cohort, contents: dict[str, bytes]) -> Iterator[_TableOnPage]:
    for key, table in TABLES.items():
        if cohort.benchmark not in table.benchmarks:
            continue
        frame = table.build(cohort.records)
        found = sheet(frame, table.block)
        name, title = f"{key}{cohort.suffix}", f"{table.title}: {cohort.name}"
        contents[f"tables/{name}.md"] = markdown(found, title, table.caption).encode()
        contents[f"tables/{name}.csv"] = comma_separated(frame).encode()
        contents[f"tables/{name}.tex"] = latex(found, name, title, table.caption).encode()
        yield _TableOnPage(name, table.title, table.caption, found)


def _figures(
    cohort: Cohort, exhibits: Exhibits, contents: dict[str, bytes], missing: list[str]
) -> Iterator[_FigureOnPage]:
    for key, chart in FIGURES.items():
        if cohort.benchmark not in chart.benchmarks or (chart.once and cohort.suffix):
            continue
        try:
            figure = chart.draw(cohort.records, exhibits)
        except MissingExhibitError as error:
            missing.append(str(error))
            continue
        name = f"{key}{cohort.suffix}"
        # Without the writer's version and date, so that equal figures are equal files.
        picture = _saved(figure, "png", {"Software": None})
        contents[f"figures/{name}.png"] = picture
        contents[f"figures/{name}.pdf"] = _saved(
            figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None}
        )
        source = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
        yield _FigureOnPage(name, chart.title, chart.caption, source)


def _saved(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=160, metadata=metadata)
    return file.getvalue()


def _counts(rows: pd.DataFrame) -> str:
    students = rows[rows["role"] == "student"]
    counted = {
        "method": students["method"].nunique(),
        "value of ξ": students["xi"].nunique(),
        "seed": rows["seed"].nunique(),
        "test case": students["case"].nunique(),
    }
    plural = {"value of ξ": "values of ξ"}
    return " · ".join(
        f"{number} {noun if number == 1 else plural.get(noun, f'{noun}s')}"
        for noun, number in counted.items()
    )


def _html(**content: object) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("reports").joinpath("page.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(content) + "\n"


def _put(path: Path, content: bytes) -> Path:
    """Written aside and renamed, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    return aside.replace(path)
