"""Labels as probabilities: what a method that studied its labels learns, and how far it left them."""

# Legend: B batch, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from methods.interface import Batch
    from tsman.dense_vox_net import Scores


def one_hot(label: Tensor, classes: int) -> Tensor:
    """A label (I, J, K) as (N, I, J, K), or (B, I, J, K) as (B, N, I, J, K); float32."""
    return functional.one_hot(label.long(), classes).movedim(-1, label.dim() - 3).float()


def over_items(flag_b: Tensor) -> Tensor:
    """One value an item (B,) as (B, 1, 1, 1), to stand beside voxels."""
    return flag_b.reshape(-1, 1, 1, 1)


def believed(batch: Batch, classes: int) -> Tensor:
    """What each voxel is taught (B, N, I, J, K): its soft target; its label if that is manual."""
    hard_bnijk = one_hot(batch.label_bijk, classes)
    if batch.target_bnijk is None:
        return hard_bnijk
    is_manual = over_items(batch.is_manual_b).unsqueeze(1)
    return torch.where(is_manual, hard_bnijk, batch.target_bnijk)


@torch.no_grad()
def taken_from_label(batch: Batch) -> Tensor:
    """The share of each voxel's gradient (B, I, J, K) that no longer pulls to its label.

    Cross-entropy is linear in its target, so that this is one minus what the target leaves to the label.
    """
    if batch.target_bnijk is None:
        return torch.zeros(batch.label_bijk.shape, device=batch.label_bijk.device)
    target_bnijk = believed(batch, batch.target_bnijk.shape[1])
    left_bijk = target_bnijk.gather(1, batch.label_bijk.unsqueeze(1)).squeeze(1)
    return (1.0 - left_bijk).clamp(0.0, 1.0)


def over_branches(streams: Sequence[Scores], loss_of: Callable[[int, Tensor], Tensor]) -> Tensor:
    """The loss of every stream's main branch plus weight times that of its auxiliary branch, summed.

    Args:
        streams: The scores of each stream.
        loss_of: The loss of float32 scores (B, N, I, J, K) of the stream of this number.
    """
    losses = []
    for number, scores in enumerate(streams):
        loss = loss_of(number, scores.main_bnijk.float())
        if scores.auxiliary_bnijk is not None:
            loss = loss + scores.auxiliary_weight * loss_of(number, scores.auxiliary_bnijk.float())
        losses.append(loss)
    return torch.stack(losses).sum()


def soft_cross_entropy(streams: Sequence[Scores], target_bnijk: Tensor) -> Tensor:
    """The mean cross-entropy with a target of probabilities, over all branches of all streams."""
    return over_branches(streams, lambda _, score_bnijk: functional.cross_entropy(score_bnijk, target_bnijk))
