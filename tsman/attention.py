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
        _start(self.last, self.last_hat, settings)

    def forward(self, o_bcijk: Tensor, o_hat_bcijk: Tensor) -> Maps:
        """Two features (B, C, I, J, K) to two maps (B, C, 1, 1, 1) in (0, 1)."""
        o_bcijk, o_hat_bcijk = _inputs(o_bcijk, o_hat_bcijk, self.settings)
        own_bh = self.hidden(o_bcijk.mean(dim=(2, 3, 4)))
        other_bh = self.hidden_hat(o_hat_bcijk.mean(dim=(2, 3, 4)))
        seen = [functional.relu(one) for one in _seen(own_bh, other_bh, self.settings)]
        a_bc, a_hat_bc = _sigmoids(seen, (self.last, self.last_hat), self.settings)
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
        # Of what the second stream's map is computed from, where that is not what the first one's is.
        self.norm_hat = (
            CorrectedBatchNorm(fused, stream.average_fraction) if settings.sources == "other" else None
        )
        self.last = nn.Conv3d(fused, 1, 1)
        self.last_hat = None if settings.shared_maps else nn.Conv3d(fused, 1, 1)
        _start(self.last, self.last_hat, settings)

    def forward(self, o_bcijk: Tensor, o_hat_bcijk: Tensor) -> Maps:
        """Two features (B, C, I, J, K) to two maps (B, 1, I, J, K) in (0, 1)."""
        o_bcijk, o_hat_bcijk = _inputs(o_bcijk, o_hat_bcijk, self.settings)
        seen = _seen(self.hidden(o_bcijk), self.hidden_hat(o_hat_bcijk), self.settings)
        norms = (self.norm,) if self.norm_hat is None else (self.norm, self.norm_hat)
        seen = [functional.relu(norm(one), inplace=True) for norm, one in zip(norms, seen, strict=True)]
        return _sigmoids(seen, (self.last, self.last_hat), self.settings)


def attended(o_bcijk: Tensor, o_hat_bcijk: Tensor, maps: Maps, settings: AttentionSettings) -> Maps:
    """Both streams' features, each scaled by its own map; the sum of the two where they are exchanged."""
    if settings.exchange:
        o_bcijk = o_hat_bcijk = o_bcijk + o_hat_bcijk
    return attend(o_bcijk, maps[0], settings), attend(o_hat_bcijk, maps[1], settings)


def attend(o_bcijk: Tensor, map_b1: Tensor, settings: AttentionSettings) -> Tensor:
    """Scale a feature by a map of either kind (P, Eq. 5, applied in the forward pass as P describes).

    With ``gradient`` "only" the feature stays as it is, and its gradient is scaled.
    """
    # In the feature's own type: a float32 map would promote a whole bfloat16 feature.
    a_b1 = scale(map_b1.to(o_bcijk.dtype), settings)
    if o_bcijk.device.type == "cpu":
        # A CPU multiplies one map into channels that lie innermost four times slower than it copies the map.
        a_b1 = torch.empty_like(o_bcijk).copy_(a_b1)
    scaled_bcijk = o_bcijk * a_b1
    if settings.gradient == "only":
        return o_bcijk.detach() + (scaled_bcijk - scaled_bcijk.detach())
    return scaled_bcijk


def scale(map_b1: Tensor, settings: AttentionSettings) -> Tensor:
    """What a feature under a map is multiplied by: its gain, by the settings."""
    if settings.gain in {"double", "tanh"}:
        return 2.0 * map_b1
    return 1.0 + map_b1 if settings.gain == "residual" else map_b1


def _inputs(o_bcijk: Tensor, o_hat_bcijk: Tensor, settings: AttentionSettings) -> Maps:
    """The features as the maps see them."""
    if settings.gradient != "through":
        # Only so is the gradient of a feature exactly the map times the gradient behind it (P, Eq. 5).
        return o_bcijk.detach(), o_hat_bcijk.detach()
    return o_bcijk, o_hat_bcijk


def _fused_width(hidden: int, settings: AttentionSettings) -> int:
    return 2 * hidden if settings.fusion == "concat" else hidden


def _seen(own: Tensor, other: Tensor, settings: AttentionSettings) -> list[Tensor]:
    """What the first and the second stream's map are computed from; one for both where that is the same."""
    return [other, own] if settings.sources == "other" else [_fuse(own, other, settings)]


def _fuse(own: Tensor, other: Tensor, settings: AttentionSettings) -> Tensor:
    """Bring the two streams together (P, Fig. 4: "element-wise additions")."""
    if settings.fusion == "concat":
        return torch.cat((own, other), dim=1)
    if settings.fusion == "abs_diff":
        return (own - other).abs()
    return own + other


def _sigmoids(
    seen: list[Tensor], layers: tuple[nn.Module, nn.Module | None], settings: AttentionSettings
) -> Maps:
    last, last_hat = layers
    a = _sigmoid(last(seen[0]), settings)
    return a, a if last_hat is None else _sigmoid(last_hat(seen[-1]), settings)


def _sigmoid(score: Tensor, settings: AttentionSettings) -> Tensor:
    # float32: bfloat16 has too few digits near one.
    score = score.float()
    # (1 + tanh z) / 2 is sigmoid(2z).
    return (2.0 * score if settings.gain == "tanh" else score).sigmoid()


def _start(
    last: nn.Linear | nn.Conv3d, last_hat: nn.Linear | nn.Conv3d | None, settings: AttentionSettings
) -> None:
    for layer in (last, last_hat):
        if layer is not None:
            nn.init.normal_(layer.weight, std=settings.start_std)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, settings.start_bias)
