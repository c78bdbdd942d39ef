"""A broken method: it seeds the harness's generator."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "seeds-anew"

    def loss(self, network, batch, progress):
        torch.manual_seed(0)
        return super().loss(network, batch, progress)
