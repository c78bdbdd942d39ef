"""The options of the commands that read results: ``report``, ``merge``, ``score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Spacing, StorePath


def report(
    store: StorePath = RESULTS,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; <store>/report by default.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 where a printed cell deviates.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Render tables, figures and a page from the records."""
    from bench.cli.report import report as render

    return render(store, out, strict=strict, as_json=as_json)


def merge(
    sources: Annotated[
        list[Path], typer.Argument(help="Stores, or folders of records.csv(.gz) or .parquet.")
    ],
    out: Annotated[Path, typer.Option("--to", help="Folder of the merged tables; must not exist.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Put the records of several stores together, as of a campaign that was run in parts."""
    from bench.cli.merge import merge as carry_out

    return carry_out(sources, out, as_json=as_json)


def score(
    predicted: Path,
    reference: Path,
    definition: Annotated[str, typer.Option(help="hvsmr2016 or medpy.")] = "hvsmr2016",
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Score two label maps, or two folders of them, from any tool."""
    from bench.cli.score import score as carry_out

    return carry_out(predicted, reference, definition, as_json=as_json, spacing_from=spacing)
