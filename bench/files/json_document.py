"""JSON that others wrote: an object of plain values, or a sentence that says why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from bench.errors import DataError
from bench.files.regular import check_regular

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2**24  # a hundred times the largest dataset.json there is
MAX_NAME = 200  # characters


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file of at most ``MAX_BYTES``.

    Raises:
        DataError: No file, too large, no JSON, NaN or infinity in it, a key twice, or no object.
    """
    size = check_regular(path)
    if size > MAX_BYTES:
        raise DataError(f"{path} has {size} bytes; expected JSON of at most {MAX_BYTES}.")
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8-sig")
        plain = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_each_once)
    except (ValueError, OSError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {' '.join(str(error).split())[:200]}.") from error
    if not isinstance(plain, dict):
        raise DataError(f"{path} holds {type(plain).__name__}; expected an object.")
    return plain


def noted(path: Path) -> dict[str, Any]:
    """What a note of ours says that only saves work; nothing where it is not there or damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twice)} is there twice")
    return made


def shown(value: object) -> str:
    """A value in a sentence: short, on one line, and harmless to a terminal."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 90 else f"{text[:80]}..."


def name_in(value: object, what: str, path: Path) -> str:
    """A name as it stands in the file at ``path``: of a case, a file, a channel.

    Raises:
        DataError: No text, or one that is empty, very long, or would steer a terminal.
    """
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_NAME or not text.isprintable():
        raise DataError(
            f"{path} has {shown(value)} as {what}; expected a name of 1 to {MAX_NAME} characters."
        )
    return text
