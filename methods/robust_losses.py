"""Losses that trust a label less than cross-entropy does, and what share of its pull each takes away.

The pull of a label y is what it does to its own score, dL/dz_y; under cross-entropy that is p_y - 1. The
doubt of a loss is the share of it that is gone: 1 - (dL/dz_y) / (p_y - 1), the loss being scaled to pull as
hard as cross-entropy does where it trusts a label most.
"""

# Legend: z scores, p their softmax, y the label; B batch, N classes, I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from tsman.loss import over_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from tsman.dense_vox_net import Scores

REVERSE: Final = -math.log(1e-4)
"""What reverse cross-entropy takes for -log 0 (Wang et al. 2019; the authors' clamp of e_y at 1e-4)."""
SMOOTH: Final = 1e-5
"""Added to the denominator of a Dice (PyMIC, dice.py)."""


def trained_by(
    rule: Callable[[Tensor, Tensor], Tensor], streams: Sequence[Scores], label_bijk: Tensor
) -> Tensor:
    """The sum over the streams of the mean of a rule.

    Args:
        rule: Maps float32 scores (B, N, I, J, K) and labels to a loss of each voxel, or of all.
        streams: What each network says.
        label_bijk: int64 labels 0..N-1.
    """

    def mean(score_bnijk: Tensor) -> Tensor:
        return rule(score_bnijk, label_bijk).mean()

    return over_streams(streams, label_bijk, mean)


@torch.no_grad()
def mean_doubt(
    rule: Callable[[Tensor, Tensor], Tensor], streams: Sequence[Scores], label_bijk: Tensor
) -> Tensor:
    """The mean over the streams of a doubt (B, I, J, K) in [0, 1]."""
    doubts = [rule(scores.main_bnijk.float(), label_bijk) for scores in streams]
    return torch.stack(doubts).mean(dim=0).clamp(0.0, 1.0)


def log_probability(score_bnijk: Tensor, label_bijk: Tensor) -> Tensor:
    """The logarithm of p_y of every voxel (B, I, J, K)."""
    return -functional.cross_entropy(score_bnijk, label_bijk, reduction="none")


def generalised(score_bnijk: Tensor, label_bijk: Tensor, q: float) -> Tensor:
    """(1 - p_y^q) / q of every voxel: cross-entropy for q to 0, the absolute error 1 - p_y for q = 1."""
    # By the logarithm, since p_y^q has an infinite slope at 0 and loses all digits for a small q.
    return -torch.expm1(q * log_probability(score_bnijk, label_bijk)) / q


def generalised_doubt(score_bnijk: Tensor, label_bijk: Tensor, q: float) -> Tensor:
    """1 - p_y^q: the gradient is p_y^q times that of cross-entropy."""
    return -torch.expm1(q * log_probability(score_bnijk, label_bijk))


def truncated(score_bnijk: Tensor, label_bijk: Tensor, q: float, k: float) -> Tensor:
    """The generalised loss of every voxel with p_y > k; of others its value at k, a constant."""
    is_kept_bijk = log_probability(score_bnijk, label_bijk) > math.log(k)
    return torch.where(is_kept_bijk, generalised(score_bnijk, label_bijk, q), (1.0 - k**q) / q)


def truncated_doubt(score_bnijk: Tensor, label_bijk: Tensor, q: float, k: float) -> Tensor:
    """1 where the voxel is left out, 1 - p_y^q elsewhere."""
    is_kept_bijk = log_probability(score_bnijk, label_bijk) > math.log(k)
    return torch.where(is_kept_bijk, generalised_doubt(score_bnijk, label_bijk, q), 1.0)


def symmetric(score_bnijk: Tensor, label_bijk: Tensor, alpha: float, beta: float) -> Tensor:
    """The sum alpha CE + beta RCE of every voxel; the reverse -sum_k p_k log e_k is 9.21 (1 - p_y)."""
    log_p_bijk = log_probability(score_bnijk, label_bijk)
    return -alpha * log_p_bijk - beta * REVERSE * torch.expm1(log_p_bijk)


def symmetric_doubt(score_bnijk: Tensor, label_bijk: Tensor, alpha: float, beta: float) -> Tensor:
    """What alpha + 9.21 beta p_y, by which cross-entropy's gradient is multiplied, lacks of its most."""
    most = alpha + beta * REVERSE
    return -beta * REVERSE / most * torch.expm1(log_probability(score_bnijk, label_bijk))


