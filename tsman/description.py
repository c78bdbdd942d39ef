"""The network as a table of its layers, read off its own modules (P, Fig. 2 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from tsman.attention import ChannelAttention, SpatialAttention
from tsman.batch_norm import CorrectedBatchNorm
from tsman.dense_vox_net import TAPPED, Activated, DenseBlock, DenseVoxNet, Upsampling
from tsman.loss import smooth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tsman.settings import AttentionSettings, LossAttentionSettings

Row = dict[str, object]

_FUSIONS: Final = {"add": "add", "concat": "concatenate", "abs_diff": "absolute difference"}
# A tanh is a sigmoid of twice the score, so that its gain is 2a too.
_GAINS: Final = {
    "plain": "multiply by a", "double": "multiply by 2a", "residual": "multiply by 1 + a",
    "tanh": "multiply by 2a",
}  # fmt: skip


def describe(
    stream: DenseVoxNet,
    attention: Mapping[str, nn.Module],
    sites: Mapping[str, str],
    settings: AttentionSettings,
    loss: LossAttentionSettings,
) -> list[Row]:
    """One row a layer, in the order of the forward pass.

    The streams are mirrored: a stream's layer, and an attention's before it brings the streams together,
    stands once for either. After that an attention has one last layer and one sigmoid for each map. Of a
    dense unit ``channels_in`` is what the first takes and ``channels_out`` what each adds.

    Args:
        stream: Either stream.
        attention: The attention modules by name, f1 to f3.
        sites: The attention that follows a stage, by the stage.
        settings: Whether f4 is on, how streams are fused and how maps scale.
        loss: Whether and how f4 is smoothed.
    """
    path = _Path()
    widths: dict[str, int] = {}
    for site, stage in stream.stages.items():
        path.walk("stream", site, [stage])
        widths[site] = path.channels
        if site == TAPPED:
            tapped = path.resolution
        if site in sites:
            name = sites[site]
            path.attend(name, site, attention[name], settings)
    path.walk("stream", "score", [stream.score])
    path.add("stream", "score", "softmax")
    classes = path.channels
    if stream.auxiliary is not None:
        path.channels, path.resolution = widths[TAPPED], tapped
        path.walk("auxiliary", TAPPED, [stream.auxiliary])
        path.add("auxiliary", TAPPED, "softmax")
    if settings.f4:
        path.channels, path.resolution = classes, 1.0
        path.weigh(loss)
    return path.rows


class _Path:
    """Where a feature is on its way through the network: its channels, its size, the layers behind it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.channels = 0
        self.resolution = 1.0

    def walk(self, block: str, site: str, modules: Iterable[nn.Module]) -> None:
        """The rows of these modules, one after the other, and of the modules inside them."""
        for module in modules:
            if isinstance(module, DenseBlock):
                self._units(block, site, [unit for unit in module.units if isinstance(unit, Activated)])
                self.walk(block, site, [module.mix.norm, nn.ReLU(), module.mix.conv])
            elif isinstance(module, nn.Dropout) and module.p == 0:
                continue
            elif isinstance(module, nn.Sequential):
                self.walk(block, site, module.children())
            else:
                self._layer(block, site, module)

    def attend(self, name: str, site: str, attention: nn.Module, settings: AttentionSettings) -> None:
        """The rows of one attention; the feature goes on with as many channels as it came with."""
        channels, resolution = self.channels, self.resolution
        assert isinstance(attention, ChannelAttention | SpatialAttention)
        normalised = [attention.norm] if isinstance(attention, SpatialAttention) else []
        if isinstance(attention, ChannelAttention):
            self.resolution = 0.0
            self.add(name, site, "global average")
        self.walk(name, site, [attention.hidden])
        fused = attention.last.weight.shape[1]
        word = "take the other" if settings.sources == "other" else _FUSIONS[settings.fusion]
        self.add(name, site, word, channels_out=fused)
        self.walk(name, site, [*normalised, nn.ReLU()])
        for last in (attention.last, attention.last_hat):
            if last is not None:
                self.channels = fused
                self.walk(name, site, [last])
                self.add(name, site, "sigmoid")
        self.resolution = resolution
        if settings.exchange:
            self.add(name, site, "add the other feature", channels_out=channels)
        if settings.gradient == "only":
            self.add(name, site, "of the gradient only", channels_out=channels)
        self.add(name, site, _GAINS[settings.gain], channels_out=channels)

    def weigh(self, loss: LossAttentionSettings) -> None:
        """The rows of f4, on the predictions."""
        self.add("f4", "softmax", "exclusive or", channels_out=1)
        if loss.exclusive_or == "soft":
            self.add("f4", "softmax", "of probabilities")
        if loss.smooth:
            word = "Gaussian smoothing in plane" if loss.in_plane else "Gaussian smoothing"
            self.add("f4", "softmax", word, kernel=_taps(in_plane=loss.in_plane), stride=1)
            if loss.rescale:
                self.add("f4", "softmax", "divide by its centre")
        self.add("f4", "softmax", "multiply the loss")

    def add(
        self, block: str, site: str, operation: str, *, kernel: int = 0, stride: int = 0,
        channels_out: int | None = None,
    ) -> None:  # fmt: skip
        """One row; without ``channels_out`` the channels stay as they are."""
        given = self.channels if channels_out is None else channels_out
        self.rows.append(
            {
                "block": block, "site": site, "operation": operation, "kernel": kernel, "stride": stride,
                "channels_in": self.channels, "channels_out": given, "resolution": self.resolution,
                "repeats": 1,
            }
        )  # fmt: skip
        self.channels = given

    def _units(self, block: str, site: str, units: list[Activated]) -> None:
        first, last = units[0].conv, units[-1].conv
        self.channels = first.in_channels
        self.add(
            block, site, "dense unit", kernel=first.kernel_size[0], stride=first.stride[0],
            channels_out=first.out_channels,
        )  # fmt: skip
        self.rows[-1]["repeats"] = len(units)
        self.channels = last.in_channels + last.out_channels

    def _layer(self, block: str, site: str, module: nn.Module) -> None:
        """A module without modules of its own."""
        match module:
            case nn.Conv3d(kernel_size=kernel, stride=stride, in_channels=channels, out_channels=given):
                self.channels, self.resolution = channels, self.resolution / stride[0]
                self.add(block, site, "convolution", kernel=kernel[0], stride=stride[0], channels_out=given)
            case nn.ConvTranspose3d(kernel_size=kernel, stride=stride, out_channels=given):
                self.resolution *= stride[0]
                self.add(block, site, "deconvolution", kernel=kernel[0], stride=stride[0], channels_out=given)
            case Upsampling(weight=weight):
                self.resolution *= 2
                self.add(block, site, "deconvolution a class", kernel=weight.shape[-1], stride=2)
            case nn.MaxPool3d(kernel_size=kernel, stride=stride):
                self.resolution /= _side(stride)
                self.add(block, site, "max pooling", kernel=_side(kernel), stride=_side(stride))
            case nn.Linear(out_features=given):
                self.add(block, site, "linear", channels_out=given)
            case CorrectedBatchNorm():
                self.add(block, site, "batch normalisation")
            case nn.ReLU():
                self.add(block, site, "ReLU")
            case nn.Dropout():
                self.add(block, site, "dropout")
            case _:
                raise AssertionError(f"a layer without a word: {module}")


def _side(size: int | tuple[int, ...]) -> int:
    """Voxels along an axis, of a layer that may say so once for all axes."""
    return size if isinstance(size, int) else size[0]


def _taps(*, in_plane: bool) -> int:
    """How many voxels along an axis omega reaches, read off what it makes of a single one."""
    impulse_bijk = torch.zeros(1, 9, 9, 9)
    impulse_bijk[0, 4, 4, 4] = 1.0
    return int((smooth(impulse_bijk, in_plane=in_plane)[0, :, 4, 4] > 0).sum())
