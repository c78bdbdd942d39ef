"""From a whole volume to what a network is shown: normalisation, region of interest, crops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Box = tuple[slice, slice, slice]


def normalise(
    image_cijk: NDArray[np.float32], mask_ijk: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Zero mean and unit (population) deviation by the voxels > 0, applied to all, channel by channel.

    Where there is a mask, its voxels say mean and deviation instead; as in HeartSeg these are applied to all
    voxels, so that what lies outside the mask is shifted and scaled too and not made 0. A channel that is
    centred already (it has negative voxels) and has no mask goes by its voxels that are not zero.
    Source: HeartSeg, pre_process_isotropic.m.
    """
    normal = np.empty_like(image_cijk, dtype=np.float32)
    for channel_ijk, out_ijk in zip(image_cijk, normal, strict=True):
        if mask_ijk is None:
            inside = channel_ijk[channel_ijk != 0 if channel_ijk.min() < 0 else channel_ijk > 0]
        else:
            inside = channel_ijk[mask_ijk]
        inside = inside if inside.size else channel_ijk
        mean, deviation = inside.mean(dtype=np.float64), inside.std(dtype=np.float64)
        out_ijk[:] = (channel_ijk - mean) / max(deviation, 1e-6)
    return normal


def region_of_interest(
    label_ijk: NDArray[np.uint8], margin: int, at_least: tuple[int, int, int] = (0, 0, 0)
) -> Box:
    """The bounding box of all foreground and ``margin`` voxels around it; everything where there is none.

    Where the volume has the voxels, the box is widened to ``at_least`` a side: evenly, then shifted inside.
    Source: HeartSeg, Create_ROIs.m, without its slip of taking the first connected component alone.
    """
    box = []
    for axis, size in enumerate(label_ijk.shape):
        others = tuple(other for other in range(3) if other != axis)
        (found,) = np.nonzero(label_ijk.any(axis=others))
        low, high = (int(found[0]) - margin, int(found[-1]) + margin + 1) if found.size else (0, size)
        box.append(_widened(max(low, 0), min(high, size), at_least[axis], size))
    return box[0], box[1], box[2]


def _widened(low: int, high: int, at_least: int, size: int) -> slice:
    length = min(max(high - low, at_least), size)
    start = low - (length - (high - low)) // 2
    start = min(max(start, 0), size - length)
    return slice(start, start + length)


def pad_to(array: NDArray[np.generic], patch: tuple[int, int, int]) -> NDArray[np.generic]:
    """Zeros around the last three axes until a patch fits, the volume in the middle."""
    missing = [max(p - s, 0) for p, s in zip(patch, array.shape[-3:], strict=True)]
    if not any(missing):
        return array
    widths = [(0, 0)] * (array.ndim - 3) + [(m // 2, m - m // 2) for m in missing]
    return np.pad(array, widths)


def pad_background(
    probability_nijk: NDArray[np.floating], patch: tuple[int, int, int]
) -> NDArray[np.floating]:
    """As ``pad_to`` pads a label: all that is added is background for certain."""
    padded = pad_to(probability_nijk, patch)
    if padded is probability_nijk:
        return probability_nijk
    nothing_ijk = pad_to(np.ones(probability_nijk.shape[1:], dtype=bool), patch)
    padded[0][~nothing_ijk.astype(bool)] = 1
    return padded.astype(probability_nijk.dtype)


def random_corner(shape: tuple[int, int, int], patch: tuple[int, int, int], rng: np.random.Generator) -> Box:
    """A uniformly drawn crop of ``patch`` voxels inside ``shape`` (HeartSeg: no foreground sampling)."""
    low = [int(rng.integers(0, s - p + 1)) for s, p in zip(shape, patch, strict=True)]
    box = tuple(slice(start, start + p) for start, p in zip(low, patch, strict=True))
    return box[0], box[1], box[2]
