"""A broken method: its loss hangs on nothing."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "detached"

    def loss(self, network, batch, progress):
        return super().loss(network, batch, progress).detach()
