"""Batch normalisation whose running statistics hold after a handful of steps, as Caffe's do."""

# Legend: B batch, C channels, I J K voxel axes.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

EPS = 1e-5
"""Caffe's and PyTorch's default."""


@final
class CorrectedBatchNorm(nn.Module):
    """Batch normalisation with a bias-corrected moving average (3D-Caffe, batch_norm_layer.cpp).

    Caffe sums ``S <- fraction * S + statistic`` and ``s <- fraction * s + 1`` and tests with ``S / s``. The
    same quotient comes from a plain moving average that starts at zero, divided by ``1 - fraction ** steps``:
    so the training step is PyTorch's own kernel with a constant momentum, and the correction is made where it
    is read. Without it a fraction of 0.999 would need thousands of steps to forget its start.

    Args:
        channels: Number of channels C.
        fraction: Share of the old average that each step keeps, in (0, 1).

    Raises:
        ValueError: If the fraction is not inside (0, 1).
    """

    running_mean: Tensor
    running_var: Tensor
    steps: Tensor

    def __init__(self, channels: int, fraction: float) -> None:
        super().__init__()
        if not 0.0 < fraction < 1.0:
            raise ValueError(f"the average fraction must lie inside (0, 1), not {fraction}")
        self.fraction = fraction
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.zeros(channels))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, x_bcijk: Tensor) -> Tensor:
        """Normalise (B, C, I, J, K) by the batch when training, by the corrected averages otherwise."""
        if self.training:
            self.steps.add_(1)
            mean_c, var_c = self.running_mean, self.running_var
        else:
            mean_c, var_c = self.corrected()
        momentum = 1.0 - self.fraction
        return functional.batch_norm(
            x_bcijk, mean_c, var_c, self.weight, self.bias, self.training, momentum, EPS
        )

    def corrected(self) -> tuple[Tensor, Tensor]:
        """The running mean and (unbiased) variance (C,); 0 and 1 before the first step."""
        # expm1, because 1 - 0.999 ** 1 keeps four digits in float32.
        total = -torch.expm1(self.steps.double() * math.log(self.fraction)).float()
        untrained = (self.steps == 0).float()
        return self.running_mean / (total + untrained), (self.running_var + untrained) / (total + untrained)
