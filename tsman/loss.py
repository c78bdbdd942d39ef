"""The loss of one stream, and of two whose disagreement weighs it (P, Eq. 6 and 7)."""

# Legend: p and p_hat are P's predictions of the two streams; B batch, N classes, I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tsman.labels import hard_label

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    def rule(score_bnijk: Tensor) -> Tensor:
        return functional.cross_entropy(score_bnijk, label_bijk)

    return over_streams(streams, label_bijk, rule)


def over_branches(scores: Scores, label_bijk: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """A rule's loss of one stream's main branch plus weight times what its auxiliary branch loses.

    Args:
        scores: Of one stream; without an auxiliary score there is no second term.
        label_bijk: int64 labels 0..N-1.
        rule: Maps float32 scores (B, N, I, J, K) to a scalar.
    """
    return jointly_over_branches((scores,), label_bijk, lambda main: rule(main[0]))


def over_streams(streams: Sequence[Scores], label_bijk: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """The sum of ``over_branches`` of every stream."""
    return torch.stack([over_branches(scores, label_bijk, rule) for scores in streams]).sum()


def jointly_over_branches(
    streams: Sequence[Scores], label_bijk: Tensor, rule: Callable[[Sequence[Tensor]], Tensor]
) -> Tensor:
    """A rule's loss of the main branches of all streams together, plus weight times the auxiliary branches'.

    The one place where it is decided what auxiliary branches learn by: the same rule, or, as
    ``auxiliary_rule`` of the stream's settings says, plain cross-entropy, whatever the method.

    Args:
        streams: Of one or several; all have an auxiliary score or none.
        label_bijk: int64 labels 0..N-1, of the cross-entropy.
        rule: Maps float32 scores (B, N, I, J, K), one a stream, to a scalar.
    """
    main = rule([scores.main_bnijk.float() for scores in streams])
    branches = [s.auxiliary_bnijk.float() for s in streams if s.auxiliary_bnijk is not None]
    if not branches:
        return main
    if streams[0].auxiliary_rule == "own":
        auxiliary = rule(branches)
    else:
        auxiliary = torch.stack([functional.cross_entropy(one, label_bijk) for one in branches]).sum()
    return main + streams[0].auxiliary_weight * auxiliary


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
        p_bnijk: Scores of the first stream.
        p_hat_bnijk: The same of the second.
        settings: How they disagree, and whether and how that is smoothed.
    """
    if settings.exclusive_or == "soft":
        weight_bijk = soft_disagreement(p_bnijk, p_hat_bnijk)
    else:
        weight_bijk = disagreement(p_bnijk, p_hat_bnijk).float()
    if not settings.smooth:
        return weight_bijk
    weight_bijk = smooth(weight_bijk, in_plane=settings.in_plane)
    if settings.rescale:
        weight_bijk = (weight_bijk / CENTRE ** (2 if settings.in_plane else 3)).clamp(max=1.0)
    return weight_bijk


def disagreement(p_bnijk: Tensor, p_hat_bnijk: Tensor) -> Tensor:
    """P's exclusive or: where the two most likely classes differ (B, I, J, K), bool."""
    return hard_label(p_bnijk, dim=1) != hard_label(p_hat_bnijk, dim=1)


def soft_disagreement(p_bnijk: Tensor, p_hat_bnijk: Tensor) -> Tensor:
    """1 - p · p̂ (B, I, J, K): how likely classes drawn from the softmaxes of two scores differ."""
    p_bnijk, p_hat_bnijk = (torch.softmax(one.float(), dim=1) for one in (p_bnijk, p_hat_bnijk))
    return (1.0 - (p_bnijk * p_hat_bnijk).sum(dim=1)).clamp(0.0, 1.0)


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

    def rule(score_bnijk: Tensor) -> Tensor:
        loss_bijk = functional.cross_entropy(score_bnijk, label_bijk, reduction="none")
        return (loss_bijk * weight_bijk).sum() / total

    return over_branches(scores, label_bijk, rule)


def _normaliser(weight_bijk: Tensor, settings: LossAttentionSettings) -> Tensor | int:
    num_voxels = weight_bijk.numel()
    if settings.normaliser != "sum_weights":
        return num_voxels
    # The floor keeps a step small where few voxels disagree (UpdateByDisagreement: min_batch_size 0.1). Five
    # voxels of a hundred do in a usual training: then the floor divides, and not the sum.
    return weight_bijk.sum().clamp(min=settings.floor * num_voxels)
