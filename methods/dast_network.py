"""One encoder with two decoders, and how a number ranks among the newest ones."""

# Legend: B batch, C image channels (or features), N classes, I J K voxel axes, Q kept values.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import nn

from tsman.dense_vox_net import STAGES, TAPPED, DenseVoxNet, Scores, refuse_odd_sizes

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
        for branch in whole:
            for stage in shared:
                del branch.stages[stage]
        self.streams = nn.ModuleList(whole)
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
        clean, noisy = (_decoded(branch, x_bcijk, tapped_bcijk) for branch in self.streams)
        return BranchScores(clean, noisy)


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


def _decoded(branch: nn.Module, encoded_bcijk: Tensor, tapped_bcijk: Tensor) -> Scores:
    assert isinstance(branch, DenseVoxNet)
    last_bcijk = branch.stages["up2"](branch.stages["up1"](encoded_bcijk))
    return branch.scores(last_bcijk, tapped_bcijk)
