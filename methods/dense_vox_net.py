"""DenseVoxNet alone: trusts every label. The paper's plain baseline, and the teachers' network."""

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
class DenseVoxNetMethod:
    """Independent DenseVoxNets, trained by cross-entropy and averaged."""

    name: ClassVar[str] = "densevoxnet"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Yu et al., Automatic 3D Cardiovascular MR Segmentation with Densely-Connected Volumetric ConvNets,"
        " MICCAI 2017"
    )

    networks: int = 2  # P: two models of every method are averaged; a teacher is one

    def __post_init__(self) -> None:
        if not 1 <= self.networks <= 100:
            raise ValueError(f"networks {self.networks} must be in 1..100")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' segmentation losses."""
        from tsman.loss import segmentation_loss

        return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)
