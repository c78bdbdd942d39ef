"""A module -> the methods in it, each held to the interface's members before anything is computed."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from bench.errors import UsageError
from bench.plugins.errors import misfit, told
from bench.settings.serialise import build, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

MUST = ("name", "version", "reference", "networks", "network", "loss", "probabilities")
ENOUGH = 3  # of these members make a class one that means to be a method
TAKES = {
    "network": ("channels", "classes", "stream"),
    "loss": ("network", "batch", "progress"),
    "probabilities": ("network", "image_bcijk"),
    "parameter_groups": ("network",),
    "after_step": ("network", "step"),
    "revise": ("cases", "predict", "progress"),
    "refine": ("image_cijk", "probability_nijk"),
    "study": ("network", "cases", "predict", "progress"),
    "doubt": ("network", "batch"),
    "weights": ("network", "image_bcijk"),
    "layers": ("network",),
    "fits": ("channels", "classes"),
}
"""What each member that is called is given; from the seventh class member on they are optional."""
BESIDE = {"revise": "revisions", "revisions": "revise", "study": "studies", "studies": "study"}
"""Of these neither means anything without the other."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 40


def methods_in(module: ModuleType, shown: str) -> list[type[Any]]:
    """The classes that ``METHODS`` of the file lists; without it, every public class in it that is a method.

    Raises:
        PluginError: There is none, or a listed one is no class.
    """
    if hasattr(module, "METHODS"):
        listed = module.METHODS
        if not isinstance(listed, tuple | list) or not all(isinstance(one, type) for one in listed):
            raise misfit((shown, "METHODS"), "a tuple of classes", repr(listed), check="members")
        return list(listed)
    own = [
        one
        for name, one in vars(module).items()
        if isinstance(one, type) and one.__module__ == module.__name__ and not name.startswith("_")
    ]
    found = [one for one in dict.fromkeys(own) if _means_to_be_one(one)]
    if not found:
        names = ", ".join(one.__name__ for one in own) or "no class"
        raise misfit((shown,), f"a class with {', '.join(MUST)}", names, check="members")
    return found


def _means_to_be_one(kind: type[Any]) -> bool:
    is_layer = any(base.__module__.startswith("torch.") for base in kind.__mro__)
    return not is_layer and sum(_has(kind, member) for member in MUST) >= ENOUGH


def _has(kind: type[Any], member: str) -> bool:
    return hasattr(kind, member) or member in getattr(kind, "__dataclass_fields__", {})


def demand_method(kind: type[Any], shown: str, path: str, reserved: Iterable[str]) -> Any:  # noqa: ANN401 - a method
    """The method with its default settings, once it has all members of the interface.

    Args:
        kind: The method's class.
        shown: What its user calls the file.
        path: The file, for the line of an error.
        reserved: Names that mean something else.

    Raises:
        PluginError: With the first that is amiss.
    """
    where = (shown, kind.__name__)
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        found = "a dataclass that is not frozen" if dataclasses.is_dataclass(kind) else "a plain class"
        raise misfit(where, "a frozen dataclass: @dataclass(frozen=True)", found, check="settings")
    if lacking := [member for member in MUST if not _has(kind, member)]:
        raise misfit((*where, lacking[0]), _wanted(lacking[0]), "nothing", check="members")
    try:
        one = kind()
    except Exception as error:
        raise misfit(where, "a default for every setting", told(error, path), check="settings") from error
    _demand_data(one, where, reserved)
    _demand_calls(one, where)
    _demand_shares(one, where)
    _demand_settings(one, where)
    return one


def _wanted(member: str) -> str:
    return f"a method ({', '.join(TAKES[member])})" if member in TAKES else "it to be there"


def _demand_data(one: Any, where: tuple[str, str], reserved: Iterable[str]) -> None:  # noqa: ANN401 - a method
    taken = set(reserved)
    wanted: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
        ("name", "text", lambda it: isinstance(it, str)),
        ("name", "a name in lower case with dashes, as my-loss, of at most 40 letters", is_name),
        ("name", "a name that means nothing else yet", lambda it: it not in taken),
        ("version", "a whole number from 1 up", _is_count),
        ("reference", "where it comes from, in words", lambda it: isinstance(it, str) and bool(it.strip())),
        ("networks", "a whole number from 1 up", _is_count),
    )
    for member, expected, fits in wanted:
        value = getattr(one, member)
        if not fits(value):
            raise misfit((*where, member), expected, repr(value), check="members")


def is_name(value: str) -> bool:
    """Whether a method may bear it."""
    return len(value) <= LONGEST_NAME and _NAME.fullmatch(value) is not None


def _is_count(value: Any) -> bool:  # noqa: ANN401 - anything
    return type(value) is int and value >= 1


def _demand_calls(one: Any, where: tuple[str, str]) -> None:  # noqa: ANN401 - a method
    for member, given in TAKES.items():
        if not hasattr(one, member):
            continue
        called = getattr(one, member)
        if not callable(called):
            raise misfit((*where, member), _wanted(member), repr(called), check="members")
        signature = inspect.signature(called)
        try:
            signature.bind(*given)
        except TypeError as error:
            found = f"({', '.join(signature.parameters)})"
            raise misfit((*where, member), _wanted(member), found, check="members") from error


def _demand_shares(one: Any, where: tuple[str, str]) -> None:  # noqa: ANN401 - a method
    for member, other in BESIDE.items():
        if hasattr(one, member) and not hasattr(one, other):
            raise misfit((*where, other), f"it beside {member}", "nothing", check="members")
    for member, least in (("revisions", "more than 0"), ("studies", "from 0")):
        shares = getattr(one, member, ())
        if not isinstance(shares, tuple) or not all(_is_share(it, zero=least == "from 0") for it in shares):
            expected = f"a tuple of shares of the steps, {least} and less than 1"
            raise misfit((*where, member), expected, repr(shares), check="members")
        if list(shares) != sorted(set(shares)) or (hasattr(one, member) and not shares):
            raise misfit((*where, member), "at least one share, ascending", repr(shares), check="members")
    judges = getattr(one, "judges", None)
    if hasattr(one, "study") and not (type(judges) is int and judges >= 0 and judges != 1):
        found = repr(getattr(one, "judges", "nothing"))
        raise misfit((*where, "judges"), "a number of networks, 0 or 2 and more", found, check="members")


def _is_share(value: Any, *, zero: bool) -> bool:  # noqa: ANN401 - anything
    return isinstance(value, int | float) and (0 <= value < 1 if zero else 0 < value < 1)


def _demand_settings(one: Any, where: tuple[str, str]) -> None:  # noqa: ANN401 - a method
    """They must come back from JSON as they were, for so they travel to where a stage is made."""
    for found in _unhashable(one):
        raise misfit(where, "settings that cannot change", found, check="settings")
    try:
        back = build(type(one), json.loads(json.dumps(plain(one))), "its settings")
    except (UsageError, TypeError, ValueError, NameError, AttributeError) as error:
        raise misfit(where, "settings of plain values", told(error, ""), check="settings") from error
    if back != one:
        raise misfit(where, f"settings that JSON gives back as {one!r}", repr(back), check="settings")


def _unhashable(one: Any) -> Iterator[str]:  # noqa: ANN401 - a method
    for field in dataclasses.fields(one):
        try:
            hash(getattr(one, field.name))
        except TypeError:
            yield f"{field.name}, a {type(getattr(one, field.name)).__name__}"
