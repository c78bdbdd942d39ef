"""The rotations and flips that a volume is looked at through, each with its exact inverse.

Imports no torch: a view calls what a tensor can do.
"""

# Legend: the dots are any axes before the voxel axes I J K.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

Flip = Literal["none", "in-plane", "through-plane"]

_AXIS: Mapping[Flip, frozenset[int]] = {
    "none": frozenset(),
    "in-plane": frozenset({-3}),
    "through-plane": frozenset({-1}),
}
# Quarter turns are an exchange of I and J where odd, and then a flip: one copy of a volume instead of three.
_TURNED: tuple[frozenset[int], ...] = (frozenset(), frozenset({-3}), frozenset({-3, -2}), frozenset({-2}))


@dataclass(frozen=True, slots=True)
class View:
    """Quarter turns in the plane of I and J, then a flip."""

    turns: int
    flip: Flip = "none"
    weight: int = 1  # how often it counts in a vote

    def apply(self, volume: Tensor) -> Tensor:
        """Look at (..., I, J, K) through this view; an odd turn exchanges the sizes of I and J.

        What comes back may share the volume's memory, and its strides may be exchanged.
        """
        return self._flipped(self._exchanged(volume))

    def invert(self, volume: Tensor) -> Tensor:
        """Undo ``apply``, exactly; memory as there."""
        return self._exchanged(self._flipped(volume))

    def _exchanged(self, volume: Tensor) -> Tensor:
        return volume.transpose(-3, -2) if self.turns % 2 else volume

    def _flipped(self, volume: Tensor) -> Tensor:
        axes = _TURNED[self.turns % 4] ^ _AXIS[self.flip]
        return volume.flip(sorted(axes)) if axes else volume


VIEWS: Mapping[str, tuple[View, ...]] = {
    "axial-12": tuple(
        View(turns, flip) for flip in ("none", "in-plane", "through-plane") for turns in range(4)
    ),
    "axial-4x3": (
        *(View(turns) for turns in range(4)),
        *(View(turns, "in-plane", weight=2) for turns in range(4)),
    ),
    "identity": (View(0),),
}
"""P's "combinations of four rotations and three flips", by reading.

``axial-12``: the flips are none, in-plane and through-plane; all twelve differ. ``axial-4x3``: none and
either in-plane axis, as HeartSeg's augmentation loop goes on; half a turn joins the two flips, so each of the
four reflections comes up twice and counts twice.
"""
