"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StorePath = Annotated[Path, typer.Option("--store", help="Folder of all results.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A file with methods of one's own, whose code is run; again for more."),
]
RecipeName = Annotated[str, typer.Option(help="smoke, quick, standard, paper or FILE.toml.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="A setting, as student.steps=500.")]
Jobs = Annotated[int, typer.Option(help="Stages at a time; 0 takes what the cores bear.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")]
Spacing = Annotated[
    str,
    typer.Option(
        help="Voxel size of NIfTI files whose pixdim and sform contradict each other: pixdim or sform.",
        show_default=False,
    ),
]
RESULTS = Path("results")
