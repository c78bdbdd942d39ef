"""Settings objects <-> plain data, strictly: what TOML files, ``--set`` and stage documents hold."""

from __future__ import annotations

import json
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from bench.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field

T = TypeVar("T")
LARGEST, LARGEST_FLOAT = 10**12, 1e100
"""Of every setting, whole or not: above, what is computed from them is no longer exact, or no number."""
_DOTS = 200
DEEPEST = 8
"""Names in a path of settings, tables in tables of a file."""


Shared = dict[int, tuple[object, dict[str, object]]]
"""The plain data of settings objects by the object's id: parts that many objects share are taken once."""


def plain(settings: object, shared: Shared | None = None) -> dict[str, Any]:
    """Nested JSON-able data of a settings object, tuples as lists.

    A field that came ``later``, as its metadata say, is left out at its default: keys and names stay as they
    were.

    Args:
        settings: One of our dataclasses.
        shared: What ``plain`` gave of settings objects before, and of this one from now on. By identity, with
            the object so that its id stays its own: equal settings may hold 1 and 1.0. What is in it is given
            again, so it is never to be changed.
    """
    if shared is not None and id(settings) in shared:
        return shared[id(settings)][1]
    found: dict[str, Any] = {}
    for name, default, is_later in _fields(type(settings)):
        value = getattr(settings, name)
        if not (is_later and value == default):
            found[name] = value if type(value) in _ATOMS else plain_value(value, shared)
    if shared is not None:
        shared[id(settings)] = (settings, found)
    return found


_FIELDS: dict[type[Any], list[tuple[str, Any, bool]]] = {}


def _fields(kind: type[Any]) -> list[tuple[str, Any, bool]]:
    """Of each field its name, its default and whether it came later."""
    if kind not in _FIELDS:
        _FIELDS[kind] = [(one.name, _default(one), bool(one.metadata.get("later"))) for one in fields(kind)]
    return _FIELDS[kind]


def _default(one: Field[Any]) -> Any:  # noqa: ANN401 - JSON
    """The default of a field of a settings object."""
    return one.default if one.default_factory is MISSING else one.default_factory()


_ATOMS = frozenset({str, int, float, bool, NoneType})


