"""The options of ``bench noise``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Spacing, StorePath


def noise_make(  # noqa: PLR0913, PLR0917 - the contract's options
    noise: Annotated[str, typer.Argument(metavar="KIND:RATE", help="As markov:0.2 or markov+swap:0.3.")],
    dataset: Annotated[str, typer.Option(help="A data set; its training cases are made noisy.")],
    folder: Annotated[Path, typer.Option("--to", help="A folder that is not there yet.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other noise.")] = 0,
    structures: Annotated[str, typer.Option(help="Names, with commas between; all by default.")] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as noise.markov.theta2=0.1.")
    ] = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write noisy labels, the clean ones and where they differ, and measure the noise."""
    from bench.cli.noise.command import make as carry_out
    from bench.execution.noisy_labels import Request

    words = Request(noise, dataset, folder, seed, structures, tuple(change or ()), store)
    return carry_out(words, as_json=as_json)


def noise_measure(
    clean: Path, noisy: Path, spacing: Spacing = "", as_json: AsJson = False, debug: Debug = False
) -> int:
    """Measure what is wrong in a label map, or a folder of them, from any tool."""
    from bench.cli.noise.measure import measure
    from bench.data.images.grids import spacing_of

    return measure(clean, noisy, as_json=as_json, spacing_from=spacing_of(spacing))


def noise_show(
    what: Annotated[
        str, typer.Argument(metavar="[KIND|DIR]", help="A kind, or a folder of `bench noise make`.")
    ] = "",
    picture: Annotated[
        Path | None, typer.Option("--to", help="Draw what a folder holds into this file, as noise.png.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the kinds of noise, or show one with its settings, or what a folder holds."""
    from bench.cli.noise.show import show as say

    return say(what, picture, as_json=as_json)
