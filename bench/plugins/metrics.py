"""Metrics that installed packages bring: the one place where a name becomes one."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from bench.errors import BenchError, StageError, UsageError, unknown
from bench.metrics.definition import UNITS, Measure
from bench.metrics.extra import LARGEST, Metric, is_number, kind_of, wrong_worst
from bench.plugins import entry_points
from bench.plugins.audit import audited
from bench.plugins.checked import answered
from bench.plugins.errors import PluginError, misfit, sentence, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.metrics.arrays import Labels, Mask, Spacing

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
    return [name for name in entry_points.names(GROUP) if name not in UNITS]


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
    found = entry_points.load(GROUP, name)
    kind, where = found.thing, (found.shown, name)
    if not isinstance(kind, type):
        raise misfit(where, "a class", repr(kind), check="members")
    where = (found.shown, kind.__name__)
    try:
        with audited(where):
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


class Brought(NamedTuple):
    """A metric and who brings it."""

    metric: Metric
    shown: str  # package and version, for sentences
    origin: str  # package, version and checksum of the module, for keys


def measure(
    every: Sequence[Brought],
    maps_ijk: tuple[Labels, Labels],
    spacing_mm: Spacing,
    structures: Sequence[int],
    definition: str,
) -> Iterator[Measure]:
    """Each metric of each structure, structures in the order given.

    Args:
        every: The metrics that the stage was planned with.
        maps_ijk: Predicted label map and its reference, of one shape.
        spacing_mm: Voxel size along I, J, K.
        structures: The labels to measure.
        definition: Of the built-in metrics, to be written beside it.

    Raises:
        StageError: A metric raises or gives what is none of its values; package and member are named.
    """
    for label in structures if every else ():
        predicted_ijk, reference_ijk = (np.asarray(labels_ijk == label) for labels_ijk in maps_ijk)
        for mask_ijk in (predicted_ijk, reference_ijk):
            mask_ijk.flags.writeable = False  # the next metric is shown the same
        is_predicted, is_there = bool(predicted_ijk.any()), bool(reference_ijk.any())
        for one in every:
            worst = _worst(one, predicted_ijk, spacing_mm)
            if is_predicted and is_there:
                value, status = _value(one, (predicted_ijk, reference_ijk, spacing_mm), worst), "ok"
            elif not is_predicted and not is_there:
                value, status = float(one.metric.best), "both_empty"
            else:
                value, status = worst, "empty_reference" if is_predicted else "empty_prediction"
            yield Measure(label, one.metric.name, value, one.metric.unit, definition, status)


def _value(one: Brought, given: tuple[Mask, Mask, Spacing], worst: float) -> float:
    where = (one.shown, type(one.metric).__name__, "__call__")
    found = answered(one.metric.__call__, given, where)
    if not is_number(found) or isinstance(found, int):
        raise StageError(sentence(where, f"a finite float up to {LARGEST:.0e}", kind_of(found)))
    value = float(found)
    beyond = worst - value if one.metric.better == "higher" else value - worst
    if beyond > 1e-9 * (1 + abs(worst)):  # more than rounding
        wanted = f"no value worse than {worst:g}, its worst (a prediction of nothing would be better)"
        raise StageError(sentence(where, wanted, f"{value:g}"))
    return value


def _worst(one: Brought, mask_ijk: Mask, spacing_mm: Spacing) -> float:
    worst: Any = one.metric.worst
    where = (one.shown, type(one.metric).__name__, "worst")
    if callable(worst):
        worst = answered(worst, (mask_ijk.shape, spacing_mm), where)
    if wrong := wrong_worst(one.metric, worst):
        raise StageError(sentence(where, *wrong))
    return float(worst)
