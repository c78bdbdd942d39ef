"""T-Loss: the error of a whole volume under a Student t distribution, whose tails are learned."""

# Legend: B batch, C image channels, N classes, I J K voxel axes, S networks.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between, demand_networks
from methods.interface import ParameterGroup
from methods.learning_rates import dense_vox_net_groups
from methods.search import Range

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TLossMethod:
    """DenseVoxNets trained by a Student t's negative log-likelihood of p - e_y, divided by its length.

    It has no doubt to show: all voxels of an item share one weight, (nu + D) / (nu + their summed square).
    """

    name: ClassVar[str] = "t-loss"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Gonzalez-Jimenez et al., Robust T-Loss for Medical Image Segmentation, MICCAI 2023"
    )
    search_space: ClassVar = {
        "nu_start": Range(-2.0, 6.0),
        "nu_learning_rate_factor": Range(0.01, 10.0, log=True),
    }

    networks: int = 2  # P: two models of every method are averaged
    nu_start: float = 1.0  # log of the degrees of freedom at the start (the authors' tloss.py)
    nu_learning_rate_factor: float = 0.1  # the authors' 1e-3 beside 1e-2 of the network

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "nu_start", -10.0, 10.0)
        demand_between(self, "nu_learning_rate_factor", 0.0, 100.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation and a nu of its own."""
        import torch
        from torch import nn

        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        network.register_parameter("nu_s", nn.Parameter(torch.full((self.networks,), self.nu_start)))
        return network

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' losses, each the mean over the items."""
        from functools import partial

        import torch

        from methods.robust_losses import student_t, trained_by

        nu_s = network.get_parameter("nu_s")
        losses = [
            trained_by(partial(student_t, nu0=nu), (scores,), batch.label_bijk)
            for scores, nu in zip(network(batch.image_bcijk), nu_s, strict=True)
        ]
        return torch.stack(losses).sum()

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers, and a learning rate of its own for nu."""
        nu_s = network.get_parameter("nu_s")
        groups = [
            replace(group, parameters=[one for one in group.parameters if one is not nu_s])
            for group in dense_vox_net_groups(network)
        ]
        return [*groups, ParameterGroup([nu_s], self.nu_learning_rate_factor, decay=False)]
