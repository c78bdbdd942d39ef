"""The options of ``bench run``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Plugins, StorePath


def run(  # noqa: PLR0913, PLR0917 - the contract's options
    methods: Annotated[
        str | None, typer.Option(help="all (the default), every, or names: a,b,!c.", show_default=False)
    ] = None,
    xi: Annotated[
        str | None,
        typer.Option(
            help="Share of manual labels: 0.1:0.9[:0.1] (the default) or 0.3,0.5.", show_default=False
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Data sets, with commas between; phantom-heart if none.", show_default=False),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="What P's tables and figures need: table1, ..., figure7, or paper for all."),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            help="Noise of known truth in place of pseudo labels, as markov:0.1,0.2.", show_default=False
        ),
    ] = None,
    references: Annotated[
        str,
        typer.Option(help="What the manual labels alone give: of the teachers, or of the methods too."),
    ] = "teachers",
    recipe: Annotated[str, typer.Option(help="smoke, quick, standard, paper or FILE.toml.")] = "",
    seeds: Annotated[str, typer.Option(help="3 for 0, 1, 2, or a list: 0,2.")] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as student.steps=500.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Stages at a time; 0 takes what the cores bear.")] = 0,
    plugin: Plugins = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    engine: Annotated[str, typer.Option(help="local.")] = "local",
    store: StorePath = RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be made.")] = False,
    as_json: AsJson = False,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="Leave the MLflow mirror alone.")] = False,
    checkpoint_seconds: Annotated[
        float, typer.Option(help="Between two checkpoints of a training; changes no result.")
    ] = 60.0,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="Deterministic algorithms on a GPU too; says which operations that ran have none.",
        ),
    ] = False,
    allow_leaks: Annotated[
        bool,
        typer.Option(
            "--allow-leaks", help="Go on where test cases are copies of training cases; every table says so."
        ),
    ] = False,
    debug: Debug = False,
) -> int:
    """Sweep the methods over ξ; what the store has already is not made again."""
    from bench.cli.run.command import run as carry_out
    from bench.plan.request import Request

    return carry_out(
        Request(
            methods=methods,
            xi=xi,
            datasets=dataset,
            experiment=experiment,
            recipe=recipe,
            seeds=seeds,
            changes=tuple(change or ()),
            jobs=jobs,
            device=device,
            engine=engine,
            store=store,
            dry_run=dry_run,
            as_json=as_json,
            mlflow=not no_mlflow,
            checkpoint_seconds=checkpoint_seconds,
            deterministic=deterministic,
            plugins=tuple(plugin or ()),
            noise=tuple(noise or ()),
            references=references,
            allow_leaks=allow_leaks,
        )
    )
