"""Small-loss selection: voxels that are learned last are held for wrong, as many as there is noise.

The share of noise is not told but estimated: judges that did not see a label say how often it is wrong
(``methods.confident_learning``), and the share is kept in buffers of the network.
"""

# Legend: N classes, B batch, I J K voxel axes, V voxels in a row.

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from methods.bounds import demand_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor, nn

    from methods.interface import Case
    from tsman.dense_vox_net import Scores

UNSTUDIED: Final = 0.0
"""The share of noise until a study has said how much there is: nothing is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallLoss:
    """Which voxels of a batch are kept.

    Raises:
        ValueError: If a setting is out of range.
    """

    # share of the steps in which forgetting grows from 0; Han et al. 2018: 10 of 200 epochs
    ramp: float = 0.05
    per_class: bool = True  # ours: docs/methods/losses_and_pairs.md; else small structures go first
    scope: Literal["batch", "per_volume"] = "batch"  # PyMIC ranks all voxels of a batch together
    highest_rate: float = 0.5  # ours: an estimate beyond it says more of the judge than of the labels

    def __post_init__(self) -> None:
        demand_between(self, "ramp", 0.0, 1.0)
        demand_between(self, "highest_rate", 0.0, 0.99)


def hold_noise_rate(network: nn.Module, classes: int) -> None:
    """Give a network the buffers of the noise rate: by class of the label (N,), and of all voxels."""
    import torch

    network.register_buffer("noise_rate_n", torch.full((classes,), UNSTUDIED))
    network.register_buffer("noise_rate", torch.tensor(UNSTUDIED))


def study_noise_rate(network: nn.Module, cases: Iterable[Case]) -> None:
    """Estimate the noise rate by confident learning and write it to the network's buffers.

    Raises:
        ValueError: If there is no case, or one was not judged.
    """
    from methods.confident_learning import gathered, noise_rate, noise_rates

    joint_nn = gathered(cases).joint()
    network.get_buffer("noise_rate_n").copy_(noise_rates(joint_nn))
    network.get_buffer("noise_rate").fill_(noise_rate(joint_nn))


def forgotten_shares(network: nn.Module, rule: SmallLoss, progress: float) -> list[float]:
    """The share of each class's voxels to forget, N numbers; the same number if classes are not told apart.

    It grows linearly from 0 to the estimated noise rate (Han et al. 2018: R(T) with c = 1).
    """
    rate_n = network.get_buffer("noise_rate_n")
    if not rule.per_class:
        rate_n = network.get_buffer("noise_rate").expand_as(rate_n)
    grown = min(progress / rule.ramp, 1.0) if rule.ramp > 0 else 1.0
    shares: list[float] = (rate_n.clamp(0.0, rule.highest_rate) * grown).tolist()
    return shares


def small_loss(
    loss_bijk: Tensor, label_bijk: Tensor, forgotten_n: Sequence[float], rule: SmallLoss
) -> Tensor:
    """The voxels (B, I, J, K), bool, that are left when the largest losses are forgotten.

    Args:
        loss_bijk: What ranks them.
        label_bijk: int64 labels 0..N-1.
        forgotten_n: The share to forget of each class; the first of them, if classes are not told apart.
        rule: Over what the ranks go.
    """
    import torch

    kept_bijk = torch.ones_like(label_bijk, dtype=torch.bool)
    size = 1 if rule.scope == "per_volume" else len(label_bijk)
    losses, labels, kept = (torch.split(one.detach(), size) for one in (loss_bijk, label_bijk, kept_bijk))
    for loss, label, out in zip(losses, labels, kept, strict=True):
        if not rule.per_class:
            out.copy_(_smallest(loss.flatten(), forgotten_n[0]).view_as(out))
            continue
        for index, share in enumerate(forgotten_n):
            member = label == index
            out[member] = _smallest(loss[member], share)
    return kept_bijk


def cross_entropies(streams: Iterable[Scores], label_bijk: Tensor) -> list[Tensor]:
    """What each network loses on each voxel (B, I, J, K), without a gradient."""
    import torch
    from torch.nn import functional

    with torch.no_grad():
        return [
            functional.cross_entropy(scores.main_bnijk.float(), label_bijk, reduction="none")
            for scores in streams
        ]


def kept_by_each(
    network: nn.Module, streams: Iterable[Scores], label_bijk: Tensor, rule: SmallLoss, progress: float
) -> list[Tensor]:
    """For each network the voxels (B, I, J, K), bool, that it has the smallest losses on."""
    forgotten_n = forgotten_shares(network, rule, progress)
    losses = cross_entropies(streams, label_bijk)
    return [small_loss(loss_bijk, label_bijk, forgotten_n, rule) for loss_bijk in losses]


def mean_over(loss_bijk: Tensor, kept_bijk: Tensor) -> Tensor:
    """The mean loss of the voxels that are kept; 0 if none is."""
    return (loss_bijk * kept_bijk).sum() / kept_bijk.sum().clamp(min=1)


def loss_of_kept(streams: Sequence[Scores], label_bijk: Tensor, kept: Sequence[Tensor]) -> Tensor:
    """The sum over the networks of the mean cross-entropy of the voxels (B, I, J, K) that each may learn."""
    import torch
    from torch.nn import functional

    from tsman.loss import over_branches

    def rule(score_bnijk: Tensor, kept_bijk: Tensor) -> Tensor:
        loss_bijk = functional.cross_entropy(score_bnijk, label_bijk, reduction="none")
        return mean_over(loss_bijk, kept_bijk)

    losses = [
        over_branches(scores, label_bijk, partial(rule, kept_bijk=kept_bijk))
        for scores, kept_bijk in zip(streams, kept, strict=True)
    ]
    return torch.stack(losses).sum()


def _smallest(loss_v: Tensor, forgotten: float) -> Tensor:
    """All but that share of the voxels, rounded down; of equal ones all stay."""
    import torch

    # 0.3 of 10 is 2.9999999999999996.
    number = math.floor(forgotten * len(loss_v) + 1e-6)
    if number == 0:
        return torch.ones_like(loss_v, dtype=torch.bool)
    return loss_v <= loss_v.topk(number + 1).values[-1]
