"""The network of MME: an encoder for each modality, their fusion, a memory along the slices, a decoder."""

# Legend: B batch, C channels, M modalities, N classes, I J K voxel axes, S = B * K slices.

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import nn
from torch.nn import functional

from methods.balancing import Frequencies
from methods.slices import axial_slices, from_slices, padded
from tsman.batch_norm import CorrectedBatchNorm
from tsman.dense_vox_net import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

BLOCKS = 4
"""Convolution blocks of an encoder, each followed by a max-pooling (Tseng et al. 2017)."""
MULTIPLE = 2**BLOCKS
"""What the poolings need of a slice's sides."""


class Form(NamedTuple):
    """How one network is built."""

    width: int  # channels of the first block; each block doubles them
    average_fraction: float  # of batch normalisation's running statistics
    bidirectional: bool  # the memory runs along the slices both ways


@final
class MultiModalNets(nn.Module):
    """Several networks of different initialisation that do not speak, and the labels' frequencies.

    Args:
        channels: Modalities M.
        classes: Classes N, background included.
        form: How each is built.
        count: How many.
    """

    def __init__(self, channels: int, classes: int, form: Form, count: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(MultiModalNet(channels, classes, form) for _ in range(count))
        self.frequencies = Frequencies(classes)

    def forward(self, image_bcijk: Tensor) -> tuple[Scores, ...]:
        """Score every voxel of (B, M, I, J, K), of any size, by each network."""
        return tuple(Scores(stream(image_bcijk)) for stream in self.streams)


@final
class MultiModalNet(nn.Module):
    """One network, slice by slice but for the memory at its deepest level."""

    def __init__(self, channels: int, classes: int, form: Form) -> None:
        super().__init__()
        widths = [form.width * 2**block for block in range(BLOCKS)]
        deepest, fraction = widths[-1], form.average_fraction
        self.encoders = nn.ModuleList(Encoder(widths, fraction) for _ in range(channels))
        self.fusions = nn.ModuleList(CrossModality(width, channels) for width in (*widths, deepest))
        self.forwards = ConvLSTM(deepest)
        self.backwards = ConvLSTM(deepest) if form.bidirectional else None
        upwards = pairwise((deepest, *reversed(widths)))
        self.decoders = nn.ModuleList(_block(below, width, fraction) for below, width in upwards)
        self.score = nn.Conv2d(widths[0], classes, 1)

    def forward(self, image_bcijk: Tensor) -> Tensor:
        """Scores (B, N, I, J, K) of (B, M, I, J, K)."""
        batch, _, size_i, size_j, _ = image_bcijk.shape
        image_smij = padded(axial_slices(image_bcijk), MULTIPLE)
        x_scij, fused = self._encoded(image_smij)
        x_scij = self._remembered(x_scij, batch)
        # Multi-resolution fusion: a product, where U-Net concatenates.
        for decoder, fused_scij in zip(self.decoders, reversed(fused), strict=True):
            x_scij = decoder(functional.interpolate(x_scij, scale_factor=2.0)) * fused_scij
        return from_slices(self.score(x_scij)[:, :, :size_i, :size_j], batch)

    def _encoded(self, image_smij: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The deepest fused features, and those of every scale before its pooling, the finest first."""
        # A slice of channels keeps the strides of all; the convolutions want their own.
        alone = [
            image_s1ij.contiguous(memory_format=torch.channels_last)
            for image_s1ij in torch.split(image_smij, 1, dim=1)
        ]
        features = [encoder(image_s1ij) for encoder, image_s1ij in zip(self.encoders, alone, strict=True)]
        *fused, deepest_scij = [
            fusion(same_scale)
            for fusion, same_scale in zip(self.fusions, zip(*features, strict=True), strict=True)
        ]
        return deepest_scij, fused

    def _remembered(self, x_scij: Tensor, batch: int) -> Tensor:
        """Each slice's features given those before it, or when bidirectional the sum of both ways."""
        x_bkcij = x_scij.reshape(batch, -1, *x_scij.shape[1:])
        y_bkcij: Tensor = self.forwards(x_bkcij)
        if self.backwards is not None:
            y_bkcij = y_bkcij + self.backwards(x_bkcij.flip(1)).flip(1)
        return y_bkcij.flatten(0, 1)


@final
class Encoder(nn.Module):
    """One modality's blocks of convolution, batch normalisation and ReLU, with a max-pooling after each."""

    def __init__(self, widths: Sequence[int], fraction: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_block(below, width, fraction) for below, width in pairwise((1, *widths)))

    def forward(self, x_scij: Tensor) -> list[Tensor]:
        """The features of (S, 1, I, J) before each pooling, and after the last."""
        features = []
        for block in self.blocks:
            features.append(block(x_scij))
            x_scij = functional.max_pool2d(features[-1], 2)
        return [*features, x_scij]


@final
class CrossModality(nn.Module):
    """Cross-modality convolution: channels of the same index side by side, an M x 1 x 1 kernel over them."""

    def __init__(self, channels: int, modalities: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, channels, (modalities, 1, 1))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """M features (S, C, I, J) as one."""
        fused_scij: Tensor = self.conv(torch.stack(tuple(features), dim=2)).squeeze(2)
        return fused_scij


@final
class ConvLSTM(nn.Module):
    """A long short-term memory with 3 x 3 convolutions for products (Shi et al. 2015), no peepholes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.of_input = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.of_hidden = nn.Conv2d(channels, 4 * channels, 3, padding=1, bias=False)

    def forward(self, x_bkcij: Tensor) -> Tensor:
        """The hidden state (B, K, C, I, J) after each slice of the features (B, K, C, I, J)."""
        # The input's share of the gates does not wait for the state: all slices at once.
        gates_bkcij = torch.unflatten(self.of_input(x_bkcij.flatten(0, 1)), 0, x_bkcij.shape[:2])
        hidden_bcij = torch.zeros_like(x_bkcij[:, 0])
        cell_bcij = torch.zeros_like(hidden_bcij, dtype=torch.float32)
        states = []
        for gates_bcij in gates_bkcij.unbind(1):
            # float32, because the cell sums over all slices.
            own_bcij = (gates_bcij + self.of_hidden(hidden_bcij)).float()
            new_bcij, kept_bcij, shown_bcij, content_bcij = own_bcij.chunk(4, dim=1)
            cell_bcij = kept_bcij.sigmoid() * cell_bcij + new_bcij.sigmoid() * content_bcij.tanh()
            hidden_bcij = shown_bcij.sigmoid() * cell_bcij.tanh()
            states.append(hidden_bcij)
        return torch.stack(states, dim=1)


def _block(channels: int, out_channels: int, fraction: float) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    conv = nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(conv, CorrectedBatchNorm(out_channels, fraction), nn.ReLU(inplace=True))
