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

_AXIS: Mapping[Flip, tuple[int, ...]] = {"none": (), "in-plane": (-3,), "through-plane": (-1,)}


@dataclass(frozen=True, slots=True)
class View:
    """Quarter turns in the plane of I and J, then a flip."""

    turns: int
    flip: Flip = "none"
    weight: int = 1  # how often it counts in a vote

    def apply(self, volume: Tensor) -> Tensor:
        """Look at (..., I, J, K) through this view; an odd turn exchanges the sizes of I and J."""
        return volume.rot90(self.turns, (-3, -2)).flip(_AXIS[self.flip])

    def invert(self, volume: Tensor) -> Tensor:
        """Undo ``apply``, exactly."""
        return volume.flip(_AXIS[self.flip]).rot90(-self.turns, (-3, -2))


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
