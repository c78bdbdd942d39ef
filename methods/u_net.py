"""U-Net, slice by slice and in 3-D: the networks that most know; they trust every label."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.widths import demand_ensemble, full_size_width

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch, StreamConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetMethod:
    """Independent U-Nets over ``axes`` axes, trained by cross-entropy and averaged.

    MONAI's BasicUNet as it is: five levels of two convolutions of side 3, instance normalisation, leaky ReLU.
    """

    axes: ClassVar[Literal[2, 3]]

    networks: int = 2  # P: two models of every method are averaged
    width: int = 0  # channels of the first level; ours: 0015; 0 takes half of the stream's last

    def __post_init__(self) -> None:
        demand_ensemble(self.networks, self.width)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from methods.u_net_network import UNets

        return UNets(self.axes, channels, classes, full_size_width(self.width, stream), self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' mean cross-entropies."""
        from tsman.loss import segmentation_loss

        return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UNet2dMethod(UNetMethod):
    """Independent 2-D U-Nets over axial slices, trained by cross-entropy and averaged.

    MONAI's BasicUNet as it is: five levels of two 3 x 3 convolutions, instance normalisation, leaky ReLU.
    """

    name: ClassVar[str] = "unet-2d"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015;"
        " MONAI's BasicUNet"
    )
    axes: ClassVar[Literal[2, 3]] = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UNet3dMethod(UNetMethod):
    """Independent 3-D U-Nets, trained by cross-entropy and averaged; else as in 2-D."""

    name: ClassVar[str] = "unet-3d"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "Çiçek et al., 3D U-Net: Learning Dense Volumetric Segmentation from Sparse Annotation, MICCAI 2016;"
        " MONAI's BasicUNet"
    )
    axes: ClassVar[Literal[2, 3]] = 3
