"""Where a doubt is measured: structure by structure, near the boundary and away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def near_boundary(
    label_ijk: NDArray[np.uint8], spacing_mm: tuple[float, float, float], band_mm: float
) -> NDArray[np.bool_]:
    """Voxels that touch one of another class, and those with one within ``band_mm``, from centre to centre.

    Args:
        label_ijk: The clean label.
        spacing_mm: Voxel size along I, J, K.
        band_mm: How far the band reaches to either side of a boundary, where voxels are smaller than that.
    """
    from scipy import ndimage

    near_ijk = _touching(label_ijk)
    found = np.unique(label_ijk)
    if len(found) == 1:
        return near_ijk  # of no other class there is no distance
    for number in found:
        own_ijk = label_ijk == number
        box = _box(own_ijk)
        distance_ijk = ndimage.distance_transform_edt(own_ijk[box], sampling=spacing_mm)
        near_ijk[box] |= own_ijk[box] & (distance_ijk <= band_mm)
    return near_ijk


def _touching(label_ijk: NDArray[np.uint8]) -> NDArray[np.bool_]:
    touching_ijk = np.zeros(label_ijk.shape, dtype=np.bool_)
    for axis in range(label_ijk.ndim):
        label, touching = np.moveaxis(label_ijk, axis, 0), np.moveaxis(touching_ijk, axis, 0)
        step = label[1:] != label[:-1]
        touching[1:] |= step
        touching[:-1] |= step
    return touching_ijk


def _box(mask_ijk: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The bounding box and one voxel around it, in which the nearest voxel outside the mask always lies."""
    box = []
    for axis, size in enumerate(mask_ijk.shape):
        others = tuple(other for other in range(mask_ijk.ndim) if other != axis)
        (found,) = np.nonzero(mask_ijk.any(axis=others))
        box.append(slice(max(int(found[0]) - 1, 0), min(int(found[-1]) + 2, size)))
    return tuple(box)


def of_structure(
    clean_ijk: NDArray[np.uint8], noisy_ijk: NDArray[np.uint8], number: int
) -> NDArray[np.bool_]:
    """The voxels that the clean or the noisy label gives to a structure: all on which it can be wrong."""
    mask_ijk: NDArray[np.bool_] = (clean_ijk == number) | (noisy_ijk == number)
    return mask_ijk


def regions(band_ijk: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """All voxels, those of the boundary's band, and the interior: every other, background far away too."""
    return {"all": np.ones_like(band_ijk), "boundary": band_ijk, "interior": ~band_ijk}
