"""Median-frequency balancing: how often each class is seen, and the loss weight that follows."""

# Legend: B batch, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


@final
class Frequencies(nn.Module):
    """Counts the labels of training; saved with the weights, so that training is told apart from its test.

    Source: Eigen & Fergus 2015 and SegNet (Badrinarayanan et al. 2017), with an axial slice as their image.

    Args:
        classes: Classes N, background included.
    """

    voxels_n: Tensor
    slice_voxels_n: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        # float32 stops counting at 16.8 million voxels.
        self.register_buffer("voxels_n", torch.zeros(classes, dtype=torch.float64))
        self.register_buffer("slice_voxels_n", torch.zeros(classes, dtype=torch.float64))

    @torch.no_grad()
    def count(self, label_bijk: Tensor) -> None:
        """Add the labels (B, I, J, K) of one step; what is no class, such as ignored slices, is left out."""
        each = [(label_bijk == number).sum(dim=(1, 2)) for number in range(len(self.voxels_n))]
        voxels_bkn = torch.stack(each, dim=-1)
        area = label_bijk.shape[1] * label_bijk.shape[2]
        self.voxels_n.add_(voxels_bkn.sum(dim=(0, 1)))
        self.slice_voxels_n.add_((voxels_bkn > 0).sum(dim=(0, 1)) * area)

    def weights(self) -> Tensor:
        """The loss weights alpha (N,), float32: the median frequency divided by the class's own.

        1 for a class not yet seen.
        A class's frequency is its voxels divided by all voxels of the slices that show it.
        """
        seen_n = self.voxels_n > 0
        if not seen_n.any():
            return torch.ones_like(self.voxels_n, dtype=torch.float32)
        frequency_n = self.voxels_n / self.slice_voxels_n.clamp(min=1.0)
        median = frequency_n[seen_n].quantile(0.5)
        return torch.where(seen_n, median / frequency_n, 1.0).float()
