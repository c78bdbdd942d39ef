"""A channel from the true class to the one that the label shows, between the softmax and the loss."""

# Legend: B batch, N true classes, M shown classes, I J K voxel axes, S streams.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from methods.soft_targets import one_hot, over_items, pull_removed
from tsman.loss import over_branches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from methods.interface import Batch, Case
    from tsman.dense_vox_net import Scores

LEAST = 1e-8
"""Below any probability of a channel, so that its logarithm is finite (udibr/noisy_labels: mnist-simple)."""


def uniform_channel(classes: int, error: float) -> Tensor:
    """A channel (N, M) that shows another class with this probability, each other alike."""
    channel_nm = torch.full((classes, classes), error / (classes - 1))
    return channel_nm.fill_diagonal_(1.0 - error)


def normalised_rows(count_nm: Tensor) -> Tensor:
    """Counts as a channel (N, M), float32; a class that never came up is shown as itself."""
    total_n1 = count_nm.sum(dim=1, keepdim=True)
    identity_nm = torch.eye(len(count_nm), dtype=count_nm.dtype, device=count_nm.device)
    return torch.where(total_n1 > 0, count_nm / total_n1.clamp(min=LEAST), identity_nm).float()


@torch.no_grad()
def judged_confusion(cases: Iterable[Case]) -> Tensor | None:
    """How much probability of each class the judges see under each label (N, M), float64.

    Summed over the voxels of all cases without a manual label (Goldberger & Ben-Reuven 2017, section 3);
    ``None`` if there is no such case.
    """
    total_nm: Tensor | None = None
    for case in cases:
        if case.is_manual:
            continue
        assert case.judged_nijk is not None, f"no judge has seen {case.name}"
        probability_nv = case.judged_nijk.flatten(1).double()
        shown_mv = one_hot(case.label_ijk, len(probability_nv)).flatten(1).to(probability_nv)
        count_nm = probability_nv @ shown_mv.T
        total_nm = count_nm if total_nm is None else total_nm + count_nm
    return total_nm


def channel_loss(streams: Sequence[Scores], batch: Batch, log_channels: Sequence[Tensor]) -> Tensor:
    """The mean of -log sum_i p_i Q_iy over all branches; a manual item goes through no channel.

    Args:
        streams: The scores of each stream.
        batch: The labels y, and which are manual.
        log_channels: log Q (N, M), one a stream.
    """

    def rule(score_bnijk: Tensor, log_channel_nm: Tensor) -> Tensor:
        return -torch.logsumexp(_joint(score_bnijk, batch, log_channel_nm), dim=1).mean()

    losses = [
        over_branches(scores, batch.label_bijk, partial(rule, log_channel_nm=log_channel_nm))
        for scores, log_channel_nm in zip(streams, log_channels, strict=True)
    ]
    return torch.stack(losses).sum()


@torch.no_grad()
def channel_doubt(streams: Sequence[Scores], batch: Batch, log_channels: Sequence[Tensor]) -> Tensor:
    """The share (B, I, J, K) of the label's pull on its own score that is gone, the mean of the streams.

    The gradient of -log sum_i p_i Q_iy by the scores is that of cross-entropy with the posterior of the true
    class, p_i Q_iy / sum_i p_i Q_iy, as its target t: of 1 - p_y there is left t_y - p_y.
    """
    label_b1ijk = batch.label_bijk.unsqueeze(1)
    doubts = []
    for scores, log_channel_nm in zip(streams, log_channels, strict=True):
        posterior_bnijk = _joint(scores.main_bnijk.float(), batch, log_channel_nm).softmax(dim=1)
        left_bijk = posterior_bnijk.gather(1, label_b1ijk).squeeze(1)
        doubts.append(pull_removed(left_bijk, scores.main_bnijk, batch.label_bijk))
    return torch.stack(doubts).mean(dim=0)


def _joint(score_bnijk: Tensor, batch: Batch, log_channel_nm: Tensor) -> Tensor:
    """The logarithm of p_i Q_iy (B, N, I, J, K); of p_y at i = y and nothing elsewhere for a manual item."""
    classes = len(log_channel_nm)
    shown_bmijk = one_hot(batch.label_bijk, classes)
    seen_bnijk = torch.einsum("bmijk,nm->bnijk", shown_bmijk, log_channel_nm.float())
    clean_bnijk = torch.where(shown_bmijk > 0, 0.0, -torch.inf)
    is_manual = over_items(batch.is_manual_b).unsqueeze(1)
    return torch.log_softmax(score_bnijk, dim=1) + torch.where(is_manual, clean_bnijk, seen_bnijk)
