"""The words ``KIND:RATE[,RATE...][;KIND:RATE...]`` -> kinds and rates as decimal text."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from bench.data.noise.registry import KINDS
from bench.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

GRAMMAR: Final = "KIND:RATE such as markov:0.2, several rates as markov:0.1,0.2, several kinds with ; between"
TOGETHER: Final = "+"
_FINEST: Final = Decimal("0.000001")
_MOST = 1000  # of kind and rate
_LONGEST = 20_000  # letters


def kind_of(text: str, known: Iterable[str] = KINDS) -> str:
    """The kind, or the combination ``a+b``, that a word names, without spaces.

    Raises:
        UsageError: An unknown kind, with the nearest known one, or one twice in a combination.
    """
    names, parts = list(known), [part.strip() for part in text.split(TOGETHER)]
    for part in parts:
        if part not in names:
            raise unknown("kind of noise", part, names)
    if len(set(parts)) < len(parts):
        raise UsageError(f"noise {text[:200]!r} names a kind twice; a combination takes each once.")
    return TOGETHER.join(parts)


def parse(text: str, known: Iterable[str] = KINDS) -> list[tuple[str, str]]:
    """Kinds and rates, each pair once, in the order of the words.

    Raises:
        UsageError: Another form, an unknown kind, or a rate outside (0, 1] or finer than a millionth.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"noise has {len(text):,} letters; expected {GRAMMAR}.")
    names, found = list(known), dict[tuple[str, str], None]()
    for piece in text.split(";"):
        kind, colon, rates = piece.partition(":")
        if not colon:
            raise UsageError(f"noise {piece.strip()[:200]!r} has no rate; expected {GRAMMAR}.")
        kind = kind_of(kind, names)
        found.update(dict.fromkeys((kind, rate_of(rate)) for rate in rates.split(",")))
        if len(found) > _MOST:
            raise UsageError(f"noise has more than {_MOST} kinds and rates, the most that a sweep takes.")
    return list(found)


def rate_of(text: str) -> str:
    """One rate as decimal text without needless zeros.

    Raises:
        UsageError: Not a number in (0, 1], or finer than a millionth.
    """
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"noise rate {text.strip()[:200]!r} is not a number; expected {GRAMMAR}.") from None
    if not rate.is_finite() or not 0 < rate <= 1 or len(text.strip()) > 12:
        raise UsageError(
            f"noise rate {text.strip()[:200]!r} is outside (0, 1]: it is the share of a structure's voxels "
            f"that end up wrong."
        )
    if rate < _FINEST or rate.normalize() % _FINEST:
        raise UsageError(f"noise rate {text.strip()!r} is finer than {_FINEST}, a millionth.")
    return format(rate.normalize(), "f")