def soft_bootstrap(score_bnijk: Tensor, label_bijk: Tensor, beta: float, *, detach: bool) -> Tensor:
    """-sum t log p of every voxel with the target t = beta e_y + (1 - beta) p."""
    log_p_bnijk = torch.log_softmax(score_bnijk, dim=1)
    own_bnijk = log_p_bnijk.exp()
    own_bnijk = own_bnijk.detach() if detach else own_bnijk
    label_loss_bijk = functional.nll_loss(log_p_bnijk, label_bijk, reduction="none")
    return beta * label_loss_bijk - (1.0 - beta) * (own_bnijk * log_p_bnijk).sum(dim=1)


def soft_bootstrap_doubt(score_bnijk: Tensor, label_bijk: Tensor, beta: float, *, detach: bool) -> Tensor:
    """1 - beta, less what the entropy's gradient p_y (log p_y + H) adds to the pull: nothing if detached."""
    if detach:
        return torch.full_like(label_bijk, 1.0 - beta, dtype=torch.float32)
    log_p_bnijk = torch.log_softmax(score_bnijk, dim=1)
    entropy_bijk = -(log_p_bnijk.exp() * log_p_bnijk).sum(dim=1)
    log_p_bijk = log_probability(score_bnijk, label_bijk)
    # At p_y = 1 both entropy and what is left of the pull vanish: such a voxel has no gradient to remove.
    left_bijk = (-torch.expm1(log_p_bijk)).clamp(min=1e-7)
    added_bijk = log_p_bijk.exp() * (log_p_bijk + entropy_bijk) / left_bijk
    return ((1.0 - beta) * (1.0 - added_bijk)).clamp(0.0, 1.0)


def hard_bootstrap(score_bnijk: Tensor, label_bijk: Tensor, beta: float) -> Tensor:
    """-sum t log p of every voxel with the target t = beta e_y + (1 - beta) e_m, m the most likely class."""
    own_bijk = score_bnijk.argmax(dim=1)
    return -beta * log_probability(score_bnijk, label_bijk) - (1.0 - beta) * log_probability(
        score_bnijk, own_bijk
    )


def hard_bootstrap_doubt(score_bnijk: Tensor, label_bijk: Tensor, beta: float) -> Tensor:
    """(1 - beta) / (1 - p_y), at most 1, where the most likely class is another; 0 elsewhere."""
    left_bijk = (-torch.expm1(log_probability(score_bnijk, label_bijk))).clamp(min=1e-7)
    differs_bijk = score_bnijk.argmax(dim=1) != label_bijk
    return torch.where(differs_bijk, (1.0 - beta) / left_bijk, 0.0).clamp(0.0, 1.0)


def noise_robust_dice(score_bnijk: Tensor, label_bijk: Tensor, gamma: float, *, squares: bool) -> Tensor:
    """The mean over classes of sum |p - e_y|^gamma / sum (p + e_y), over all voxels of the batch; a scalar.

    Args:
        score_bnijk: float32.
        label_bijk: int64 labels 0..N-1.
        gamma: 1 is a Dice loss by the absolute error; with ``squares``, 2 is the usual Dice loss.
        squares: Divide by sum (p^2 + e_y^2).
    """
    p_bnijk = torch.softmax(score_bnijk, dim=1)
    label_bnijk = one_hot(label_bijk, p_bnijk)
    size_bnijk = p_bnijk.square() + label_bnijk if squares else p_bnijk + label_bnijk
    over = (0, 2, 3, 4)
    error_n = (p_bnijk - label_bnijk).abs().pow(gamma).sum(dim=over)
    return (error_n / (size_bnijk.sum(dim=over) + SMOOTH)).mean()


def student_t(score_bnijk: Tensor, label_bijk: Tensor, nu0: Tensor) -> Tensor:
    """The negative log-likelihood of p - e_y under a Student t, divided by its length D; a scalar.

    One error of D = N I J K entries an item, with the identity for its scale and nu = exp(nu0) + 1e-8 degrees
    of freedom; the mean over the items. The division keeps the learning rates of cross-entropy; ``nu0`` is
    spared it, because plain gradient descent would else never move it.
    """
    error_bnijk = torch.softmax(score_bnijk, dim=1) - one_hot(label_bijk, score_bnijk)
    length = error_bnijk[0].numel()
    # float32 up to here: lgamma of some millions has no digit left in it for what follows.
    square_b = error_bnijk.square().flatten(1).sum(dim=1).double()
    held = nu0.double()
    nu = torch.exp(held.detach() + length * (held - held.detach())) + 1e-8
    half = 0.5 * (nu + length)
    constant = torch.lgamma(0.5 * nu) - torch.lgamma(half) + 0.5 * length * torch.log(math.pi * nu)
    return ((constant + half * torch.log1p(square_b / nu)).mean() / length).float()


def one_hot(label_bijk: Tensor, like_bnijk: Tensor) -> Tensor:
    """e_y (B, N, I, J, K) of the other's type."""
    return torch.zeros_like(like_bnijk).scatter_(1, label_bijk[:, None], 1.0)
