"""Metrics beside the built-in ones: what one is, and how it is measured."""

# Legend: I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, Protocol

import numpy as np

from bench.errors import StageError
from bench.metrics.definition import Measure
from bench.plugins.faults import sentence
from bench.plugins.guard import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.metrics.arrays import Labels, Mask, Spacing, Triple

LARGEST: Final = 1e15
"""Of a value: tables and reports take none beyond it."""


class Metric(Protocol):
    """A class that is made without arguments and called for each structure that both sides have.

    An empty mask is not shown to it: what only one side has is ``worst`` and what neither has is ``best``,
    as with the built-in metrics (docs/decisions/0011). No value may be worse than ``worst``, for then whoever
    predicts nothing would improve a mean.

    Attributes:
        name: Of its entry point, and of its rows: small letters, digits and hyphens.
        unit: ``mm``, ``ml``, or empty for a pure number.
        better: Whether a higher or a lower value is the better one.
        worst: A finite number, or where it hangs on the volume a method of its shape (voxels along I, J, K)
            and spacing (mm) that gives one.
        best: A finite number.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"]]
    best: ClassVar[float]

    @property
    def worst(self) -> float | Callable[[Triple, Spacing], float]:
        """What a structure is given that only one side has."""
        ...

    def __call__(self, predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing) -> float:
        """The value of one structure of one case.

        Args:
            predicted_ijk: Where it is predicted, read-only, not empty.
            reference_ijk: Where it is, read-only, not empty, of the same shape.
            spacing_mm: Voxel size along I, J, K.
        """
        ...


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


def wrong_worst(one: Metric, worst: Any) -> tuple[str, str] | None:  # noqa: ANN401 - anything may be given
    """What was expected of ``worst`` and what was found, where they differ."""
    if not is_number(worst):
        return f"a finite number up to {LARGEST:.0e}", kind_of(worst)
    if (worst < one.best) != (one.better == "higher") or worst == one.best:
        return f"a number worse than best, {one.best:g}, where {one.better} is better", f"{worst:g}"
    return None


def is_number(found: Any) -> bool:  # noqa: ANN401 - anything may be given
    """Whether it is a real number that tables take."""
    is_real = isinstance(found, int | float | np.floating) and not isinstance(found, bool)
    return is_real and math.isfinite(found) and abs(found) <= LARGEST


def kind_of(found: Any) -> str:  # noqa: ANN401 - anything may be given
    """What was found, in a few words."""
    return f"{type(found).__name__} {found!r}"
