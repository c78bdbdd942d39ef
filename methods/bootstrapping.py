"""Bootstrapping: the target is the label mixed with what the network itself says, softly or hard."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between, demand_networks
from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SoftBootstrappingMethod:
    """DenseVoxNets trained towards beta e_y + (1 - beta) p."""

    name: ClassVar[str] = "bootstrap-soft"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, ICLR workshop 2015;"
        " soft"
    )
    search_space: ClassVar = {
        "beta": Range(0.6, 1.0),
        "detach": Choice((False, True)),
    }

    networks: int = 2  # P: two models of every method are averaged
    beta: float = 0.95  # the authors'
    detach: bool = False  # both public codes let the gradient through: cross-entropy and an entropy term

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "beta", 0.0, 1.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' mean losses."""
        from methods.robust_losses import soft_bootstrap, trained_by

        rule = partial(soft_bootstrap, beta=self.beta, detach=self.detach)
        return trained_by(rule, network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the label's pull on its own score that is gone, the mean over the networks.

        The label keeps beta of it, and the entropy term adds (1 - beta) p_y (log p_y + H) / (1 - p_y), which
        is below zero where the label is unlikely; with ``detach`` 1 - beta is gone everywhere.
        """
        import torch

        from methods.robust_losses import mean_doubt, soft_bootstrap_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
        rule = partial(soft_bootstrap_doubt, beta=self.beta, detach=self.detach)
        return {"own-prediction": mean_doubt(rule, streams, batch.label_bijk)}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HardBootstrappingMethod:
    """DenseVoxNets trained towards beta e_y + (1 - beta) e_m, m the class that is most likely at present."""

    name: ClassVar[str] = "bootstrap-hard"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, ICLR workshop 2015;"
        " hard"
    )
    search_space: ClassVar = {
        "beta": Range(0.4, 1.0),
    }

    networks: int = 2  # P: two models of every method are averaged
    beta: float = 0.8  # the authors'

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "beta", 0.0, 1.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' mean losses."""
        from methods.robust_losses import hard_bootstrap, trained_by

        rule = partial(hard_bootstrap, beta=self.beta)
        return trained_by(rule, network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the label's pull on its own score that is gone, the mean over the networks.

        (1 - beta) / (1 - p_y), at most 1, where the most likely class is not the label; nothing elsewhere.
        """
        import torch

        from methods.robust_losses import hard_bootstrap_doubt, mean_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
        rule = partial(hard_bootstrap_doubt, beta=self.beta)
        return {"own-prediction": mean_doubt(rule, streams, batch.label_bijk)}
