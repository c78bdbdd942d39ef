"""One report on disk: every table in three formats, every figure in two, and the page."""

from __future__ import annotations

import base64
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import pandas as pd

from reports.exhibits import Exhibits, MissingExhibitError
from reports.figures import FIGURES
from reports.page.cases import case_table
from reports.page.document import FigureOnPage, Section, TableOnPage, html
from reports.page.sources import stage_table
from reports.page.summary import counts, verdict_counts
from reports.page.trace import traced
from reports.page.volumes import embedded
from reports.render import comma_separated, latex, markdown
from reports.selection import BENCHMARKS, cohorts, omitted
from reports.sheet import sheet
from reports.statistics import verdicts
from reports.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from reports.figures import Chart
    from reports.selection import Benchmark, Cohort
    from reports.sheet import Sheet
    from reports.tables import Table


@dataclass(slots=True)
class _Report:
    """What was made so far: the files to write, and what could not be made."""

    contents: dict[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def write(
    records: pd.DataFrame,
    out: Path,
    *,
    title: str,
    provenance: Mapping[str, str],
    exhibits: Exhibits | None = None,
) -> list[Path]:
    """Every table and figure of each data set, and `index.html`; the same input gives the same bytes.

    Nothing is written before everything was tried, and each file appears whole or not at all. A figure that
    cannot be drawn is named on the page with its reason.

    Args:
        records: The benchmark's records.
        out: The folder to write into; made if absent.
        title: The page's heading.
        provenance: What the numbers come from (command, commit, recipe, ...), in the order to show.
        exhibits: Scans, stages and what is missing; nothing of these if not given.

    Returns:
        The written paths.

    Raises:
        ValueError: There are no records, or they contradict each other.
    """
    exhibits = exhibits or Exhibits()
    report = _Report(missing=list(exhibits.missing))
    found = cohorts(records)
    absent = frozenset(BENCHMARKS) - {cohort.benchmark for cohort in found}
    sections = [
        _section(f"cohort-{number}", cohort, exhibits, report, frozenset() if number > 1 else absent)
        for number, cohort in enumerate(found, start=1)
    ]
    page = html(
        title=title,
        sections=sections,
        once=list(_once(records, report)),
        scans=[embedded(scan) for scan in exhibits.scans],
        stages=stage_table(records, exhibits.provenance),
        missing=report.missing,
        omitted=omitted(records),
        provenance=dict(provenance),
    )
    report.contents["index.html"] = page.encode()
    return [_put(out / name, content) for name, content in report.contents.items()]


def _section(
    anchor: str, cohort: Cohort, exhibits: Exhibits, report: _Report, absent: Collection[Benchmark]
) -> Section:
    """What there is to show of a cohort; the first one's tables also list what no cohort stands in for."""
    cases = case_table(cohort.records)
    return Section(
        name=cohort.name,
        anchor=anchor,
        counts=counts(cohort.records),
        verdicts=verdicts(cohort.records),
        tables=list(_tables(cohort, cases, report, absent)),
        figures=list(_figures(cohort, exhibits, report)),
        cases=cases,
    )


def _tables(
    cohort: Cohort, cases: pd.DataFrame, report: _Report, absent: Collection[Benchmark]
) -> Iterator[TableOnPage]:
    for key, table in TABLES.items():
        if table.once or cohort.benchmark not in table.benchmarks:
            continue
        frame = table.build(cohort.records)
        if table.without_cohort and absent:
            frame = pd.concat([frame, table.without_cohort(absent)], ignore_index=True)
        suffix = cohort.suffix if len(table.benchmarks) == 1 else cohort.suffix_in_both
        name, title = f"{key}{suffix}", f"{table.title}: {cohort.name}"
        found = _written(table, frame, name, title, report)
        said = table.sentences(frame, cohort.name) if table.sentences else []
        counts_of = verdict_counts(frame)
        yield TableOnPage(key, name, table.title, table.caption, found, traced(frame, cases), counts_of, said)


def _once(records: pd.DataFrame, report: _Report) -> Iterator[TableOnPage]:
    """The tables of which a report has one, whatever its data sets."""
    for key, table in TABLES.items():
        if table.once:
            frame = table.build(records)
            found = _written(table, frame, key, table.title, report)
            said = table.sentences(frame, "") if table.sentences else []
            yield TableOnPage(key, key, table.title, table.caption, found, [None] * len(frame), (), said)


def _written(table: Table, frame: pd.DataFrame, name: str, title: str, report: _Report) -> Sheet:
    """The table as it is read, added to the files in three formats."""
    found = sheet(frame, table.block)
    report.contents[f"tables/{name}.md"] = markdown(found, title, table.caption).encode()
    report.contents[f"tables/{name}.csv"] = comma_separated(frame).encode()
    report.contents[f"tables/{name}.tex"] = latex(found, name, title, table.caption).encode()
    return found


def _figures(cohort: Cohort, exhibits: Exhibits, report: _Report) -> Iterator[FigureOnPage]:
    for key, chart in FIGURES.items():
        if cohort.benchmark not in chart.benchmarks or (chart.once and cohort.suffix):
            continue
        name = f"{key}{cohort.suffix if len(chart.benchmarks) == 1 else cohort.suffix_in_both}"
        figure = _drawn(key, chart, cohort, exhibits)
        if isinstance(figure, str):
            report.missing.append(f"{cohort.name}: {figure}")
            continue
        # Without the writer's version and date, so that equal figures are equal files.
        picture = _saved(figure, "png", {"Software": None})
        report.contents[f"figures/{name}.png"] = picture
        report.contents[f"figures/{name}.pdf"] = _saved(
            figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None}
        )
        source = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
        yield FigureOnPage(key, name, chart.title, chart.caption, source)


def _drawn(key: str, chart: Chart, cohort: Cohort, exhibits: Exhibits) -> Figure | str:
    """The figure, or in a sentence why there is none."""
    try:
        with _any_script():
            return chart.draw(cohort.records, exhibits)
    except MissingExhibitError as error:
        return str(error)
    except ValueError as error:
        return f"{key} is not drawn: {error}"


@contextmanager
def _any_script() -> Iterator[None]:
    """A name in a script that matplotlib's own font lacks is drawn as boxes; the tables have it whole."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def _saved(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    file = BytesIO()
    with _any_script():
        figure.savefig(file, format=kind, dpi=160, metadata=metadata)
    return file.getvalue()


def _put(path: Path, content: bytes) -> Path:
    """Written aside and renamed, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    return aside.replace(path)
