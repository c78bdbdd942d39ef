"""Frozen dataclasses from the JSON that some version of bench wrote; ``build`` is for what a user writes.

Unknown keys are passed over and absent ones take their default, so that stores of other versions stay
readable. Numbers stay as they are (1 is not made 1.0), so that what is read serialises to the same JSON.
Thousands of stages are parsed by one command, in a twentieth of the time that dacite takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from types import NoneType, UnionType
from typing import Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from bench.errors import UsageError

T = TypeVar("T")
Reader = Callable[[object], object]
"""JSON to the value of a field; ValueError where it is of another kind."""


class _Field(NamedTuple):
    name: str
    read: Reader
    is_required: bool


def from_stored(kind: type[T], document: object) -> T:
    """A settings object from its JSON.

    Raises:
        ValueError: The JSON is no object, lacks a key that has no default, or holds a value of another type.
    """
    if not isinstance(document, Mapping):
        raise ValueError(f"{document!r} is not an object")  # noqa: TRY004 - it is JSON that is wrong
    given: dict[str, object] = {}
    for name, read, is_required in _fields(kind):
        if name not in document:
            if is_required:
                raise ValueError(f"{name} is missing")
            continue
        try:
            given[name] = read(document[name])
        except (ValueError, UsageError) as error:
            raise ValueError(f"{name}: {error}") from error
    return kind(**given)


_FIELDS: dict[type, tuple[_Field, ...]] = {}


def _fields(kind: type) -> tuple[_Field, ...]:
    """How to read each field of a dataclass."""
    if kind not in _FIELDS:
        types = get_type_hints(kind)
        assert is_dataclass(kind)
        _FIELDS[kind] = tuple(
            _Field(one.name, _reader(types[one.name]), one.default is one.default_factory is MISSING)
            for one in fields(kind)
        )
    return _FIELDS[kind]


def _reader(hint: object) -> Reader:
    """How to read a value of this type."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(from_stored, hint)
    if isinstance(hint, type):
        return partial(_scalar, _SCALARS[hint]) if hint in _SCALARS else _anything
    if origin is Literal:
        return partial(_one_of, inner)
    if origin is tuple:
        return _tuple(inner)
    if origin in (Mapping, dict):
        return partial(_mapping, _reader(inner[1]))
    assert origin in (Union, UnionType), hint
    return _union(inner)


_SCALARS: Mapping[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}


def _scalar(kinds: tuple[type, ...], value: object) -> object:
    if type(value) not in kinds:
        raise ValueError(f"{value!r} is not of type {kinds[0].__name__}")
    return value


def _one_of(allowed: tuple[object, ...], value: object) -> object:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(map(repr, allowed))}")
    return value


def _anything(value: object) -> object:
    return value


def _mapping(read: Reader, value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is not an object")  # noqa: TRY004 - it is JSON that is wrong
    return {key: read(one) for key, one in value.items()}


def _tuple(inner: tuple[object, ...]) -> Reader:
    """A list, of any length where the type ends in an ellipsis."""
    is_open = inner[-1] is Ellipsis
    readers = [_reader(one) for one in (inner[:1] if is_open else inner)]

    def read(value: object) -> object:
        if not isinstance(value, list | tuple) or not (is_open or len(value) == len(readers)):
            raise ValueError(f"{value!r} is not a list{'' if is_open else f' of {len(readers)}'}")
        return tuple(
            each(one) for each, one in zip(readers * len(value) if is_open else readers, value, strict=True)
        )

    return read


def _union(kinds: tuple[object, ...]) -> Reader:
    """None where it is allowed; of several dataclasses the first whose required keys are all there."""
    readers = [(_required(one), _reader(one)) for one in kinds if one is not NoneType]
    is_optional = NoneType in kinds

    def read(value: object) -> object:
        if value is None and is_optional:
            return None
        there = value.keys() if isinstance(value, Mapping) else frozenset[str]()
        fitting = [read_it for required, read_it in readers if required <= there]
        return (fitting[0] if fitting else readers[-1][1])(value)

    return read


def _required(kind: object) -> frozenset[str]:
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return frozenset()
    return frozenset(one.name for one in _fields(kind) if one.is_required)
