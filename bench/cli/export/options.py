"""The options of ``bench export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Changes, Debug, Device, Plugins, RecipeName, StorePath


def export_predictions(  # noqa: PLR0913, PLR0917 - the contract's options
    out: Annotated[Path, typer.Option("--to", help="Folder of the label maps.")],
    dataset: Annotated[str, typer.Option(help="A data set with scans without labels.")],
    method: Annotated[str, typer.Option(help="One method.")],
    xi: Annotated[str, typer.Option(help="One share of manual labels; 1 for the student of all of them.")],
    recipe: RecipeName = "",
    seed: Annotated[int, typer.Option(min=0, help="One seed.")] = 0,
    change: Changes = None,
    plugin: Plugins = None,
    device: Device = "auto",
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Segment the scans whose labels the organisers keep, by a student that `bench run` has trained."""
    from bench.cli.export.predictions import export
    from bench.execution.predictions import Request

    words = Request(
        dataset=dataset,
        method=method,
        xi=xi,
        seed=seed,
        recipe=recipe,
        changes=tuple(change or ()),
        device=device,
        store=store,
        to=out,
        plugins=tuple(plugin or ()),
    )
    return export(words, as_json=as_json)


def export_mlflow(
    uri: Annotated[
        str, typer.Option(help="MLflow's tracking URI; $MLFLOW_TRACKING_URI or the store's own by default.")
    ] = "",
    run: Annotated[str, typer.Option(help="One run of the store; all by default.")] = "",
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Fill the MLflow mirror of every run from what the store holds."""
    from bench.cli.export.mlflow import export

    return export(store, uri, run, as_json=as_json)
