"""Symmetric cross-entropy: that of the label under the prediction, and a little of the reverse."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between, demand_networks
from methods.learning_rates import dense_vox_net_groups
from methods.search import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetricCrossEntropyMethod:
    """DenseVoxNets trained by alpha CE + beta RCE, where RCE is 9.21 (1 - p_y)."""

    name: ClassVar[str] = "sce"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019"
    )
    search_space: ClassVar = {
        "alpha": Range(0.1, 6.0, log=True),
        "beta": Range(0.05, 2.0, log=True),
    }

    networks: int = 2  # P: two models of every method are averaged
    alpha: float = 1.0  # ours: between the (0.1, 1) for CIFAR-10 and (6, 0.1) for CIFAR-100 of the paper
    beta: float = 0.1  # ours: the same; at p_y = 1 the two terms pull about alike

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "alpha", 1e-3, 100.0)
        demand_between(self, "beta", 0.0, 100.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' mean losses."""
        from methods.robust_losses import symmetric, trained_by

        rule = partial(symmetric, alpha=self.alpha, beta=self.beta)
        return trained_by(rule, network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """What alpha + 9.21 beta p_y, which multiplies the gradient of CE, lacks of its most; networks' mean.

        It is below 1 everywhere: no voxel's gradient is removed altogether.
        """
        import torch

        from methods.robust_losses import mean_doubt, symmetric_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
        rule = partial(symmetric_doubt, alpha=self.alpha, beta=self.beta)
        return {"low-probability": mean_doubt(rule, streams, batch.label_bijk)}