def plain_value(value: Any, shared: Shared | None = None) -> Any:  # noqa: ANN401 - JSON
    """JSON of any value that holds settings objects, in lists or by name."""
    if type(value) in _ATOMS:
        return value
    if isinstance(value, tuple | list):
        return [plain_value(one, shared) for one in value]
    if isinstance(value, dict):
        return {str(key): plain_value(one, shared) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(value, shared)
    return value


def build(kind: type[T], given: Mapping[str, Any], what: str) -> T:
    """A settings object from plain data, refusing unknown keys and wrong types.

    Raises:
        UsageError: Names the key, the value and what was expected.
    """
    import dacite

    _refuse_unknown(kind, given, what)
    config = dacite.Config(
        strict=True,
        cast=[tuple],
        type_hooks={
            float: _number,
            int: _whole,
        },
    )
    try:
        return dacite.from_dict(kind, given, config)
    except dacite.exceptions.WrongTypeError as error:
        wanted = _wanted(error.field_type)
        raise UsageError(f"{what}: {error.field_path} is {error.value!r}; expected {wanted}.") from error
    except dacite.exceptions.DaciteFieldError as error:
        raise UsageError(f"{what}: {error}.") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: {error}.") from error


_KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _wanted(kind: Any) -> str:  # noqa: ANN401 - any annotation of a setting
    """The values that a type of a setting allows, in words."""
    if kind in _KINDS:
        return _KINDS[kind]
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        *first, last = [f"{one!r}" for one in inner if one != ""]
        return f"{', '.join(first)} or {last}" if first else last
    if get_origin(kind) is tuple and Ellipsis not in inner:
        return f"a list of {len(inner)}: {', '.join(_wanted(one) for one in inner)}"
    if get_origin(kind) is tuple:
        return f"a list, each of it {_wanted(inner[0])}"
    return " or ".join(_wanted(one) for one in inner if one is not NoneType) or str(kind)


def _number(value: Any) -> Any:  # noqa: ANN401 - what is no number is refused by its type
    """A number as float.

    Raises:
        ValueError: It is not finite, or beyond every meaning.
    """
    if type(value) in (int, float) and not abs(value) <= LARGEST_FLOAT:
        raise ValueError(f"a number {_short(value)} is beyond {LARGEST_FLOAT:.0e}")
    return float(value) if type(value) is int else value


def _whole(value: Any) -> Any:  # noqa: ANN401 - what is no number is refused by its type
    """A whole number; true is not 1.

    Raises:
        ValueError: It is beyond every meaning.
    """
    if type(value) is int and not abs(value) <= LARGEST:
        raise ValueError(f"a number {_short(value)} is beyond {LARGEST:.0e}")
    return str(value) if type(value) is bool else value


def _short(value: float) -> str:
    """A number of any length in a few letters; Python refuses to write whole ones of thousands of digits."""
    return f"of {value.bit_length()} bits" if isinstance(value, int) else str(value)


def _refuse_unknown(kind: type[Any], given: Mapping[str, Any], what: str) -> None:
    """Every key of ``given`` must be a field, also inside nested settings."""
    types = get_type_hints(kind)
    hints = {one.name: types[one.name] for one in fields(kind)}
    for key, value in given.items():
        if key not in hints:
            raise unknown("setting", key, hints, where=what)
        if is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise UsageError(f"{what}: {key} holds settings of its own; write {key}.NAME={value}.")
            _refuse_unknown(hints[key], value, f"{what}: {key}")
        if get_origin(hints[key]) is tuple and not isinstance(value, list | tuple):
            raise UsageError(f"{what}: {key} takes a list; write {key}=[{value}] with all its values.")
        if get_origin(hints[key]) is dict and not isinstance(value, dict):
            raise UsageError(f"{what}: {key} takes a table, not {value!r}.")


def assignment(text: str) -> tuple[list[str], Any]:
    """``a.b=value`` as a path and a value; the value is read as TOML, or as bare text where it is none.

    Raises:
        UsageError: There is no ``=`` or no name before it.
    """
    name, equals, value = text.partition("=")
    path = name.strip().split(".")
    if not equals or not all(path) or len(path) > DEEPEST:
        raise UsageError(f"--set {text!r} is not an assignment; write it as student.steps=500.")
    return path, _value(value)


def _value(text: str) -> Any:  # noqa: ANN401 - JSON
    """A TOML value of a kind that JSON has too; anything else is bare text."""
    try:
        document = toml(f"value = {text}")
        json.dumps(document)
    except (ValueError, TypeError, RecursionError):
        return text.strip()
    plain_value = list(document) == ["value"] and is_shallow(document)
    return document["value"] if plain_value else text.strip()


def toml(text: str) -> dict[str, Any]:
    """A TOML document, in a time that grows with its length.

    Raises:
        ValueError: It is none, or has a line with more dots than any setting: a key of thousands of names
            takes its reader minutes.
        RecursionError: Its lists or tables lie too deep in one another.
    """
    if any(line.count(".") > _DOTS for line in text.splitlines()):
        raise ValueError(f"a line has more than {_DOTS} dots")
    return tomllib.loads(text)


def is_shallow(value: Any, levels: int = DEEPEST) -> bool:  # noqa: ANN401 - JSON
    """Whether tables and lists lie in one another no deeper than any setting does."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(one, levels - 1) for one in inner)


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the leaves of ``change`` in their places."""
    result = dict(base)
    for key, value in change.items():
        here = result.get(key)
        nested = isinstance(value, dict) and isinstance(here, dict)
        result[key] = merged(here, value) if nested and isinstance(here, dict) else value
    return result
