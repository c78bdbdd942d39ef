"""One structure's surroundings: its box, how far each voxel is from its boundary, what lies beyond."""

# Legend: I J K voxel axes of the whole volume, or of the box around one structure.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import Spacing

Box = tuple[slice, slice, slice]
_BLUR_VOXELS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A structure in its box.

    Attributes:
        box: Where the arrays lie in the volume.
        mask_ijk: The structure.
        distance_mm_ijk: From each voxel of the structure to the nearest voxel that is not of it, and from
            each other voxel to the nearest voxel of it, centre to centre; infinite where there is none.
        other_ijk: What the nearest voxel that is not of the structure is; background where there is none.
    """

    box: Box
    mask_ijk: NDArray[np.bool_]
    distance_mm_ijk: NDArray[np.float64]
    other_ijk: NDArray[np.uint8]

    def occupancy_ijk(self) -> NDArray[np.float64]:
        """How much of the neighbourhood is of the structure: where the boundary passes inside a voxel."""
        return np.asarray(
            ndimage.gaussian_filter(self.mask_ijk.astype(np.float64), _BLUR_VOXELS, mode="nearest")
        )


def box_around(mask_ijk: NDArray[np.bool_], margin: tuple[int, int, int] = (1, 1, 1)) -> Box:
    """The smallest box around a mask that is not empty, with a margin in voxels inside the volume."""
    sides = []
    for axis, wide in enumerate(margin):
        others = tuple(one for one in range(3) if one != axis)
        there = np.flatnonzero(mask_ijk.any(axis=others))
        sides.append(slice(max(int(there[0]) - wide, 0), int(there[-1]) + 1 + wide))
    return sides[0], sides[1], sides[2]


def radius_mm(num_voxels: int, spacing_mm: Spacing) -> float:
    """Of the ball of as many voxels."""
    return float((num_voxels * np.prod(spacing_mm) * 3 / (4 * np.pi)) ** (1 / 3))


def reach(num_voxels: int, spacing_mm: Spacing) -> tuple[int, int, int]:
    """Voxels along each axis within which a structure can gain as many voxels as it has.

    A ball gains least for its size: it doubles when its radius has grown by 0.26. The rest is for what the
    volume's edge and other structures take.
    """
    far_mm = 0.5 * radius_mm(num_voxels, spacing_mm)
    i, j, k = (int(np.ceil(far_mm / size)) + 2 for size in spacing_mm)
    return i, j, k


def surroundings(label_ijk: NDArray[np.uint8], structure: int, spacing_mm: Spacing) -> Surroundings:
    """Of a structure that is not empty."""
    whole_ijk = label_ijk == structure
    box = box_around(whole_ijk, reach(int(whole_ijk.sum()), spacing_mm))
    mask_ijk = whole_ijk[box]
    distance_ijk = distance_to(mask_ijk, spacing_mm)
    other_ijk = np.zeros(mask_ijk.shape, np.uint8)
    if not mask_ijk.all():
        inner_ijk, nearest = ndimage.distance_transform_edt(
            mask_ijk, sampling=spacing_mm, return_indices=True
        )
        other_ijk = label_ijk[box][tuple(nearest)]
        distance_ijk = np.where(mask_ijk, inner_ijk, distance_ijk)
    else:
        distance_ijk = np.full(mask_ijk.shape, np.inf)
    return Surroundings(box, mask_ijk, distance_ijk, other_ijk)


def distance_to(mask_ijk: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.float64]:
    """Millimetres from each voxel's centre to the nearest of the mask; infinite where it is empty."""
    if not mask_ijk.any():
        return np.full(mask_ijk.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask_ijk, sampling=spacing_mm))


def places(box: Box, shape: tuple[int, ...], where_ijk: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places in the flattened volume of what is marked in a box, in the order of the volume."""
    inside = np.nonzero(where_ijk)
    found = np.ravel_multi_index(
        tuple(axis + side.start for axis, side in zip(inside, box, strict=True)), shape
    )
    return np.asarray(found, dtype=np.int64)
