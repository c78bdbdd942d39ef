"""More voxels for the same place: images linearly, label maps by the nearest voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def zoomed_image(image_cijk: NDArray[np.float32], zoom: tuple[float, float, float]) -> NDArray[np.float32]:
    """The image with ``zoom`` times as many voxels an axis, linearly between their centres."""
    if tuple(zoom) == (1, 1, 1):
        return image_cijk
    from scipy import ndimage

    made: NDArray[np.float32] = ndimage.zoom(image_cijk, (1, *zoom), order=1, mode="nearest", grid_mode=True)
    return made


def resampled_map(map_ijk: NDArray[Number], shape: tuple[int, ...]) -> NDArray[Number]:
    """A map of labels or weights on another number of voxels of the same place, each as the nearest one is.

    To more voxels and back again is the map that it was.
    """
    if map_ijk.shape == shape:
        return map_ijk
    nearest = [
        ((np.arange(wanted) + 0.5) * there / wanted).astype(int)
        for there, wanted in zip(map_ijk.shape, shape, strict=True)
    ]
    return np.ascontiguousarray(map_ijk[np.ix_(*nearest)])
