"""One report on disk: every table in three formats, every figure in two, and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.figures import FIGURES
from reports.figures.style import own_settings
from reports.inputs.images import Exhibits, MissingExhibitError
from reports.inputs.other_tables import Extras, conform
from reports.page.arena import arena
from reports.page.cases import case_table
from reports.page.document import FigureOnPage, Section, TableOnPage, html
from reports.page.files import Files, Words, any_script
from reports.page.sources import stage_table
from reports.page.summary import counts, verdict_counts
from reports.page.trace import Place, traced
from reports.page.volumes import embedded
from reports.ranking.sentences import verdicts
from reports.statistics.aggregate import other_shares
from reports.statistics.cohorts import BENCHMARKS, cohorts, omitted
from reports.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from reports.figures import Chart
    from reports.statistics.cohorts import Benchmark, Cohort

OVER_SHARES: Final = ("figure6", "figure7")
"""The figures whose axis is ξ."""


@own_settings()
def write(
    records: pd.DataFrame,
    out: Path,
    *,
    title: str,
    provenance: Mapping[str, str],
    exhibits: Exhibits | None = None,
    extras: Extras | None = None,
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
        extras: The tables beside the records: doubts, gradients, costs; none if not given.

    Returns:
        The written paths.

    Raises:
        ValueError: There are no records, or they contradict each other.
    """
    exhibits = exhibits or Exhibits()
    extras = conform(extras or Extras())
    files = Files(missing=list(exhibits.missing), marks=exhibits.marks, folded=exhibits.folded)
    found = cohorts(records)
    absent = frozenset(BENCHMARKS) - {cohort.benchmark for cohort in found}
    sections = [
        _section(f"cohort-{number}", cohort, exhibits, files, frozenset() if number > 1 else absent)
        for number, cohort in enumerate(found, start=1)
    ]
    places = {section.name: Place(section.anchor, section.cases) for section in sections}
    page = html(
        title=title,
        sections=sections,
        arena=list(arena(records, extras, exhibits, places, files)),
        once=list(_once(records, files)),
        scans=[embedded(scan) for scan in exhibits.scans],
        stages=stage_table(records, exhibits.provenance),
        missing=files.missing,
        omitted=omitted(records),
        provenance=dict(provenance),
    )
    files.contents["index.html"] = page.encode()
    return files.put(out)


def _section(
    anchor: str, cohort: Cohort, exhibits: Exhibits, files: Files, absent: Collection[Benchmark]
) -> Section:
    """What there is to show of a cohort; the first one's tables also list what no cohort stands in for."""
    cases = case_table(cohort.records)
    mark = files.caption("", cohort.dataset).strip()
    return Section(
        name=cohort.name,
        anchor=anchor,
        counts=counts(cohort.records),
        verdicts=[*([mark] if mark else []), *verdicts(cohort.records), *_other_shares(cohort, files)],
        tables=list(_tables(cohort, cases, files, absent)),
        figures=list(_figures(cohort, exhibits, files)),
        cases=cases,
    )


def _tables(
    cohort: Cohort, cases: pd.DataFrame, files: Files, absent: Collection[Benchmark]
) -> Iterator[TableOnPage]:
    for key, table in TABLES.items():
        if table.once or cohort.benchmark not in table.benchmarks:
            continue
        frame = table.build(cohort.records)
        if table.without_cohort and absent:
            frame = pd.concat([frame, table.without_cohort(absent)], ignore_index=True)
        suffix = cohort.suffix if len(table.benchmarks) == 1 else cohort.suffix_in_both
        name, title = f"{key}{suffix}", f"{table.title}: {cohort.name}"
        shares = _other_shares(cohort, files) if "xi" in frame else []
        caption = files.caption(" ".join([table.caption, *shares]), cohort.dataset)
        found = files.add_table(frame, name, Words(title, caption, table.block))
        said = table.sentences(frame, cohort.name) if table.sentences else []
        counts_of = verdict_counts(frame)
        yield TableOnPage(key, name, table.title, caption, found, traced(frame, cases), counts_of, said)


def _other_shares(cohort: Cohort, files: Files) -> list[str]:
    """Which ξ are another ξ on this data set, in a sentence where there are any."""
    said = other_shares(cohort.records, files.folded.get(cohort.dataset))
    return [f"On {cohort.dataset}, {'; '.join(said)}."] if said else []


def _once(records: pd.DataFrame, files: Files) -> Iterator[TableOnPage]:
    """The tables of which a report has one, whatever its data sets."""
    for key, table in TABLES.items():
        if table.once:
            frame = table.build(records)
            found = files.add_table(frame, key, Words(table.title, table.caption, table.block))
            said = table.sentences(frame, "") if table.sentences else []
            yield TableOnPage(key, key, table.title, table.caption, found, [None] * len(frame), (), said)


def _figures(cohort: Cohort, exhibits: Exhibits, files: Files) -> Iterator[FigureOnPage]:
    for key, chart in FIGURES.items():
        if cohort.benchmark not in chart.benchmarks or (chart.once and cohort.suffix):
            continue
        name = f"{key}{cohort.suffix if len(chart.benchmarks) == 1 else cohort.suffix_in_both}"
        figure = _drawn(key, chart, cohort, exhibits)
        if isinstance(figure, str):
            files.missing.append(f"{cohort.name}: {figure}")
            continue
        source = files.add_figure(figure, name)
        shares = _other_shares(cohort, files) if key in OVER_SHARES else []
        caption = files.caption(" ".join([chart.caption, *shares]), cohort.dataset)
        yield FigureOnPage(key, name, chart.title, caption, source)


def _drawn(key: str, chart: Chart, cohort: Cohort, exhibits: Exhibits) -> Figure | str:
    """The figure, or in a sentence why there is none."""
    try:
        with any_script():
            return chart.draw(cohort.records, exhibits)
    except MissingExhibitError as error:
        return str(error)
    except ValueError as error:
        return f"{key} is not drawn: {error}"
