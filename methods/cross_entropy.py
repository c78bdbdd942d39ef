"""One DenseVoxNet that trusts every label: what a single network reaches without any care for noise."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntropyMethod:
    """Mean cross-entropy -log p_y of one network; ``densevoxnet`` averages two."""

    name: ClassVar[str] = "cross-entropy"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Yu et al., Automatic 3D Cardiovascular MR Segmentation with Densely-Connected Volumetric ConvNets,"
        " MICCAI 2017; one network"
    )
    networks: ClassVar[int] = 1

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The one network."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The network's segmentation loss."""
        from tsman.loss import segmentation_loss

        return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The network's softmax (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)
