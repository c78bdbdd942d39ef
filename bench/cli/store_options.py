"""The options of the commands on a store: ``status``, ``show``, ``verify``, ``doctor``, ``clean``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import RESULTS, AsJson, Debug, Plugins, StorePath


def status(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """List what a store holds."""
    from bench.cli.store import status as say

    return say(store, as_json=as_json)


def show(key: str, store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """One stage: its settings, inputs and where it comes from."""
    from bench.cli.store import show as say

    return say(key, store, as_json=as_json)


def verify(
    key: Annotated[str, typer.Argument(help="A finished stage, or the beginning of its key.")],
    chain: Annotated[
        bool, typer.Option("--chain", help="Make all that it came from again too, not only the stage.")
    ] = False,
    plugin: Plugins = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Make a stage again, aside, and compare; exit 5 where it differs. The store is only read."""
    from bench.cli.verify import verify as carry_out

    return carry_out(key, store, chain=chain, as_json=as_json, plugins=plugin or ())


def doctor(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """Check the machine and everything in a store; exit 4 where something is damaged or gone."""
    from bench.cli.doctor import doctor as check

    return check(store, as_json=as_json)


def clean(
    store: StorePath = RESULTS,
    failed: Annotated[bool, typer.Option("--failed", help="Forget failures and checkpoints too.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Remove every stage.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Remove what killed runs left behind, but checkpoints, and what was found damaged."""
    from bench.cli.store import clean as remove

    return remove(store, failed=failed, everything=everything, as_json=as_json)
