"""Smoothed classes -> a label map with the wanted number of wrong voxels, by a threshold that moves."""

# Legend: I J K voxel axes of the box around all structures, N classes, F flips.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from bench.data.noise.ledger import Flips, spend
from bench.data.noise.surroundings import Box, places

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_MARGIN: Final = -0.75  # of a flip: the threshold of a half may sink to an eighth


def settled(
    label_ijk: NDArray[np.uint8], soft_nijk: NDArray[np.float32], box: Box, wanted_n: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The clean label map with the flips that the smoothed classes in a box are surest of.

    Args:
        label_ijk: The clean label map, of the whole volume.
        soft_nijk: Each class's share of the neighbourhood after the noise, of the box; it is overwritten.
        box: Where it lies.
        wanted_n: Wrong voxels of each class.
    """
    flips = _by_margin(np.ascontiguousarray(label_ijk[box]), soft_nijk)
    return spend(label_ijk, _in_volume(flips, box, label_ijk.shape), wanted_n)


def smoothed(noisy_ijk: NDArray[np.uint8], classes: int, sigma: float) -> NDArray[np.float32]:
    """Each class's share of the neighbourhood (N, I, J, K)."""
    one_hot_nijk = (noisy_ijk == np.arange(classes, dtype=np.uint8)[:, None, None, None]).astype(np.float32)
    sigmas = (0, sigma, sigma, sigma)
    return np.asarray(ndimage.gaussian_filter(one_hot_nijk, sigmas, mode="nearest", truncate=3))


def _by_margin(clean_ijk: NDArray[np.uint8], soft_nijk: NDArray[np.float32]) -> Flips:
    """Every voxel with the other class that is most around it; the surest first."""
    own_ijk = np.take_along_axis(soft_nijk, clean_ijk[None].astype(np.intp), axis=0)[0]
    np.put_along_axis(soft_nijk, clean_ijk[None].astype(np.intp), -1, axis=0)
    to_ijk = soft_nijk.argmax(axis=0).astype(np.uint8)
    margin_ijk = soft_nijk.max(axis=0) - own_ijk
    voxel_f = np.flatnonzero(margin_ijk > _LEAST_MARGIN)
    order_f = np.argsort(-margin_ijk.reshape(-1)[voxel_f], kind="stable")
    voxel_f = voxel_f[order_f]
    return Flips(voxel_f, to_ijk.reshape(-1)[voxel_f])


def _in_volume(flips: Flips, box: Box, shape: tuple[int, ...]) -> Flips:
    """The flips of a box with their places in the whole volume."""
    inside = tuple(min(side.stop, length) - side.start for side, length in zip(box, shape, strict=True))
    place_ijk = places(box, shape, np.ones(inside, np.bool_))
    return Flips(place_ijk[flips.voxel_f], flips.to_f)
