"""``bench methods new``: a method that works, to be changed, and its test."""

from __future__ import annotations

import importlib.util
import keyword
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from bench.cli import console
from bench.errors import UsageError
from bench.plugins import methods
from bench.plugins.interface_checks import is_name

if TYPE_CHECKING:
    from pathlib import Path


def new_method(name: str, folder: Path, *, as_json: bool) -> int:
    """Write ``NAME.py`` and ``test_NAME.py``; nothing is ever overwritten.

    Raises:
        UsageError: A name that no method or module can bear, or that is taken; a file that is there.
    """
    module = _module(name)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; make it first, or name another with --to.")
    targets = {"method": folder / f"{module}.py", "test": folder / f"test_{module}.py"}
    for path in targets.values():
        if path.exists():
            raise UsageError(f"{path} is there already; nothing is overwritten: take another name.")
    words = {"name": name, "module": module, "title": _title(name), "kind": _title(name).replace(" ", "")}
    for template, path in targets.items():
        text = (files("bench.plugins") / "templates" / f"{template}.txt").read_text(encoding="utf-8")
        with path.open("x", encoding="utf-8") as file:
            file.write(Template(text).substitute(words))
    if as_json:
        console.say_json({"name": name, **{what: str(path) for what, path in targets.items()}})
        return 0
    for path in targets.values():
        console.say(f"wrote    {path}")
    console.say(f"check    bench methods check {name} --plugin {targets['method']}")
    console.say(f"run      bench run --plugin {targets['method']} --methods {name},tsman --xi 0.3")
    return 0


def _module(name: str) -> str:
    module = name.replace("-", "_")
    if not is_name(name) or keyword.iskeyword(module):
        shown = repr(name[:60])
        raise UsageError(
            f"{shown} is no name for a method: lower case with dashes, as my-loss, no Python word."
        )
    if name in methods.known() or name in methods.RESERVED:
        raise UsageError(f"{name!r} is taken: it means something else in `bench`; take another name.")
    spec = importlib.util.find_spec(module)
    if spec is not None:
        raise UsageError(f"{name!r} is taken: Python has a module {module!r}; take another name.")
    return module


def _title(name: str) -> str:
    return " ".join(part.capitalize() for part in name.split("-"))
