"""The options of ``bench data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Spacing, StorePath


def data_list(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """All data sets."""
    from bench.cli.data.command import list_data

    return list_data(store, as_json=as_json)


def data_add(
    name: str,
    folder: Annotated[Path, typer.Option("--from", help="A Decathlon folder, or the challenge's own.")],
    store: StorePath = RESULTS,
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Give a folder a name, after looking it through."""
    from bench.cli.data.command import add_data
    from bench.data.images.grids import spacing_of

    held = spacing_of(spacing)
    return add_data(name, folder, store, as_json=as_json, spacing_from=held)


def data_check(
    name: Annotated[str, typer.Argument(help="As for --dataset: a name, or decathlon:DIR.")],
    store: StorePath = RESULTS,
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Look through every case of a data set and list all that is amiss."""
    from bench.cli.data.check import check_data
    from bench.data.images.grids import spacing_of

    return check_data(name, store, as_json=as_json, spacing_from=spacing_of(spacing))


def data_make(
    name: str,
    folder: Annotated[Path, typer.Option("--to", help="A folder that is not there yet.")],
    size: Annotated[str, typer.Option(help="smoke, quick or paper.")] = "quick",
    first_seed: Annotated[
        int, typer.Option(min=0, help="0 is the benchmark; 1000 and up are for development.")
    ] = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write a made data set as a folder."""
    from bench.cli.data.command import make_data

    return make_data(name, folder, size, first_seed, as_json=as_json)
