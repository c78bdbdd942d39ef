"""A broken method: an error of its own."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "raises"

    def loss(self, network, batch, progress):
        return batch.labels
