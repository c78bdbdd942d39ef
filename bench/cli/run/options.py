"""The options of ``bench run``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Changes, Debug, Device, Jobs, Plugins, RecipeName, StorePath

Methods = Annotated[
    str | None, typer.Option(help="all (the default), every, or names: a,b,!c.", show_default=False)
]
Shares = Annotated[
    str | None,
    typer.Option(help="Share of manual labels: 0.1:0.9[:0.1] (the default) or 0.3,0.5.", show_default=False),
]
Datasets = Annotated[
    str | None,
    typer.Option(help="Data sets, with commas between; phantom-heart if none.", show_default=False),
]
Experiment = Annotated[
    str | None,
    typer.Option(help="What the paper's tables and figures need: table1, ..., figure7, or paper for all."),
]
Noises = Annotated[
    list[str] | None,
    typer.Option(
        help="Noise of known truth in place of pseudo labels, as markov:0.1,0.2.", show_default=False
    ),
]
References = Annotated[
    str, typer.Option(help="What the manual labels alone give: of the teachers, or of the methods too.")
]
Seeds = Annotated[str, typer.Option(help="3 for 0, 1, 2, or a list: 0,2.")]
Engine = Annotated[str, typer.Option(help="local.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be made.")]
NoMlflow = Annotated[bool, typer.Option("--no-mlflow", help="Leave the MLflow mirror alone.")]
CheckpointSeconds = Annotated[
    float, typer.Option(help="Between two checkpoints of a training; changes no result.")
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="Deterministic algorithms on a GPU too; says which operations that ran have none.",
    ),
]
AllowLeaks = Annotated[
    bool,
    typer.Option(
        "--allow-leaks", help="Go on where test cases are copies of training cases; every table says so."
    ),
]


def run(  # noqa: PLR0913, PLR0917 - the contract's options
    methods: Methods = None,
    xi: Shares = None,
    dataset: Datasets = None,
    experiment: Experiment = None,
    noise: Noises = None,
    references: References = "teachers",
    recipe: RecipeName = "",
    seeds: Seeds = "",
    change: Changes = None,
    jobs: Jobs = 0,
    plugin: Plugins = None,
    device: Device = "auto",
    engine: Engine = "local",
    store: StorePath = RESULTS,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    no_mlflow: NoMlflow = False,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    deterministic: Deterministic = False,
    allow_leaks: AllowLeaks = False,
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
