"""One stream: DenseVoxNet (Yu et al. 2017a), as released in HeartSeg's train_densenet.prototxt."""

# Legend: B batch, C image channels (or features), N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import nn
from torch.nn import functional

from tsman.batch_norm import CorrectedBatchNorm
from tsman.initialisation import initialise, trilinear_kernel

if TYPE_CHECKING:
    from torch import Tensor

    from tsman.settings import AuxiliaryRule, StreamSettings

STAGES = ("stem", "block1", "pool", "block2", "up1", "up2")
"""The stages of a stream in order: at 1/2, 1/2, 1/4, 1/4, 1/2 and full resolution."""
TAPPED = "block1"
"""The stage whose output the auxiliary branch scores."""


class Scores(NamedTuple):
    """What a stream says of each voxel before the softmax."""

    main_bnijk: Tensor
    auxiliary_bnijk: Tensor | None = None  # only when training
    auxiliary_weight: float = 0.0  # of the auxiliary branch in the loss
    auxiliary_rule: AuxiliaryRule = "own"  # what it learns by: its method's rule, or plain cross-entropy


@final
class DenseVoxNet(nn.Module):
    """Two dense blocks down, two deconvolutions up, and an auxiliary branch that only training sees.

    Args:
        channels: Image channels C.
        classes: Classes N, background included.
        settings: Widths, depth and variants.

    Raises:
        ValueError: If there are fewer than two classes, or a setting is out of range.
    """

    def __init__(self, channels: int, classes: int, settings: StreamSettings) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"a segmentation has at least 2 classes, not {classes}")
        self.settings = settings
        self.widths = widths(settings)
        block1, block2 = self.widths["block1"], self.widths["block2"]
        self.stages = nn.ModuleDict(
            {
                "stem": nn.Conv3d(channels, settings.stem, 3, stride=2, padding=1, bias=False),
                "block1": DenseBlock(settings.stem, settings),
                "pool": nn.Sequential(nn.Dropout(settings.dropout), nn.MaxPool3d(2)),
                "block2": DenseBlock(block1, settings),
                "up1": _deconvolution(block2, settings.decoder[0], settings.deconv_kernel),
                "up2": _deconvolution(settings.decoder[0], settings.decoder[1], settings.deconv_kernel),
            }
        )
        self.score = nn.Conv3d(settings.decoder[1], classes, 1)
        self.auxiliary = _auxiliary(block1, classes, settings) if settings.auxiliary_weight > 0 else None
        initialise(self, settings.weight_std)

    def forward(self, image_bcijk: Tensor) -> Scores:
        """Score every voxel of (B, C, I, J, K).

        Raises:
            ValueError: If I, J or K is not a multiple of 4.
        """
        refuse_odd_sizes(image_bcijk)
        x_bcijk = tapped_bcijk = image_bcijk
        for name, stage in self.stages.items():
            x_bcijk = stage(x_bcijk)
            if name == TAPPED:
                tapped_bcijk = x_bcijk
        return self.scores(x_bcijk, tapped_bcijk)

    def scores(self, last_bcijk: Tensor, tapped_bcijk: Tensor) -> Scores:
        """The two heads: on the last stage's features, and on those of ``TAPPED`` when training."""
        if not self.training or self.auxiliary is None:
            return Scores(self.score(last_bcijk))
        return Scores(
            self.score(last_bcijk),
            self.auxiliary(tapped_bcijk),
            self.settings.auxiliary_weight,
            self.settings.auxiliary_rule,
        )

    def upsampling_weights(self) -> list[nn.Parameter]:
        """The learned trilinear upsampling, which learns at a tenth of the rate (HeartSeg)."""
        return [layer.weight for layer in self.modules() if isinstance(layer, Upsampling)]

    def score_biases(self) -> list[nn.Parameter]:
        """The biases of the score layers, which learn at twice the rate and do not decay (HeartSeg)."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Conv3d)]
        return [layer.bias for layer in layers if isinstance(layer.bias, nn.Parameter)]


@final
class DenseBlock(nn.Module):
    """Units that each add ``growth`` channels to all before them, then a mixing 1x1x1 convolution."""

    def __init__(self, channels: int, settings: StreamSettings) -> None:
        super().__init__()
        starts = range(channels, channels + settings.units * settings.growth, settings.growth)
        self.units = nn.ModuleList(
            Activated(start, settings.growth, 3, settings.average_fraction) for start in starts
        )
        width = channels + settings.units * settings.growth
        self.mix = Activated(width, width, 1, settings.average_fraction)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x_bcijk: Tensor) -> Tensor:
        """(B, C, I, J, K) to (B, C + units * growth, I, J, K)."""
        for unit in self.units:
            x_bcijk = torch.cat((x_bcijk, self.dropout(unit(x_bcijk))), dim=1)
        mixed_bcijk: Tensor = self.mix(x_bcijk)
        return mixed_bcijk


@final
class Activated(nn.Module):
    """Batch normalisation, ReLU, then a convolution without bias that keeps the size."""

    def __init__(self, channels: int, out_channels: int, kernel: int, fraction: float) -> None:
        super().__init__()
        self.norm = CorrectedBatchNorm(channels, fraction)
        self.conv = nn.Conv3d(channels, out_channels, kernel, padding=kernel // 2, bias=False)

    def forward(self, x_bcijk: Tensor) -> Tensor:
        """(B, C, I, J, K) to (B, out_channels, I, J, K)."""
        y_bcijk: Tensor = self.conv(functional.relu(self.norm(x_bcijk), inplace=True))
        return y_bcijk


@final
class Upsampling(nn.Module):
    """Doubles the size of a class's scores by a kernel that starts as trilinear interpolation and learns."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(trilinear_kernel().repeat(classes, 1, 1, 1, 1))

    def forward(self, score_bnijk: Tensor) -> Tensor:
        """(B, N, I, J, K) to (B, N, 2I, 2J, 2K), float32."""
        # A grouped deconvolution in bfloat16 takes a CPU six times as long as in float32.
        with torch.autocast(score_bnijk.device.type, enabled=False):
            return functional.conv_transpose3d(
                score_bnijk.float(), self.weight, stride=2, padding=1, groups=len(self.weight)
            )


