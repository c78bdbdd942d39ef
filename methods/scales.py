"""An image at another scale, on a grid that DenseVoxNet can halve twice."""

# Legend: B batch, C channels, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def scaled_size(size_ijk: Sequence[int], scale: float) -> tuple[int, ...]:
    """The multiples of 4 nearest to the scaled sizes, at least 4."""
    return tuple(max(4 * round(size * scale / 4), 4) for size in size_ijk)


def resized(image_bcijk: Tensor, size_ijk: Sequence[int]) -> Tensor:
    """The image at another size, trilinear; as it is where it has that size."""
    if tuple(image_bcijk.shape[2:]) == tuple(size_ijk):
        return image_bcijk
    return functional.interpolate(image_bcijk, size=tuple(size_ijk), mode="trilinear", align_corners=False)
