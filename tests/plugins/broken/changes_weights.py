"""A broken method: its loss changes the weights."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "changes-weights"

    def loss(self, network, batch, progress):
        with torch.no_grad():
            next(network.parameters()).mul_(0.99)
        return super().loss(network, batch, progress)
