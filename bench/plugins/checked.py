"""A brought method that answers for what it gives: held to the interface in each call of a stage."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from bench.errors import StageError
from bench.plugins import output_checks
from bench.plugins.audit import audited
from bench.plugins.errors import is_ours, sentence, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from methods.interface import Case

    Wrong = tuple[str, str] | None  # what was expected, and what was found


@functools.cache
def guarded(kind: type[Any], shown: str, classes: int | None = None) -> type[Any]:
    """The same method; what it raises or gives amiss is a ``StageError`` with file, member, expected, found.

    A subclass, though nothing else here overrides anything: what it can do is seen from its members, and a
    wrapper around it would hide them.

    Args:
        kind: The method's class.
        shown: What its user calls the file.
        classes: How many its probabilities are of, where it is known.
    """
    checks: dict[str, Callable[..., Wrong]] = {
        "network": lambda found, *_: output_checks.network(found),
        "loss": lambda found, _network, _batch, progress: output_checks.loss(found, progress),
        "probabilities": lambda found, _network, image: output_checks.probabilities(found, image, classes),
        "parameter_groups": output_checks.parameter_groups,
        "after_step": lambda *_: None,
        "doubt": lambda found, _network, batch: output_checks.doubt(found, batch),
        "refine": lambda found, _image, probability: output_checks.refined(found, probability),
    }
    own: dict[str, Any] = {
        member: _watched(kind, member, check, shown)
        for member, check in checks.items()
        if hasattr(kind, member)
    }
    for member in ("revise", "study"):
        if hasattr(kind, member):
            own[member] = _over_cases(kind, member, shown, classes)
    # Its file is the plug-in's, where the names in its annotations are looked up.
    return type(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__, **own})


def _watched(kind: type[Any], member: str, check: Callable[..., Wrong], shown: str) -> Callable[..., Any]:
    asked = getattr(kind, member)
    where = (shown, kind.__name__, member)

    @functools.wraps(asked)
    def answer(*given: Any) -> Any:  # noqa: ANN401 - as the member says
        found = answered(asked, given, where)
        if wrong := check(found, *given[1:]):
            raise StageError(sentence(where, *wrong))
        return found

    return answer


def _over_cases(kind: type[Any], member: str, shown: str, classes: int | None) -> Callable[..., Any]:
    """``revise`` and ``study``: what they give is held to the cases that they were given."""
    asked = getattr(kind, member)
    where = (shown, kind.__name__, member)

    @functools.wraps(asked)
    def answer(*given: Any) -> Any:  # noqa: ANN401 - as the member says
        seen: dict[str, output_checks.Seen] = {}
        place = 1 if member == "revise" else 2  # self, or self and the network, come before the cases
        streamed = _remembered(given[place], seen)
        found = answered(asked, (*given[:place], streamed, *given[place + 1 :]), where)
        check = output_checks.revised if member == "revise" else output_checks.studied
        if wrong := check(found, seen, classes):
            raise StageError(sentence(where, *wrong))
        return found

    return answer


def answered(asked: Callable[..., Any], given: tuple[Any, ...], where: tuple[str, str, str]) -> Any:  # noqa: ANN401
    """What the method gives, with an error of its own as a sentence."""
    try:
        with audited(where):
            return asked(*given)
    except Exception as error:
        if is_ours(error):
            raise
        file = getattr(sys.modules.get(asked.__module__), "__file__", "") or ""
        raise StageError(sentence(where, "an answer", told(error, file))) from error


def _remembered(cases: Iterable[Case], seen: dict[str, output_checks.Seen]) -> Iterator[Case]:
    for case in cases:
        seen[case.name] = output_checks.Seen(tuple(case.label_ijk.shape), case.is_manual)
        yield case
