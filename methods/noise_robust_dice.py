"""Noise-robust Dice: a Dice loss whose error is raised to a power between absolute and squared."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.bounds import demand_between, demand_networks
from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseRobustDiceMethod:
    """DenseVoxNets trained by sum |p - e_y|^gamma / sum (p + e_y), the mean over the classes.

    It has no doubt to show: what a voxel's gradient is worth depends on all others of its class.
    """

    name: ClassVar[str] = "nr-dice"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Wang et al., A Noise-Robust Framework for Automatic Segmentation of COVID-19 Pneumonia Lesions from"
        " CT Images, IEEE TMI 2020"
    )
    search_space: ClassVar = {
        "gamma": Range(1.0, 2.0),
        "denominator": Choice(("sum", "squares")),
    }

    networks: int = 2  # P: two models of every method are averaged
    gamma: float = 1.5  # the authors', of 1 to 2
    # "sum" as in PyMIC; "squares" and a gamma below 2 push a class up that is not in the crop
    denominator: Literal["sum", "squares"] = "sum"

    def __post_init__(self) -> None:
        demand_networks(self.networks)
        demand_between(self, "gamma", 1.0, 2.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' losses, each over all voxels of the batch."""
        from methods.robust_losses import noise_robust_dice, trained_by

        rule = partial(noise_robust_dice, gamma=self.gamma, squares=self.denominator == "squares")
        return trained_by(rule, network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)
