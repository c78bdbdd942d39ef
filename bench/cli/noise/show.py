"""``bench noise show``: the kinds of noise and their settings, or what a folder of noisy labels holds."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.cli import console
from bench.cli.noise.measure import MEANS, say_summary
from bench.data.noise import KINDS, kind_of
from bench.data.noise.realised import MeasuredNoise, bin_names
from bench.errors import DataError
from bench.files.json_document import read_object, shown
from bench.settings.serialise import plain
from bench.settings.stage_specs import read
from bench.stages.inject import MEASURED

if TYPE_CHECKING:
    from bench.data.noise.simulator import Simulator

WIDTH: Final = 80
_AGAIN: Final = "make the folder again with `bench noise make`"


def show(what: str, picture: Path | None, *, as_json: bool) -> int:
    """Nothing lists the kinds, a kind is shown with its settings, a folder is summed up, and drawn if asked.

    Raises:
        UsageError: Neither a kind nor a folder.
        DataError: The folder holds no noise, or a damaged one.
    """
    if not what:
        return _list(as_json=as_json)
    if Path(what).is_dir():
        return _folder(Path(what), picture, as_json=as_json)
    if Path(what).exists():
        raise DataError(f"{what} is a file; expected a folder of `bench noise make`, or a kind of noise.")
    parts = kind_of(what).split("+")
    if as_json:
        console.say_json([_described(KINDS[part]) for part in parts])
        return 0
    for part in parts:
        _say_kind(KINDS[part])
    return 0


def _list(*, as_json: bool) -> int:
    if as_json:
        console.say_json([_described(kind) for kind in KINDS.values()])
        return 0
    console.say(console.table([[name, kind.what] for name, kind in KINDS.items()], ["kind", "what"]))
    console.say("`bench noise show KIND` lists settings; several kinds together are written a+b.")
    return 0


def _described(kind: type[Simulator]) -> dict[str, object]:
    return {
        "name": kind.name,
        "what": kind.what,
        "reference": kind.reference,
        "limit": kind.limit,
        "settings": plain(kind()),
    }


def _say_kind(kind: type[Simulator]) -> None:
    for key, text in (
        ("name", kind.name),
        ("what", kind.what),
        ("source", kind.reference),
        ("limit", kind.limit),
    ):
        console.say(textwrap.fill(f"{key:10} {text}", WIDTH, subsequent_indent=" " * 11))
    console.say(f"{'settings':10} change one with --set noise.{kind.name}.SETTING=VALUE")
    for name, value in plain(kind()).items():
        console.say(f"  {name:32} {json.dumps(value)}")


def _folder(folder: Path, picture: Path | None, *, as_json: bool) -> int:
    """Sum up, and draw where a file is named for it."""
    if not (folder / MEASURED).is_file():
        raise DataError(f"{folder} has no {MEASURED}; expected a folder of `bench noise make`.")
    document = read_object(folder / MEASURED)
    cases = document.get("cases")
    if not isinstance(cases, dict) or not cases:
        raise DataError(f"{folder / MEASURED} names no cases; make the folder again with `bench noise make`.")
    measured = _measured(cases, folder / MEASURED)
    title = f"{document.get('kind')}:{document.get('rate')}"
    if picture is not None:
        from bench.cli.noise.picture import draw

        draw(folder, measured, title, picture)
    if as_json:
        console.say_json({"picture": str(picture) if picture else None, **document})
        return 0
    say_summary(measured)
    console.say(f"{title}, {f'drawn in {picture}' if picture else 'a picture with --to FILE.png'}")
    return 0


def _measured(cases: dict[str, object], path: Path) -> dict[str, dict[str, MeasuredNoise]]:
    """The measurements by case and structure.

    Raises:
        DataError: One lacks what is summed up; names the first case and structure.
    """
    found: dict[str, dict[str, MeasuredNoise]] = {}
    for case, structures in cases.items():
        if not isinstance(structures, dict):
            raise DataError(f"{path} has no structures of {shown(case)}; {_AGAIN}.")
        for name, one in structures.items():
            if not isinstance(one, dict) or not all(_is_number(one, key) for key in MEANS):
                raise DataError(
                    f"{path} lacks a number of {shown(case)}, {shown(name)}: expected {', '.join(MEANS)}; "
                    f"{_AGAIN}."
                )
            shares = one.get("by_distance_mm")
            if shares is not None and not _are_shares(shares):
                raise DataError(f"{path} has other distances of {shown(case)} than expected; {_AGAIN}.")
            where = f"{path}, {shown(case)}, {shown(name)}"
            found.setdefault(case, {})[name] = read(MeasuredNoise, one, where)
    return found


def _is_number(one: dict[str, object], key: str) -> bool:
    """Whether a number or nothing was measured."""
    return key in one and (one[key] is None or type(one[key]) in (int, float))


def _are_shares(shares: object) -> bool:
    """Whether each bin of distances has its share."""
    return (
        isinstance(shares, dict)
        and list(shares) == bin_names()
        and all(type(share) in (int, float) for share in shares.values())
    )
