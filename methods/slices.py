"""A volume as its axial slices, and either padded to what a network can halve."""

# Legend: B batch, C channels, I J K voxel axes, S = B * K slices, the slices of one volume together.

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def axial_slices(image_bcijk: Tensor) -> Tensor:
    """(B, C, I, J, K) as (S, C, I, J)."""
    return image_bcijk.movedim(-1, 1).flatten(0, 1)


def from_slices(image_scij: Tensor, batch: int) -> Tensor:
    """(S, C, I, J) as (B, C, I, J, K), the way back."""
    return image_scij.reshape(batch, -1, *image_scij.shape[1:]).movedim(1, -1)


def padded(image: Tensor, multiple: int, least: int = 0) -> Tensor:
    """Zeros at the far end of each spatial axis, until its size is a multiple and not below the least.

    Args:
        image: (batch, C, ...) with any number of spatial axes.
        multiple: What each size becomes a multiple of.
        least: The smallest size, itself a multiple.
    """
    missing = [max(-(-size // multiple) * multiple, least) - size for size in image.shape[2:]]
    far_ends = [amount for number in reversed(missing) for amount in (0, number)]
    return functional.pad(image, far_ends) if any(missing) else image
