"""The options of ``bench methods``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import AsJson, Debug, Plugins


def methods_list(plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """All methods: built in, of plug-ins, and of installed packages."""
    from bench.cli.methods.command import list_methods

    return list_methods(plugin or (), as_json=as_json)


def methods_show(name: str, plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """One method and its settings."""
    from bench.cli.methods.command import show_method

    return show_method(name, plugin or (), as_json=as_json)


def methods_check(name: str, plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """Hold a method to the contract that those of bench keep; exit 3 where it fails."""
    from bench.cli.methods.check import check_method

    return check_method(name, plugin or (), as_json=as_json)


def methods_new(
    name: Annotated[
        str, typer.Argument(help="In lower case, with dashes: my-loss is written to my_loss.py.")
    ],
    to: Annotated[Path, typer.Option(help="A folder that is there; the current one by default.")] = Path(),
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write a method that works, to be changed, and its test."""
    from bench.cli.methods.new import new_method

    return new_method(name, to, as_json=as_json)
