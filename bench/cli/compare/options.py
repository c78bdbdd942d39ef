"""The options of ``bench compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, StorePath


def compare(  # noqa: PLR0913, PLR0917 - the contract's options
    one: Annotated[str, typer.Argument(metavar="A", help="METHOD, METHOD@XI or METHOD/VARIANT.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The same of the other; @1 is fully supervised.")],
    metric: Annotated[str, typer.Option(help="overall, dice, iou, adb, hdd or STRUCTURE_dice.")] = "overall",
    xi: Annotated[str, typer.Option(help="Only these shares: 0.1:0.9[:0.1] or 0.3,0.5.")] = "",
    tolerance: Annotated[
        float | None, typer.Option(help="Say whether the two are equivalent within ± this.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 where they are not, at any ξ; needs --tolerance.")
    ] = False,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """The difference A − B at each ξ that both have, with its interval and p."""
    from bench.cli.compare.command import Options
    from bench.cli.compare.command import compare as carry_out

    options = Options(metric=metric, xi=xi, tolerance=tolerance, strict=strict)
    return carry_out(one, other, options, store, as_json=as_json)
