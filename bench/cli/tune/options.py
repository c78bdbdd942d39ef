"""The options of ``bench tune``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Device, Jobs, Plugins, StorePath


def tune(  # noqa: PLR0913, PLR0917 - the contract's options
    method: str,
    trials: Annotated[
        int, typer.Option(help="Development trainings, the same number for every method that is compared.")
    ] = 20,
    xi: Annotated[str, typer.Option(help="Share of scans with a manual label.")] = "0.5",
    dataset: Annotated[
        str, typer.Option(help="A phantom: only they have development seeds.")
    ] = "phantom-heart",
    recipe: Annotated[str, typer.Option(help="smoke, quick, standard or paper.")] = "",
    changes: Annotated[list[str] | None, typer.Option("--set", help="A changed setting.")] = None,
    noise: Annotated[str, typer.Option(help="KIND:RATE, injected in place of pseudo labels.")] = "",
    first_seed: Annotated[int, typer.Option(help="Of the development phantoms, 1000 or more.")] = 1000,
    metric: Annotated[str, typer.Option(help="dice or overall.")] = "dice",
    seed: Annotated[int, typer.Option(help="Of the search and of the trainings.", min=0)] = 0,
    jobs: Jobs = 0,
    device: Device = "auto",
    plugin: Plugins = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Search a method's settings by a number of development trainings, in the space that it declares."""
    from bench.cli.tune.command import Search
    from bench.cli.tune.command import tune as carry_out

    return carry_out(
        Search(
            method=method, budget=trials, xi=xi, noise=noise, dataset=dataset, recipe=recipe,
            changes=tuple(changes or ()), first_seed=first_seed, metric=metric, seed=seed, jobs=jobs,
            device=device, store=store, as_json=as_json, plugins=tuple(plugin or ()),
        )
    )  # fmt: skip
