"""``bench report``: the records of a store as tables, figures and a page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.cli import console
from bench.errors import TOLERANCE_EXCEEDED, DataError
from bench.records.exhibits import exhibits
from bench.records.reading import leaks_of, load_records
from bench.store import provenance
from bench.store.run_log import folded_shares
from bench.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def report(store_path: Path, out: Path | None, *, strict: bool, as_json: bool) -> int:
    """Write the report, name its files, and count the verdicts on the cells that the paper prints.

    With `strict` the exit code is 5 where any of them deviates.

    Raises:
        DataError: There are no records to report on.
    """
    records = load_records(store_path)
    from reports.inputs.other_tables import read
    from reports.page import write
    from reports.published.audit import discrepancies
    from reports.published.verdicts import VERDICTS, published_verdicts

    try:
        folder = out or store_path / "report"
        runs = ", ".join(sorted({str(run) for run in records["run"] if run}))
        commits = ", ".join(sorted({str(commit) for commit in records["commit"] if commit}))
        versions = {f"version of {name}": value for name, value in provenance.versions().items()}
        sources = {"records": str(store_path / "records.csv"), "runs": runs, "commits": commits, **versions}
        title = "Learning from partly wrong labels"
        store = Store(store_path)
        shown = replace(
            exhibits(store, records["stage"].unique()), marks=leaks_of(store), folded=folded_shares(store)
        )
        extras = read(store_path)
        written = write(records, folder, title=title, provenance=sources, exhibits=shown, extras=extras)
        held = published_verdicts(records)
        takes = _takes(records)
    except ValueError as error:
        raise DataError(str(error)) from error
    counts = {verdict: int((held["verdict"] == verdict).sum()) for verdict in VERDICTS}
    if as_json:
        files = [str(path) for path in written]
        said = {"verdicts": counts, "discrepancies": discrepancies(), "power": takes}
        console.say_json({"out": str(folder), "files": files, **said})
    else:
        for path in written:
            console.say(str(path))
        told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
        console.say(f"cells that the paper prints: {told}")
        apart = f"{len(discrepancies())} things do not add up"
        console.say(f"the paper's own numbers: {apart}; see {folder / 'tables' / 'audit.md'}")
        for sentence in takes:
            console.say(sentence)
    return _deviations(held) if strict else 0


def _takes(records: pd.DataFrame) -> list[str]:
    """What the records of each data set resolve and what more seeds would, or that they decide nothing."""
    from reports.statistics.cohorts import cohorts
    from reports.statistics.components import power_sentences, power_table
    from reports.statistics.evidence import seeds_sentences

    said = []
    for cohort in cohorts(records):
        said += seeds_sentences(cohort.records)
        said += power_sentences(power_table(cohort.records), cohort.name)
    return said


def _deviations(held: pd.DataFrame) -> int:
    """Name every printed cell that deviates; the exit code."""
    deviating = held[held["verdict"] == "deviates"]
    for cell in deviating.to_dict("records"):
        place = f"{cell['dataset']}: {cell['table']}, {cell['row']}, {cell['column']}"
        console.warn(f"{place} deviates: {cell['ours']:.3f}, printed {cell['printed']}; {cell['reason']}.")
    return 0 if deviating.empty else TOLERANCE_EXCEEDED
