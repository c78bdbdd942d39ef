"""The checks by name, and a method held to all of them."""

from __future__ import annotations

import sys
import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bench.checks.method import outputs, side_effects
from bench.checks.method.subject import Subject
from bench.errors import BenchError, StageError
from bench.plugins import methods
from bench.plugins.audit import collected
from bench.plugins.checked import guarded
from bench.plugins.errors import PluginError, sentence, told
from bench.plugins.interface_checks import demand_method
from bench.seeding import torch_stream
from methods.registry import why_unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from methods.interface import Method

State = Literal["pass", "fail", "none"]


class Finding(NamedTuple):
    """A check: passed, failed with the reason, or of something that the method does not declare."""

    check: str
    state: State
    why: str = ""


FIRST = ("imports", "members", "settings")
"""Without these there is nothing that could be tried further."""
CHECKS: Mapping[str, Callable[[Subject], str | None]] = {
    "network": outputs.builds,
    "probabilities": outputs.predicts,
    "loss": outputs.loses,
    "gradients": outputs.gives_gradients,
    "missing classes": outputs.bears_missing_classes,
    "manual or not": outputs.bears_any_mix,
    "weights stay": side_effects.leaves_parameters_alone,
    "repeatable": side_effects.repeats,
    "saved": side_effects.saves,
    "by heart": outputs.learns_by_heart,
    "test labels": side_effects.sees_no_test_label,
    "doubt": outputs.doubts,
    "weights shown": outputs.weighs,
    "after step": outputs.steps_after,
    "start": outputs.starts,
    "revise": outputs.revises,
    "refine": outputs.refines,
    "study": outputs.studies,
    "cost": side_effects.tells_its_cost,
    "global state": side_effects.touches_nothing_global,
    "files": side_effects.stays_inside,
}
"""Each says what it checks in its first line; a check that does not concern the method says why not."""
FITS = ((1, 3), (2, 3), (4, 5), (1, 2))
"""Channels and classes that are tried, in turn."""


def held_to_contract(
    method: Method, shown: str, checks: Collection[str] = tuple(CHECKS)
) -> Iterator[Finding]:
    """All checks of a method, in turn.

    Args:
        method: With the settings that it is to be tried with.
        shown: What its user calls its file.
        checks: Those that are made beside the first; all.
    """
    kind = type(method)
    file = getattr(sys.modules.get(kind.__module__), "__file__", "") or ""
    try:
        demand_method(kind, shown, file, methods.RESERVED)
        subject = _subject(method, shown)
    except PluginError as error:
        yield from unloaded(error)
        return
    yield from (Finding(check, "pass") for check in FIRST)
    for name in checks:
        yield _found(name, CHECKS[name], subject, file)


def unloaded(error: PluginError) -> Iterator[Finding]:
    """The findings of a plug-in that could not be loaded: those before the fault, and the fault."""
    for check in FIRST:
        if check == error.check:
            yield Finding(check, "fail", str(error))
            return
        yield Finding(check, "pass")


def _subject(method: Method, shown: str) -> Subject:
    kind: type[Any] = type(method)
    where = (shown, kind.__name__)
    for channels, classes in FITS:
        if not why_unfit(method, channels, classes):
            answering = guarded(kind, shown, classes)  # type: ignore[arg-type] # a class is hashable
            settings = {field.name: getattr(method, field.name) for field in fields(kind) if field.init}
            return Subject(answering(**settings), where, channels, classes, side_effects.torch_settings())
    tried = ", ".join(f"{channels} channels with {classes} classes" for channels, classes in FITS)
    raise PluginError(sentence((*where, "fits"), f"some data to fit, of {tried}", "none"), "members")


def _found(name: str, check: Callable[[Subject], str | None], subject: Subject, file: str) -> Finding:
    """What came of one check; each starts from a random state of its own."""
    try:
        with torch_stream("contract", name), warnings.catch_warnings(), collected():
            warnings.simplefilter("ignore")
            said = check(subject)
    except StageError as error:
        return Finding(name, "fail", str(error))
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, BenchError):
            raise
        found = told(error, file)
        return Finding(name, "fail", sentence(subject.where, f"to get through {name!r}", found))
    return Finding(name, "none", said) if said else Finding(name, "pass")


def shown_of(method: Method) -> str:
    """What to call the file of a method: as its user does, or by its path from the repository."""
    origin = methods.shown(method.name)
    if origin != "bench":
        return origin
    path = Path(getattr(sys.modules[type(method).__module__], "__file__", "") or "")
    return "/".join(path.parts[-2:])
