"""Temporal ensembling: the networks agree with the moving average of what they said before."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.ramps import ramp_up
from methods.search import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig

STUDIED = "studied"
"""The buffer that counts the predictions in the averages."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalEnsemblingMethod:
    """Independent DenseVoxNets that learn every label and the average of their own predictions.

    The authors average once an epoch; here whole volumes, by all networks together, at shares of the steps.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "temporal-ensembling"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Laine & Aila, Temporal Ensembling for Semi-Supervised Learning, ICLR 2017 (arXiv 1610.02242)"
    )
    judges: ClassVar[int] = 0
    search_space: ClassVar = {
        "alpha": Range(0.0, 0.95),
        "consistency": Range(0.1, 100.0, log=True),
        "ramp": Range(0.05, 1.0),
    }

    networks: int = 2  # P: two models of every method are averaged
    # ours: 0008's first revision, when networks know all classes; an average without one forbids it for good.
    studies: tuple[float, ...] = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
    alpha: float = 0.6  # s-laine/tempens, config.py; the average's share of the old
    consistency: float = 1.0  # ours: 0025; s-laine/tempens: 30, unsup_weight_max where all items are labelled
    ramp: float = 0.27  # s-laine/tempens: 80 of 300 epochs; share of the steps, from the first study on

    def __post_init__(self) -> None:
        if not 1 <= self.networks <= 100:
            raise ValueError(f"networks {self.networks} must be in 1..100")
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha {self.alpha} must be in [0, 1)")
        if not 0 < self.ramp <= 1:
            raise ValueError(f"ramp {self.ramp} must be in (0, 1]")
        if not 0 <= self.consistency <= 10_000:
            raise ValueError(f"consistency {self.consistency} must be in [0, 10000]")
        if not self.studies or any(low >= high for low, high in pairwise((0.0, *self.studies, 1.0))):
            raise ValueError(f"studies must ascend inside (0, 1), not {self.studies}")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, and how many predictions the averages hold."""
        import torch

        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        network.register_buffer(STUDIED, torch.zeros((), dtype=torch.int64))
        return network

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],
        progress: float,  # noqa: ARG002 the average counts for itself
    ) -> Mapping[str, Tensor]:
        """The average of every case's predictions so far, this one among them."""
        studied = network.get_buffer(STUDIED)
        studied.add_(1)
        count = int(studied)
        return {case.name: self.averaged(case.target_nijk, predict(case.image_cijk), count) for case in cases}

    def averaged(self, before_nijk: Tensor | None, newest_nijk: Tensor, count: int) -> Tensor:
        """The bias-corrected moving average of ``count`` predictions (Laine & Aila, Algorithm 2).

        Args:
            before_nijk: The average of those before, corrected; ``None`` for the first.
            newest_nijk: The newest prediction.
            count: How many there are with it.
        """
        if before_nijk is None:
            return newest_nijk.clone()
        share = (1.0 - self.alpha) / (1.0 - self.alpha**count)
        return before_nijk.to(newest_nijk).lerp(newest_nijk, share)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """Cross-entropy with the label, and mean squared error to the average where there is one yet."""
        import torch

        from tsman.loss import segmentation_loss

        streams = network(batch.image_bcijk)
        total = segmentation_loss(streams, batch.label_bijk)
        if batch.target_bnijk is None:
            return total
        distances = [
            (scores.main_bnijk.float().softmax(dim=1) - batch.target_bnijk).square().mean()
            for scores in streams
        ]
        start = self.studies[0]
        weight = self.consistency * ramp_up(progress, start, start + self.ramp)
        return total + weight * torch.stack(distances).sum()

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)
