"""Labels as probabilities: what a method that studied its labels learns, and how far it left them."""

# Legend: B batch, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tsman.loss import over_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

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
def pull_removed(left: Tensor, score_bnijk: Tensor, label_bijk: Tensor) -> Tensor:
    """The share (B, I, J, K) of a label's pull on its own score that a target leaves out, at most 1.

    Cross-entropy towards a target t pulls by p_y - t_y, towards the label by p_y - 1.

    Args:
        left: t_y, what the target leaves to the label, (B, I, J, K).
        score_bnijk: The network's scores.
        label_bijk: int64 labels y.
    """
    p_bnijk = torch.softmax(score_bnijk.float(), dim=1)
    p_bijk = p_bnijk.gather(1, label_bijk.unsqueeze(1)).squeeze(1)
    return ((1.0 - left) / (1.0 - p_bijk).clamp(min=1e-7)).clamp(0.0, 1.0)


def left_to_label(batch: Batch) -> Tensor:
    """t_y of each voxel (B, I, J, K): what its soft target leaves to the label; 1 if that is manual.

    Raises:
        ValueError: The batch has no targets.
    """
    if batch.target_bnijk is None:
        raise ValueError("a batch without soft targets was asked what they leave to its labels")
    target_bnijk = believed(batch, batch.target_bnijk.shape[1])
    return target_bnijk.gather(1, batch.label_bijk.unsqueeze(1)).squeeze(1)


def soft_cross_entropy(streams: Sequence[Scores], target_bnijk: Tensor, label_bijk: Tensor) -> Tensor:
    """The mean cross-entropy with a target of probabilities, over all branches of all streams.

    Args:
        streams: The scores of each stream.
        target_bnijk: Probabilities.
        label_bijk: The labels, for auxiliary branches that learn by plain cross-entropy.
    """

    def rule(score_bnijk: Tensor) -> Tensor:
        return functional.cross_entropy(score_bnijk, target_bnijk)

    return over_streams(streams, label_bijk, rule)
