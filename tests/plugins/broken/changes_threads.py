"""A broken method: it takes all processors."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "changes-threads"

    def loss(self, network, batch, progress):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().loss(network, batch, progress)
