"""``bench report``: the records of a store as tables, figures and a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import console, provenance
from bench.errors import DataError
from bench.verbs.reading import records_of

if TYPE_CHECKING:
    from pathlib import Path


def report(store_path: Path, out: Path | None, *, as_json: bool) -> int:
    """Write the report and name its files.

    Raises:
        DataError: There are no records to report on.
    """
    records = records_of(store_path)
    from reports.page import write

    try:
        folder = out or store_path / "report"
        runs = ", ".join(sorted({str(run) for run in records["run"] if run}))
        commits = ", ".join(sorted({str(commit) for commit in records["commit"] if commit}))
        versions = {f"version of {name}": value for name, value in provenance.versions().items()}
        sources = {"records": str(store_path / "records.csv"), "runs": runs, "commits": commits, **versions}
        written = write(records, folder, title="Learning from partly wrong labels", provenance=sources)
    except ValueError as error:
        raise DataError(str(error)) from error
    if as_json:
        console.say_json({"out": str(folder), "files": [str(path) for path in written]})
    else:
        for path in written:
            console.say(str(path))
    return 0