def widths(settings: StreamSettings) -> dict[str, int]:
    """The number of channels that each stage gives out."""
    added = settings.units * settings.growth
    block1 = settings.stem + added
    block2 = block1 + added
    return dict(zip(STAGES, (settings.stem, block1, block1, block2, *settings.decoder), strict=True))


def refuse_odd_sizes(image_bcijk: Tensor) -> None:
    """Raise ValueError if a spatial size cannot be halved twice."""
    size_ijk = tuple(image_bcijk.shape[2:])
    if any(size % 4 for size in size_ijk):
        raise ValueError(f"DenseVoxNet wants sizes that are multiples of 4, not {size_ijk}; pad the image")


def _deconvolution(channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Doubles the size: kernel 4 overlaps by one voxel each side, kernel 2 tiles."""
    upsampling = nn.ConvTranspose3d(channels, out_channels, kernel, stride=2, padding=(kernel - 2) // 2)
    return nn.Sequential(upsampling, nn.ReLU(inplace=True))


def _auxiliary(channels: int, classes: int, settings: StreamSettings) -> nn.Sequential:
    """As released, or with a deconvolution of its own (fits the paper's 1.8 M parameters)."""
    if settings.auxiliary == "deconv_then_score":
        width = settings.decoder[1]
        return nn.Sequential(
            _deconvolution(channels, width, settings.deconv_kernel), nn.Conv3d(width, classes, 1)
        )
    return nn.Sequential(nn.Conv3d(channels, classes, 1), Upsampling(classes))
