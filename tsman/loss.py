"""The loss of one stream, and of two whose disagreement weighs it (P, Eq. 6 and 7)."""

# Legend: p and p_hat are P's predictions of the two streams; B batch, N classes, I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tsman.labels import hard_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tsman.dense_vox_net import Scores
    from tsman.settings import LossAttentionSettings

VARIANCE = 0.5
"""Of the Gaussian omega, in voxels squared (P: "a kernel size of 3 x 3 and a variance of 0.5")."""
CENTRE = 1.0 / (1.0 + 2.0 * math.exp(-0.5 / VARIANCE))
"""The middle one of omega's three taps, 0.5761."""
BESIDE = (1.0 - CENTRE) / 2.0
"""Either of the others, 0.2119."""


def segmentation_loss(streams: Sequence[Scores], label_bijk: Tensor) -> Tensor:
    """Mean cross-entropy of the main branch plus weight times that of the auxiliary branch, over all streams.

    Args:
        streams: One stream's scores or several; without an auxiliary score there is no second term.
        label_bijk: int64 labels 0..N-1.
    """
    losses = [
        functional.cross_entropy(s.main_bnijk.float(), label_bijk) + auxiliary_loss(s, label_bijk)
        for s in streams
    ]
    return torch.stack(losses).sum()


def two_stream_loss(
    pair: tuple[Scores, Scores], label_bijk: Tensor, settings: LossAttentionSettings, progress: float
) -> Tensor | None:
    """Both streams' losses (P, Eq. 6), weighted by where they disagree (P, Eq. 7) once warmed up.

    With ``settings.smooth`` off this is decoupling (Malach & Shalev-Shwartz 2017), voxel by voxel.

    Args:
        pair: The scores of both streams.
        label_bijk: int64 labels 0..N-1.
        settings: Smoothing, normaliser and warm-up.
        progress: Share of the steps done, 0..1.

    Returns:
        A scalar, or ``None`` where the streams agree on every voxel: there is nothing to learn from.
    """
    if progress < settings.starts:
        return segmentation_loss(pair, label_bijk)
    # Both streams share one weight: the exclusive or of two predictions is symmetric.
    weight_bijk = loss_attention(pair[0].main_bnijk, pair[1].main_bnijk, settings)
    if not weight_bijk.any():
        return None
    losses = [_weighted_loss(scores, label_bijk, weight_bijk, settings) for scores in pair]
    return torch.stack(losses).sum()


@torch.no_grad()
def loss_attention(p_bnijk: Tensor, p_hat_bnijk: Tensor, settings: LossAttentionSettings) -> Tensor:
    """f4: the weight of every voxel's loss (B, I, J, K) in [0, 1], a constant to the gradient (P, Eq. 7).

    Args:
        p_bnijk: Scores or probabilities of the first stream.
        p_hat_bnijk: The same of the second.
        settings: Whether and how the disagreement is smoothed.
    """
    weight_bijk = disagreement(p_bnijk, p_hat_bnijk).float()
    return smooth(weight_bijk, in_plane=settings.in_plane) if settings.smooth else weight_bijk


def disagreement(p_bnijk: Tensor, p_hat_bnijk: Tensor) -> Tensor:
    """P's exclusive or: where the two most likely classes differ (B, I, J, K), bool."""
    return hard_label(p_bnijk, dim=1) != hard_label(p_hat_bnijk, dim=1)


def smooth(map_bijk: Tensor, *, in_plane: bool) -> Tensor:
    """omega: a separable Gaussian of three taps an axis; at the volume's edge the map goes on as it is there.

    Args:
        map_bijk: What to smooth, float.
        in_plane: Smooth along I and J only (P's "3 x 3", read literally).
    """
    for dim in (1, 2) if in_plane else (1, 2, 3):
        size = map_bijk.shape[dim]
        smoothed_bijk = map_bijk * CENTRE
        smoothed_bijk.narrow(dim, 1, size - 1).add_(map_bijk.narrow(dim, 0, size - 1), alpha=BESIDE)
        smoothed_bijk.narrow(dim, 0, size - 1).add_(map_bijk.narrow(dim, 1, size - 1), alpha=BESIDE)
        # So a constant map stays what it is, and full disagreement is plain cross-entropy.
        smoothed_bijk.narrow(dim, 0, 1).add_(map_bijk.narrow(dim, 0, 1), alpha=BESIDE)
        smoothed_bijk.narrow(dim, size - 1, 1).add_(map_bijk.narrow(dim, size - 1, 1), alpha=BESIDE)
        map_bijk = smoothed_bijk
    return map_bijk


def _weighted_loss(
    scores: Scores, label_bijk: Tensor, weight_bijk: Tensor, settings: LossAttentionSettings
) -> Tensor:
    """One stream's cross-entropy under a weight map, divided as the settings say."""
    total = _normaliser(weight_bijk, settings)
    main = _weighted_sum(scores.main_bnijk, label_bijk, weight_bijk) / total
    if not settings.weigh_auxiliary or scores.auxiliary_bnijk is None:
        return main + auxiliary_loss(scores, label_bijk)
    return (
        main
        + scores.auxiliary_weight * _weighted_sum(scores.auxiliary_bnijk, label_bijk, weight_bijk) / total
    )


def _normaliser(weight_bijk: Tensor, settings: LossAttentionSettings) -> Tensor | int:
    num_voxels = weight_bijk.numel()
    if settings.normaliser != "sum_weights":
        return num_voxels
    # The floor keeps a step small where few voxels disagree (UpdateByDisagreement: min_batch_size 0.1).
    return weight_bijk.sum().clamp(min=settings.floor * num_voxels)


def _weighted_sum(score_bnijk: Tensor, label_bijk: Tensor, weight_bijk: Tensor) -> Tensor:
    loss_bijk = functional.cross_entropy(score_bnijk.float(), label_bijk, reduction="none")
    return (loss_bijk * weight_bijk).sum()


def auxiliary_loss(scores: Scores, label_bijk: Tensor) -> Tensor | float:
    """The weighted cross-entropy of the auxiliary branch, of all voxels alike; 0 without such a branch."""
    if scores.auxiliary_bnijk is None:
        return 0.0
    return scores.auxiliary_weight * functional.cross_entropy(scores.auxiliary_bnijk.float(), label_bijk)
