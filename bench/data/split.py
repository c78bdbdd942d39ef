"""Which training cases keep their manual label: shares, quotas, nested splits."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAMMAR = "a share such as 0.3, a list such as 0.3,0.5, or a range such as 0.1:0.9 or 0.1:0.9:0.2"
MOST = 1000  # shares of a sweep
LONGEST = 20_000  # letters: more than the longest list of so many
FINEST = Decimal("0.000001")  # shares and steps are multiples of it


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"ξ {text!r} is not a number; expected {GRAMMAR}.") from None
    if not share.is_finite() or not 0 < share < 1 or len(text.strip()) > 12:
        raise UsageError(f"ξ {text!r} is outside (0, 1); expected {GRAMMAR}.")
    if share < FINEST or share.normalize() % FINEST:
        raise UsageError(f"ξ {text!r} is finer than {FINEST}, a millionth; expected {GRAMMAR}.")
    return share


def _range(text: str) -> list[Decimal]:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise UsageError(f"ξ {text!r} has {len(parts)} parts; expected {GRAMMAR}.")
    first, last = _share(parts[0]), _share(parts[1])
    step = _share(parts[2]) if len(parts) == 3 else Decimal("0.1")
    if first > last:
        raise UsageError(f"ξ {text!r} runs backwards; write {parts[1]}:{parts[0]}.")
    count = int((last - first) / step)
    if count > MOST:
        raise UsageError(f"ξ {text!r} has {count + 1} values; the most is {MOST}.")
    return [first + step * k for k in range(count + 1)]


def shares(text: str) -> list[str]:
    """Parse the ξ grammar into decimals as text, ascending, each once.

    Raises:
        UsageError: Not a number, outside (0, 1), finer than a millionth, reversed, or empty.
    """
    if len(text) > LONGEST:
        raise UsageError(f"ξ has {len(text):,} letters; expected {GRAMMAR}.")
    found: set[Decimal] = set()
    for piece in text.split(","):
        found.update(_range(piece) if ":" in piece else [_share(piece)])
        if len(found) > MOST:
            raise UsageError(f"ξ {text!r} has more than {MOST} values, the most that a sweep takes.")
    return [format(share.normalize(), "f") for share in sorted(found)]


def quota(xi: str, num_cases: int) -> int:
    """The number of manual scans: ξ·n rounded half up, at least 1, at most n - 1; all of them at ξ = 1."""
    assert num_cases >= 2, "a data set has at least two training cases"
    if Decimal(xi) == 1:
        return num_cases
    wanted = int((Decimal(xi) * num_cases).to_integral_value(ROUND_HALF_UP))
    return min(max(wanted, 1), num_cases - 1)


def first_of_each(xis: Sequence[str], num_cases: int) -> dict[str, str]:
    """Each ξ, ascending -> the smallest that keeps as many manual scans, under which it is planned."""
    first: dict[int, str] = {}
    ascending = sorted(xis, key=Decimal)
    return {xi: first.setdefault(quota(xi, num_cases), xi) for xi in ascending}


def realised(xi: str, num_cases: int) -> Decimal:
    """The share that ξ comes to on so many cases, to four digits."""
    return round(Decimal(quota(xi, num_cases)) / num_cases, 4).normalize()


def other_shares(xis: Sequence[str], num_cases: int) -> list[str]:
    """A phrase for each ξ that is another on so many cases: planned as a smaller one, or rounded to it.

    The share that it comes to is held against ξ with the digits that ξ was asked for with.
    """
    said = []
    for xi, planned in first_of_each(xis, num_cases).items():
        share = realised(xi, num_cases)
        other = planned if planned != xi else format(share, "f")
        if planned != xi or share.quantize(Decimal(xi), ROUND_HALF_UP) != Decimal(xi):
            said.append(f"{xi} is {other} here: {quota(xi, num_cases)} of {num_cases} scans")
    return said


def manual_cases(cases: Sequence[str], xi: str, *, dataset: str, seed: int) -> tuple[str, ...]:
    """The cases that keep their manual label, sorted; nested in ξ for one seed.

    The order is drawn from the data set's name and the seed, never from ξ: that is what nests them.
    """
    order = generator(f"split/{dataset}/{seed}", "order").permutation(len(cases))
    in_order = sorted(cases)
    chosen = [in_order[place] for place in order[: quota(xi, len(cases))]]
    return tuple(sorted(chosen))


def dealt(
    cases: Sequence[str], manual: Sequence[str], count: int, *, dataset: str, seed: int
) -> list[tuple[str, ...]]:
    """The cases in so many parts of nearly equal size, each with its share of the manual ones, sorted.

    Raises:
        UsageError: There are fewer cases than parts.
    """
    if not 2 <= count <= len(cases):
        raise UsageError(
            f"{dataset} has {len(cases)} training cases, which cannot be dealt to {count} judges."
        )
    order = generator(f"split/{dataset}/{seed}", "judges").permutation(len(cases))
    in_order = [sorted(cases)[place] for place in order]
    in_order.sort(
        key=lambda case: case not in manual
    )  # stable: the manual ones first, so that they are dealt
    return [tuple(sorted(in_order[first::count])) for first in range(count)]
