"""A broken method: its network begins alike under every seed."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "same-start"

    def network(self, channels, classes, stream):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return super().network(channels, classes, stream)
