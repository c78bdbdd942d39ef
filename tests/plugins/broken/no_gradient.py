"""A broken method: half of its network never learns."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "no-gradient"

    def loss(self, network, batch, progress):
        from tsman.loss import segmentation_loss

        return segmentation_loss(network(batch.image_bcijk)[:1], batch.label_bijk)
