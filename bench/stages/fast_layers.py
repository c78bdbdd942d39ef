"""Layers that say the same as PyTorch's own and cost a CPU less; swapped into any network that trains here.

A network is written plainly, and stays so under ``--set compute=plain``. What is swapped keeps its
parameters, their names and their order; tests hold values and gradients to the plain layer.
"""

# Legend: B batch, C channels in, N channels out, I J K voxel axes.

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

RESOLUTION = 65536
"""Values of the 16-bit number that decides whether a voxel is dropped."""


def quicken(network: nn.Module) -> None:
    """Swap every layer of a network, in place, for its faster form where it has one on a CPU."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.ConvTranspose3d and child.bias is not None:
                setattr(parent, name, Deconvolution.of(child))
            elif type(child) is nn.Dropout and not child.inplace and child.p < 1:
                setattr(parent, name, Dropout(child.p).train(child.training))


def lay_channels_last(network: nn.Module) -> None:
    """Channels last for the weights of 2-D and of 3-D convolutions; ``Module.to`` takes one kind alone.

    The strides are written even where one channel or a 1x1x1 kernel would leave them open: by them PyTorch
    decides the layout of what a layer gives out, and one layer that falls back makes all behind it copy.
    """
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in network.parameters():
        if parameter.dim() in layouts:
            laid = torch.empty_like(parameter, memory_format=layouts[parameter.dim()], requires_grad=False)
            parameter.data = laid.copy_(parameter.data)


@final
class Deconvolution(nn.ConvTranspose3d):
    """A deconvolution whose bias has its gradient summed apart.

    oneDNN's gradient of the weights takes twice to four times as long when it sums the bias's along with it.
    """

    @classmethod
    def of(cls, layer: nn.ConvTranspose3d) -> Deconvolution:
        """The same layer, with the same parameters."""
        said: Any = layer  # torch types a deconvolution's sizes as a convolution's, which may be words
        made = cls(
            said.in_channels, said.out_channels, said.kernel_size, said.stride, said.padding,
            said.output_padding, said.groups, dilation=said.dilation, device="meta",
        )  # fmt: skip
        made.weight, made.bias = layer.weight, layer.bias
        return made.train(layer.training)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002 - torch's word
        """(B, C, I, J, K) to (B, N, I', J', K')."""
        if output_size is not None:
            return super().forward(input, output_size)
        assert self.bias is not None
        padding: Any = self.padding
        y_bnijk = functional.conv_transpose3d(
            input, self.weight, self.bias.detach(), self.stride, padding, self.output_padding, self.groups,
            self.dilation,
        )  # fmt: skip
        given: Tensor = _BiasGradient.apply(y_bnijk, self.bias)  # type: ignore[no-untyped-call]
        return given


@final
class _BiasGradient(torch.autograd.Function):
    """Passes its input on, and gives a bias that is in it already its gradient."""

    @staticmethod
    def forward(ctx: Any, y_bnijk: Tensor, bias_n: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - torch's own words
        ctx.mark_dirty(y_bnijk)
        return y_bnijk

    @staticmethod
    def backward(ctx: Any, grad_bnijk: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401, ARG004
        channels = grad_bnijk.shape[1]
        # Over a matrix, for a sum over five axes of channels-last data runs one voxel at a time.
        return grad_bnijk, grad_bnijk.movedim(1, -1).reshape(-1, channels).sum(0)


@final
class Dropout(nn.Dropout):
    """Dropout from 16 random bits a voxel, four voxels a draw; its probability is right to 1/65536."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's word
        """Any shape to the same."""
        if not self.training or self.p == 0:
            return input
        dropped = round(self.p * RESOLUTION)
        draws = torch.empty((input.numel() + 3) // 4, dtype=torch.int64, device=input.device)
        bits = draws.random_(-(2**63), None).view(torch.int16)[: input.numel()]
        # In the memory order of the input: a mask of another would be read across.
        mask = torch.empty_like(input, requires_grad=False)
        kept = bits >= dropped - RESOLUTION // 2
        mask.as_strided((input.numel(),), (1,)).copy_(kept).mul_(RESOLUTION / (RESOLUTION - dropped))
        return input * mask
