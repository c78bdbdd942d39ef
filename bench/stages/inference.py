"""A whole volume -> probabilities, by one pass or by windows; and the clean-up of a label map."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.settings.schema import heartseg_overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.settings.schema import Cleaning, Inference

    Predict = Callable[[Tensor], Tensor]  # (B, C, I, J, K) -> probabilities (B, N, I, J, K)


def segment(
    image_cijk: Tensor, predict: Predict, inference: Inference, patch: tuple[int, int, int]
) -> Tensor:
    """Probabilities (N, I, J, K), float32, of a normalised image (C, I, J, K) of any size."""
    found_nijk = over_volume(image_cijk, predict, inference, patch)
    # Windows are averaged, and rounding may leave a sum beside one.
    return found_nijk if inference.window == "whole" else found_nijk / found_nijk.sum(dim=0, keepdim=True)


def over_volume(
    image_cijk: Tensor, predict: Predict, inference: Inference, patch: tuple[int, int, int]
) -> Tensor:
    """What ``predict`` says of each voxel, (N, I, J, K), float32: whole, or the mean over windows."""
    if inference.window == "whole":
        return _whole(image_cijk, predict)
    shape = (image_cijk.shape[1], image_cijk.shape[2], image_cijk.shape[3])
    if inference.window == "overlap":
        overlaps = [inference.overlap] * 3
    else:
        overlaps = [heartseg_overlap(size, side) for size, side in zip(shape, patch, strict=True)]
    return _windows(image_cijk, predict, patch, overlaps, inference.batch)


def _whole(image_cijk: Tensor, predict: Predict) -> Tensor:
    """One pass over the volume, padded at its far ends to what two halvings need."""
    from torch.nn import functional

    size_i, size_j, size_k = image_cijk.shape[1:]
    pad = [-size_k % 4, -size_j % 4, -size_i % 4]
    padded = functional.pad(image_cijk, (0, pad[0], 0, pad[1], 0, pad[2]))
    return predict(padded[None])[0, :, :size_i, :size_j, :size_k].float()


def _windows(
    image_cijk: Tensor, predict: Predict, patch: tuple[int, int, int], overlaps: list[float], batch: int
) -> Tensor:
    """MONAI's sliding window, equal weights; a volume smaller than the window is padded with zeros."""
    from monai.inferers import sliding_window_inference

    def own(window_bcijk: Tensor) -> Tensor:
        # MONAI multiplies what it is given in place, so it must be nobody else's.
        return predict(window_bcijk).float().clone()

    scores = sliding_window_inference(image_cijk[None], patch, batch, own, overlap=overlaps, mode="constant")
    result: Tensor = scores[0]
    return result


def clean(label_ijk: NDArray[np.uint8], cleaning: Cleaning) -> NDArray[np.uint8]:
    """Remove minor components and fill holes, the highest class first, so that class 1 has the last word.

    Source: HeartSeg, RemoveMinorCC.m: 26-connected components with less than a share of their class's voxels
    go; holes are filled by 6-connectivity of the background. The largest component always stays.

    Args:
        label_ijk: A label map.
        cleaning: Resolved for the data set (``Cleaning.resolved``).
    """
    if not cleaning.min_component and not cleaning.fill_holes:
        return label_ijk
    cleaned = np.zeros_like(label_ijk)
    for number in range(int(label_ijk.max()), 0, -1):
        cleaned[_clean_mask(label_ijk == number, cleaning)] = number
    return cleaned


def _clean_mask(mask_ijk: NDArray[np.bool_], cleaning: Cleaning) -> NDArray[np.bool_]:
    from scipy import ndimage

    if cleaning.min_component and mask_ijk.any():
        parts_ijk, _ = ndimage.label(mask_ijk, structure=np.ones((3, 3, 3)))
        sizes = np.bincount(parts_ijk.ravel())
        sizes[0] = 0
        least = min(cleaning.min_component * sizes.sum(), sizes.max())
        mask_ijk = (sizes >= least)[parts_ijk] & mask_ijk
    if cleaning.fill_holes:
        mask_ijk = ndimage.binary_fill_holes(mask_ijk)
    return mask_ijk
