"""A broken method: it minimises what it should maximise."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "never-learns"

    def loss(self, network, batch, progress):
        return -super().loss(network, batch, progress).clamp(max=50)
