"""Streams together: two that attend to one another (P, Fig. 2), or several that do not speak."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import nn

from tsman.attention import ChannelAttention, SpatialAttention, attended
from tsman.dense_vox_net import STAGES, TAPPED, DenseVoxNet, Scores, refuse_odd_sizes
from tsman.description import describe
from tsman.settings import LossAttentionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from tsman.attention import Maps
    from tsman.settings import AttentionSettings, Placement, StreamSettings

SITES: Mapping[Placement, Mapping[str, str]] = {
    "A": {"f1": "pool", "f2": "block2", "f3": "up2"},
    "A-before-pooling": {"f1": "block1", "f2": "block2", "f3": "up2"},
    "B": {"f1": "stem", "f2": "pool", "f3": "block2"},
    "C": {"f1": "pool", "f2": "block2", "f3": "up1"},
}
"""After which stage each attention sits. ``A``: one a major stage, f3 "close to the loss layer" (P)."""


class TwoStreamScores(NamedTuple):
    """What both streams say, and the attention maps they said it with."""

    first: Scores
    second: Scores
    maps: dict[str, Maps]  # by attention, f1 to f3: one map a stream, in (0, 1), before the gain


@final
class TwoStream(nn.Module):
    """Two DenseVoxNets of different initialisation, joined by attention (P, Fig. 2).

    With f1, f2 and f3 off they are two independent networks.

    Args:
        channels: Image channels C.
        classes: Classes N, background included.
        stream: The settings of either stream.
        attention: Which attention sits where, and its form.
    """

    def __init__(
        self, channels: int, classes: int, stream: StreamSettings, attention: AttentionSettings
    ) -> None:
        super().__init__()
        self.settings = attention
        self.first = DenseVoxNet(channels, classes, stream)
        self.second = DenseVoxNet(channels, classes, stream)
        wanted = {"f1": attention.f1, "f2": attention.f2, "f3": attention.f3}
        sites = {name: stage for name, stage in SITES[attention.placement].items() if wanted[name]}
        kinds = {"f1": ChannelAttention, "f2": ChannelAttention, "f3": SpatialAttention}
        self.attention = nn.ModuleDict(
            {name: kinds[name](self.first.widths[stage], attention, stream) for name, stage in sites.items()}
        )
        self.name_by_stage = {stage: name for name, stage in sites.items()}

    def forward(self, image_bcijk: Tensor) -> TwoStreamScores:
        """Score every voxel of (B, C, I, J, K) by both streams.

        Raises:
            ValueError: If I, J or K is not a multiple of 4.
        """
        refuse_odd_sizes(image_bcijk)
        o_bcijk = o_hat_bcijk = image_bcijk
        tapped = (image_bcijk, image_bcijk)
        maps: dict[str, Maps] = {}
        for stage in STAGES:
            o_bcijk = self.first.stages[stage](o_bcijk)
            o_hat_bcijk = self.second.stages[stage](o_hat_bcijk)
            if stage in self.name_by_stage:
                name = self.name_by_stage[stage]
                maps[name] = self.attention[name](o_bcijk, o_hat_bcijk)
                o_bcijk, o_hat_bcijk = attended(o_bcijk, o_hat_bcijk, maps[name], self.settings)
            if stage == TAPPED:
                tapped = (o_bcijk, o_hat_bcijk)
        first, second = self.first.scores(o_bcijk, tapped[0]), self.second.scores(o_hat_bcijk, tapped[1])
        return TwoStreamScores(first, second, maps)

    def layers(self, loss: LossAttentionSettings | None = None) -> list[dict[str, object]]:
        """One row a layer in the order of the forward pass, numbers read off the modules (P, Fig. 2 and 4).

        Args:
            loss: Whether and how f4 is smoothed; as by default if not given.
        """
        loss = loss or LossAttentionSettings()
        return describe(self.first, dict(self.attention.items()), self.name_by_stage, self.settings, loss)


@final
class Independent(nn.Module):
    """Several DenseVoxNets of different initialisation that see the same images and do not speak.

    Args:
        channels: Image channels C.
        classes: Classes N, background included.
        stream: The settings of each.
        count: How many.

    Raises:
        ValueError: If the count is not positive.
    """

    def __init__(self, channels: int, classes: int, stream: StreamSettings, count: int) -> None:
        super().__init__()
        if count < 1:
            raise ValueError(f"an ensemble has at least 1 network, not {count}")
        self.streams = nn.ModuleList(DenseVoxNet(channels, classes, stream) for _ in range(count))

    def forward(self, image_bcijk: Tensor) -> tuple[Scores, ...]:
        """Score every voxel of (B, C, I, J, K) by each network."""
        return tuple(stream(image_bcijk) for stream in self.streams)


def mean_probability(scores: Sequence[Scores]) -> Tensor:
    """The average of the streams' softmaxes (B, N, I, J, K), float32 (P: the final prediction).

    Args:
        scores: One a stream; at least one.
    """
    total_bnijk = torch.softmax(scores[0].main_bnijk.float(), dim=1)
    for score in scores[1:]:
        total_bnijk = total_bnijk + torch.softmax(score.main_bnijk.float(), dim=1)
    return total_bnijk / len(scores)


def full_size(map_b1ijk: Tensor, image_bcijk: Tensor) -> Tensor:
    """A spatial map of any stage, repeated to the image's size (B, 1, I, J, K)."""
    for dim in (2, 3, 4):
        map_b1ijk = map_b1ijk.repeat_interleave(image_bcijk.shape[dim] // map_b1ijk.shape[dim], dim)
    return map_b1ijk


def streams_of(network: nn.Module) -> list[DenseVoxNet]:
    """All DenseVoxNet streams inside a network, in order."""
    return [module for module in network.modules() if isinstance(module, DenseVoxNet)]
