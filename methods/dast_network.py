"""One encoder with two decoders, and how a number ranks among the newest ones."""

# Legend: B batch, C image channels (or features), N classes, I J K voxel axes, Q kept values.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import nn

from tsman.dense_vox_net import STAGES, TAPPED, DenseVoxNet, Scores, Upsampling, refuse_odd_sizes

if TYPE_CHECKING:
    from torch import Tensor

    from tsman.settings import StreamSettings

DECODER = ("up1", "up2")
"""The stages that each branch has of its own, with its score layers."""


class BranchScores(NamedTuple):
    """What both branches say of each voxel before the softmax."""

    clean: Scores
    noisy: Scores


@final
class TwoBranches(nn.Module):
    """A DenseVoxNet whose encoder serves two decoders of different initialisation.

    Args:
        channels: Image channels C.
        classes: Classes N, background included.
        stream: The settings of encoder and decoders.
        kept: How many values each queue keeps.
    """

    def __init__(self, channels: int, classes: int, stream: StreamSettings, kept: int) -> None:
        super().__init__()
        whole = [DenseVoxNet(channels, classes, stream) for _ in range(2)]
        shared = [stage for stage in STAGES if stage not in DECODER]
        self.encoder = nn.ModuleDict({stage: whole[0].stages[stage] for stage in shared})
        self.streams = nn.ModuleList(Branch(one) for one in whole)
        self.clean_losses = Queue(kept)
        self.noisy_losses = Queue(kept)

    def forward(self, image_bcijk: Tensor) -> BranchScores:
        """Score every voxel of (B, C, I, J, K) by both branches.

        Raises:
            ValueError: If I, J or K is not a multiple of 4.
        """
        refuse_odd_sizes(image_bcijk)
        x_bcijk = tapped_bcijk = image_bcijk
        for name, stage in self.encoder.items():
            x_bcijk = stage(x_bcijk)
            if name == TAPPED:
                tapped_bcijk = x_bcijk
        clean, noisy = (branch(x_bcijk, tapped_bcijk) for branch in self.streams)
        return BranchScores(clean, noisy)

    def upsampling_weights(self) -> list[nn.Parameter]:
        """The learned trilinear upsampling, which learns at a tenth of the rate (HeartSeg)."""
        return [layer.weight for layer in self.modules() if isinstance(layer, Upsampling)]

    def score_biases(self) -> list[nn.Parameter]:
        """The biases of the score layers, which learn at twice the rate and do not decay (HeartSeg)."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Conv3d)]
        return [layer.bias for layer in layers if isinstance(layer.bias, nn.Parameter)]


@final
class Branch(nn.Module):
    """The decoder and both heads of a DenseVoxNet, whose encoder is another's."""

    def __init__(self, whole: DenseVoxNet) -> None:
        super().__init__()
        self.stages = nn.ModuleDict({stage: whole.stages[stage] for stage in DECODER})
        self.score = whole.score
        self.auxiliary = whole.auxiliary
        self.settings = whole.settings

    def forward(self, encoded_bcijk: Tensor, tapped_bcijk: Tensor) -> Scores:
        """The encoder's last features and those of ``TAPPED`` to scores of every voxel."""
        last_bcijk = encoded_bcijk
        for stage in self.stages.values():
            last_bcijk = stage(last_bcijk)
        if not self.training or self.auxiliary is None:
            return Scores(self.score(last_bcijk))
        return Scores(
            self.score(last_bcijk),
            self.auxiliary(tapped_bcijk),
            self.settings.auxiliary_weight,
            self.settings.auxiliary_rule,
        )


@final
class Queue(nn.Module):
    """The newest values, and where the last of them stands; saved with the weights.

    Args:
        kept: How many.
    """

    value_q: Tensor
    seen: Tensor

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.register_buffer("value_q", torch.zeros(kept, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def rank(self, value: Tensor) -> float | None:
        """Take a value in, and say which share of those kept lies below it; ``None`` until all are there."""
        kept = len(self.value_q)
        self.value_q[int(self.seen) % kept] = value
        self.seen.add_(1)
        if int(self.seen) < kept:
            return None
        return int((self.value_q < value).sum()) / kept
