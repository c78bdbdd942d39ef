"""A method that learns nothing: it stays where it starts. A control of whether a recipe tells methods apart."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from methods.interface import Batch, ParameterGroup, StreamConfig
from tsman.loss import segmentation_loss
from tsman.network import Independent, mean_probability


@dataclass(frozen=True)
class Frozen:
    """Two DenseVoxNets with a learning rate of 0; only their running statistics move."""

    name: ClassVar[str] = "frozen"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = "a control, of no paper"
    networks: ClassVar[int] = 2

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Two networks of different initialisation."""
        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' segmentation losses."""
        return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """All parameters, with no learning rate."""
        return [ParameterGroup(list(network.parameters()), learning_rate_factor=0.0)]
