"""Python values as the words of a request, for callers that have no command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from operator import index
from typing import TYPE_CHECKING, SupportsIndex

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DIGITS = ".7g"
"""Of a share that is a float: 0.1 + 0.2 is 0.3, and so is 0.3 in single precision."""


def comma_separated(names: str | Sequence[str]) -> str:
    """Names with commas between."""
    return names if isinstance(names, str) else ",".join(names)


def share_text(xi: str | float | Decimal | Iterable[str | float | Decimal]) -> str:
    """One share or several as the grammar of ``--xi`` has them."""
    if isinstance(xi, str | Decimal):
        return str(xi)
    return ",".join(map(share_text, xi)) if isinstance(xi, Iterable) else format(xi, DIGITS)


def seeds_text(seeds: str | SupportsIndex | Iterable[int]) -> str:
    """A number of seeds, or a list of them, as ``--seeds`` has them."""
    if isinstance(seeds, str):
        return seeds
    if isinstance(seeds, Iterable):
        return ",".join(map(str, seeds)) + ","  # the last comma tells the seed 5 from five seeds
    return str(index(seeds))


def assignments(settings: Mapping[str, object]) -> tuple[str, ...]:
    """Settings by dotted name, or tables of them in one another, as ``--set`` has them.

    Raises:
        UsageError: A value that no setting can have.
    """
    return tuple(f"{name}={_literal(name, value)}" for name, value in _leaves("", settings))


def _leaves(above: str, settings: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _leaves(f"{above}{name}.", value)
        else:
            yield f"{above}{name}", value


def _literal(name: str, value: object) -> str:
    """A value as JSON, which TOML reads alike: text, numbers, true and false, lists of them."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_from_numpy)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"settings: {name} is {value!r}; expected a number, a text, true or false, or a list of them."
        ) from error


def _from_numpy(value: object) -> object:
    """The Python value of a numpy number or array.

    Raises:
        TypeError: It is neither.
    """
    plain = getattr(value, "tolist", None)
    if not callable(plain):
        raise TypeError(f"{type(value).__name__} is no value of a setting")
    found: object = plain()
    return found
