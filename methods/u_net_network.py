"""U-Nets that see the same images and do not speak, slice by slice or whole volumes."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

import torch
from monai.networks.nets import BasicUNet
from torch import nn

from methods.slices import axial_slices, from_slices, padded
from tsman.dense_vox_net import Scores

if TYPE_CHECKING:
    from torch import Tensor

SHARES = (1, 1, 2, 4, 8, 1)
"""Channels of the five levels and of the last upsampling, as multiples of the width (BasicUNet's default)."""
MULTIPLE = 16
"""What four halvings need."""
LEAST = 32
"""Instance normalisation needs more than one voxel at the fifth level."""
LEAST_REDUCED = 48
"""In reduced precision three: torch 2.13's gradient of a bfloat16 3-D kernel on two voxels is garbage."""


@final
class UNets(nn.Module):
    """MONAI's BasicUNet several times, each with an initialisation of its own.

    Args:
        axes: 2 for axial slices, 3 for volumes.
        channels: Image channels C.
        classes: Classes N, background included.
        width: Channels of the first level.
        count: How many networks.
    """

    def __init__(self, axes: Literal[2, 3], channels: int, classes: int, width: int, count: int) -> None:
        super().__init__()
        self.axes = axes
        features = [width * share for share in SHARES]
        self.streams = nn.ModuleList(BasicUNet(axes, channels, classes, features) for _ in range(count))

    def forward(self, image_bcijk: Tensor) -> tuple[Scores, ...]:
        """Score every voxel of (B, C, I, J, K), of any size, by each network."""
        batch, _, size_i, size_j, size_k = image_bcijk.shape
        if self.axes == 3:
            reduced = torch.is_autocast_enabled(image_bcijk.device.type)
            whole_bcijk = padded(image_bcijk, MULTIPLE, LEAST_REDUCED if reduced else LEAST)
            scores_bnijk = [stream(whole_bcijk) for stream in self.streams]
        else:
            image_scij = padded(axial_slices(image_bcijk), MULTIPLE, LEAST)
            image_scij = image_scij.contiguous(memory_format=torch.channels_last)
            scores_bnijk = [from_slices(stream(image_scij), batch) for stream in self.streams]
        return tuple(Scores(score_bnijk[:, :, :size_i, :size_j, :size_k]) for score_bnijk in scores_bnijk)
