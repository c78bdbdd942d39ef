"""How weights start: Gaussian as released, He's rule, and trilinear upsampling."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

TRILINEAR_TAPS = (0.25, 0.75, 0.75, 0.25)
"""Linear interpolation by two with a kernel of four (Caffe's bilinear filler)."""


@torch.no_grad()
def initialise(module: nn.Module, weight_std: float) -> None:
    """Start all convolutions and linear layers inside ``module``; biases start at zero.

    Args:
        module: What to initialise, in place, from torch's global generator.
        weight_std: Standard deviation of the Gaussian (HeartSeg's train_densenet.prototxt: 0.01); 0 takes
            He's rule (He et al. 2015), which keeps the signal's variance.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d | nn.Linear):
            nn.init.normal_(layer.weight, std=weight_std or math.sqrt(2.0 / _fan_in(layer)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def trilinear_kernel() -> Tensor:
    """The 4 x 4 x 4 kernel whose deconvolution of stride 2 and padding 1 interpolates linearly."""
    taps = torch.tensor(TRILINEAR_TAPS)
    return torch.einsum("i,j,k->ijk", taps, taps, taps)


def _fan_in(layer: nn.Conv3d | nn.ConvTranspose3d | nn.Linear) -> float:
    """How many inputs one output sums over."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    taps = math.prod(layer.kernel_size) / layer.groups
    if isinstance(layer, nn.ConvTranspose3d):
        taps /= math.prod(layer.stride)
    return layer.in_channels * taps
