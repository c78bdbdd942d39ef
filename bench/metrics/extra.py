"""Metrics beside the built-in ones: what one is, and how it is measured."""

# Legend: I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Protocol, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.metrics.arrays import Mask, Spacing, Triple

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


def wrong_worst(one: Metric, worst: object) -> tuple[str, str] | None:
    """What was expected of ``worst`` and what was found, where they differ."""
    if not is_number(worst):
        return f"a finite number up to {LARGEST:.0e}", kind_of(worst)
    if (worst < one.best) != (one.better == "higher") or worst == one.best:
        return f"a number worse than best, {one.best:g}, where {one.better} is better", f"{worst:g}"
    return None


def is_number(found: object) -> TypeGuard[float]:
    """Whether it is a real number that tables take."""
    if isinstance(found, bool) or not isinstance(found, int | float | np.floating):
        return False
    return math.isfinite(found) and abs(float(found)) <= LARGEST


def kind_of(found: object) -> str:
    """What was found, in a few words."""
    return f"{type(found).__name__} {found!r}"
