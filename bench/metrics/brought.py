"""Metrics that installed packages bring: the one place where a name becomes one."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from bench.errors import BenchError, StageError, UsageError, unknown
from bench.metrics.definition import UNITS
from bench.metrics.extra import LARGEST, Brought, is_number, kind_of, wrong_worst
from bench.plugins import installed
from bench.plugins.faults import PluginError, misfit, told
from bench.plugins.fence import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GROUP: Final = "bench.metrics"
NAME: Final = re.compile("[a-z][a-z0-9-]{0,39}")  # no underscore: reports join structure and metric by one
RESERVED: Final = (
    *("run", "dataset", "method", "xi", "seed", "split", "role", "member", "variant", "noise", "recipe"),
    *("case", "structure", "metric", "value", "unit", "definition", "status", "stage", "commit"),
    *("failed", "empty", "drawn", "missed", "number", "cases", "seeds", "results", "mean", "rank", "all"),
)
"""Names of columns in records and in tables of a report."""


def names() -> list[str]:
    """What installed packages bring under a name of its own; nothing is imported."""
    return [name for name in installed.names(GROUP) if name not in UNITS]


def demand(wanted: Sequence[str], where: str) -> None:
    """Refuse, before anything is computed, what cannot be measured.

    Raises:
        UsageError: A name is taken or nobody brings it; or what is brought is no metric (``PluginError``).
    """
    for name in wanted:
        if name in UNITS:
            raise UsageError(f"{where}: {name!r} is a metric of bench, which no package can replace.")
        known = names()
        if name not in known:
            if not known:
                raise UsageError(f"{where}: no installed package brings a metric, {name[:60]!r} neither.")
            raise unknown("metric", name, known, where=where)
        metric(name)


def settings_of(wanted: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the settings of a stage say of these metrics beside their names; nothing where there is none."""
    if not wanted:
        return {}
    every = {name: metric(name) for name in wanted}
    return {
        "plugins": {name: one.origin for name, one in every.items()},
        "units": {name: one.metric.unit for name, one in every.items()},
    }


def planned(wanted: Sequence[str], origins: Mapping[str, str]) -> list[Brought]:
    """The metrics that a stage was planned with.

    Raises:
        StageError: A package is gone, or is not the one that the stage was planned with.
    """
    found = []
    for name in wanted:
        if name not in names():
            raise StageError(
                f"metric {name!r} was planned with {origins[name]}, which is not installed here."
            )
        one = metric(name)
        if one.origin != origins[name]:
            raise StageError(f"metric {name!r} was planned with {origins[name]}, and here is {one.origin}.")
        found.append(one)
    return found


@functools.cache
def metric(name: str) -> Brought:
    """What a package brings under one of ``names``.

    Raises:
        PluginError: It is no metric.
    """
    found = installed.load(GROUP, name)
    kind, where = found.thing, (found.shown, name)
    if not isinstance(kind, type):
        raise misfit(where, "a class", repr(kind), check="members")
    where = (found.shown, kind.__name__)
    try:
        with fenced(where):
            one = kind()
            wrong = next(_wrong(one, name), None)
    except BenchError as error:
        raise PluginError(str(error), "members") from error
    except Exception as error:
        raise misfit(
            where, "to be made without arguments", told(error, found.path), check="members"
        ) from error
    if wrong:
        member, *rest = wrong
        raise misfit((*where, member), *rest, check="members")
    return Brought(one, found.shown, found.origin)


def _wrong(one: Any, name: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - anything may be brought
    """Member, what was expected and what was found; the first is told."""
    for member in ("name", "unit", "better", "worst", "best", "__call__"):
        if not hasattr(one, member):
            yield member, "it to be there", "nothing"
    if one.name != name:
        yield "name", f"{name!r}, as its entry point says", repr(one.name)
    if not NAME.fullmatch(name) or name in RESERVED:
        yield "name", "small letters, digits and hyphens, and no name of a column", repr(name)
    if not isinstance(one.unit, str) or not one.unit.isprintable() or len(one.unit) > 20:
        yield "unit", "a word such as 'ml', or ''", repr(one.unit)
    if one.better not in ("higher", "lower"):
        yield "better", "'higher' or 'lower'", repr(one.better)
    if not is_number(one.best):
        yield "best", f"a finite number up to {LARGEST:.0e}", kind_of(one.best)
    if not callable(one.worst) and (wrong := wrong_worst(one, one.worst)):
        yield "worst", *wrong
