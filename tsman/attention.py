"""The attention between two streams: channel-wise (f1, f2) and spatial (f3) maps (P, Fig. 4).

P gives the two diagrams without their numbers; every choice that its text leaves open is a setting.
"""

# Legend: o and o_hat are P's features of the two streams; B batch, C channels, H hidden, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import nn
from torch.nn import functional

from tsman.batch_norm import CorrectedBatchNorm
from tsman.initialisation import initialise

if TYPE_CHECKING:
    from torch import Tensor

    from tsman.settings import AttentionSettings, StreamSettings

Maps = tuple["Tensor", "Tensor"]

LAST_STD = 0.01
"""Spread of the layer before the sigmoid: small, so that a map starts at sigmoid(start_bias) everywhere."""


@final
class ChannelAttention(nn.Module):
    """Which feature channels each stream should keep, seen from both (P, Fig. 4b).

    Args:
        channels: Channels C of either stream's features.
        settings: Fusion, width, gradient and start of the maps.
        stream: The streams' settings, for the initialisation.
    """

    def __init__(self, channels: int, settings: AttentionSettings, stream: StreamSettings) -> None:
        super().__init__()
        self.settings = settings
        hidden = max(1, round(channels * settings.hidden_share))
        self.hidden = nn.Linear(channels, hidden)
        self.hidden_hat = nn.Linear(channels, hidden)
        initialise(self, stream.weight_std)
        fused = _fused_width(hidden, settings)
        self.last = nn.Linear(fused, channels)
        self.last_hat = None if settings.shared_maps else nn.Linear(fused, channels)
        _start(self.last, self.last_hat, settings.start_bias)

    def forward(self, o_bcijk: Tensor, o_hat_bcijk: Tensor) -> Maps:
        """Two features (B, C, I, J, K) to two maps (B, C, 1, 1, 1) in (0, 1)."""
        o_bcijk, o_hat_bcijk = _inputs(o_bcijk, o_hat_bcijk, self.settings)
        own_bh = self.hidden(o_bcijk.mean(dim=(2, 3, 4)))
        other_bh = self.hidden_hat(o_hat_bcijk.mean(dim=(2, 3, 4)))
        fused_bh = functional.relu(_fuse(own_bh, other_bh, self.settings))
        a_bc, a_hat_bc = _sigmoids(fused_bh, self.last, self.last_hat)
        return a_bc[..., None, None, None], a_hat_bc[..., None, None, None]


@final
class SpatialAttention(nn.Module):
    """Which voxels each stream should keep, seen from both (P, Fig. 4a).

    Args:
        channels: Channels C of either stream's features.
        settings: Fusion, width, kernel, gradient and start of the maps.
        stream: The streams' settings, for the initialisation and the running statistics.
    """

    def __init__(self, channels: int, settings: AttentionSettings, stream: StreamSettings) -> None:
        super().__init__()
        self.settings = settings
        hidden, kernel = max(1, round(channels * settings.spatial_hidden_share)), settings.spatial_kernel
        # No bias: the batch normalisation that follows would take it away.
        self.hidden = nn.Conv3d(channels, hidden, kernel, padding=kernel // 2, bias=False)
        self.hidden_hat = nn.Conv3d(channels, hidden, kernel, padding=kernel // 2, bias=False)
        initialise(self, stream.weight_std)
        fused = _fused_width(hidden, settings)
        self.norm = CorrectedBatchNorm(fused, stream.average_fraction)
        self.last = nn.Conv3d(fused, 1, 1)
        self.last_hat = None if settings.shared_maps else nn.Conv3d(fused, 1, 1)
        _start(self.last, self.last_hat, settings.start_bias)

    def forward(self, o_bcijk: Tensor, o_hat_bcijk: Tensor) -> Maps:
        """Two features (B, C, I, J, K) to two maps (B, 1, I, J, K) in (0, 1)."""
        o_bcijk, o_hat_bcijk = _inputs(o_bcijk, o_hat_bcijk, self.settings)
        fused_bhijk = _fuse(self.hidden(o_bcijk), self.hidden_hat(o_hat_bcijk), self.settings)
        fused_bhijk = functional.relu(self.norm(fused_bhijk), inplace=True)
        return _sigmoids(fused_bhijk, self.last, self.last_hat)


def attend(o_bcijk: Tensor, map_b1: Tensor, settings: AttentionSettings) -> Tensor:
    """Scale a feature by a map of either kind (P, Eq. 5, applied in the forward pass as P describes)."""
    # In the feature's own type: a float32 map would promote a whole bfloat16 feature.
    a_b1 = map_b1.to(o_bcijk.dtype)
    if settings.gain == "double":
        a_b1 = 2.0 * a_b1
    elif settings.gain == "residual":
        a_b1 = 1.0 + a_b1
    if o_bcijk.device.type == "cpu":
        # A CPU multiplies one map into channels that lie innermost four times slower than it copies the map.
        a_b1 = torch.empty_like(o_bcijk).copy_(a_b1)
    return o_bcijk * a_b1


def _inputs(o_bcijk: Tensor, o_hat_bcijk: Tensor, settings: AttentionSettings) -> Maps:
    """The features as the maps see them."""
    if settings.gradient == "detach_inputs":
        # Only so is the gradient of a feature exactly the map times the gradient behind it (P, Eq. 5).
        return o_bcijk.detach(), o_hat_bcijk.detach()
    return o_bcijk, o_hat_bcijk


def _fused_width(hidden: int, settings: AttentionSettings) -> int:
    return 2 * hidden if settings.fusion == "concat" else hidden


def _fuse(own: Tensor, other: Tensor, settings: AttentionSettings) -> Tensor:
    """Bring the two streams together (P, Fig. 4: "element-wise additions")."""
    if settings.fusion == "concat":
        return torch.cat((own, other), dim=1)
    if settings.fusion == "abs_diff":
        return (own - other).abs()
    return own + other


def _sigmoids(fused: Tensor, last: nn.Module, last_hat: nn.Module | None) -> Maps:
    # float32: bfloat16 has too few digits near one.
    a = last(fused).float().sigmoid()
    return a, a if last_hat is None else last_hat(fused).float().sigmoid()


def _start(last: nn.Linear | nn.Conv3d, last_hat: nn.Linear | nn.Conv3d | None, bias: float) -> None:
    for layer in (last, last_hat):
        if layer is not None:
            nn.init.normal_(layer.weight, std=LAST_STD)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, bias)
