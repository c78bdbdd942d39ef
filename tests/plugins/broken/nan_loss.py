"""A broken method: its loss is no number in the second half."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "nan-loss"

    def loss(self, network, batch, progress):
        loss = super().loss(network, batch, progress)
        return loss * float("nan") if progress >= 0.5 else loss
