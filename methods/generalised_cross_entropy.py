"""Generalised cross-entropy, between cross-entropy and absolute error, whole and truncated."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between, demand_networks
from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from tsman.settings import resolved_warm_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, Start, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralisedCrossEntropyMethod:
    """DenseVoxNets trained by (1 - p_y^q) / q, which bounds what a wrong label can do.

    It begins by cross-entropy: a fresh network whose background is likely everywhere leaves p_y near 0 on
    small structures, and then this loss never teaches them.
    """

    name: ClassVar[str] = "gce"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Zhang & Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels,"
        " NeurIPS 2018"
    )
    search_space: ClassVar = {
        "q": Range(0.2, 1.0),
        "warm_up": Choice((0.0, 0.2, 0.35, 0.5)),
    }

    networks: int = 2  # P: two models of every method are averaged
    q: float = 0.7  # the authors'; PyMIC takes 0.5
    warm_up: float | None = None  # ours: as decoupling (0006, 0040); share of the steps by cross-entropy

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "q", 1e-3, 1.0)
        if self.warm_up is not None:
            demand_between(self, "warm_up", 0.0, 1.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The sum of the networks' mean losses."""
        from methods.robust_losses import generalised, trained_by
        from tsman.loss import segmentation_loss

        if progress < resolved_warm_up(self.warm_up, at_teachers=False):
            return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
        return trained_by(partial(generalised, q=self.q), network(batch.image_bcijk), batch.label_bijk)

    def resolved(self, start: Start) -> GeneralisedCrossEntropyMethod:
        """Without a warm-up where the networks start at teachers, unless one is set."""
        return replace(self, warm_up=resolved_warm_up(self.warm_up, at_teachers=start == "teachers"))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """1 - p_y^q, the mean over the networks: the gradient is p_y^q times that of cross-entropy.

        Warm-up aside.
        """
        import torch

        from methods.robust_losses import generalised_doubt, mean_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
        rule = partial(generalised_doubt, q=self.q)
        return {"low-probability": mean_doubt(rule, streams, batch.label_bijk)}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedCrossEntropyMethod:
    """The same, and no voxel is learned whose label has p_y <= k.

    The authors choose the samples every tenth epoch by the best weights so far; here each step chooses its
    own voxels by the present ones, since a crop is never seen twice.
    """

    name: ClassVar[str] = "truncated-gce"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Zhang & Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels,"
        " NeurIPS 2018; truncated"
    )
    search_space: ClassVar = {
        "q": Range(0.2, 1.0),
        "k": Range(0.01, 0.7),
        "warm_up": Choice((0.0, 0.2, 0.35, 0.5)),
    }

    networks: int = 2  # P: two models of every method are averaged
    q: float = 0.7  # the authors'
    k: float = 0.5  # the authors'
    # Ours: as decoupling (0006, 0040); AlanChou's Truncated-Loss begins at epoch 40 of 120.
    warm_up: float | None = None

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "q", 1e-3, 1.0)
        demand_between(self, "k", 1e-3, 1.0)
        if self.warm_up is not None:
            demand_between(self, "warm_up", 0.0, 1.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The sum of the networks' mean losses; a voxel that is left out counts with a constant."""
        from methods.robust_losses import trained_by, truncated
        from tsman.loss import segmentation_loss

        if progress < resolved_warm_up(self.warm_up, at_teachers=False):
            return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)
        rule = partial(truncated, q=self.q, k=self.k)
        return trained_by(rule, network(batch.image_bcijk), batch.label_bijk)

    def resolved(self, start: Start) -> TruncatedCrossEntropyMethod:
        """Without a warm-up where the networks start at teachers, unless one is set."""
        return replace(self, warm_up=resolved_warm_up(self.warm_up, at_teachers=start == "teachers"))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """1 where a voxel is left out, 1 - p_y^q elsewhere, the mean over the networks; warm-up aside."""
        import torch

        from methods.robust_losses import mean_doubt, truncated_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
        rule = partial(truncated_doubt, q=self.q, k=self.k)
        return {"truncated": mean_doubt(rule, streams, batch.label_bijk)}
