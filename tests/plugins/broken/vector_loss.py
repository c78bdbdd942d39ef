"""A broken method: its loss is one number an item."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "vector-loss"

    def loss(self, network, batch, progress):
        return super().loss(network, batch, progress).expand(2)
