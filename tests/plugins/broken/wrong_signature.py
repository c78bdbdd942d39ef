"""A broken method: its prediction asks for the label."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "wrong-signature"

    def probabilities(self, network, image_bcijk, label_bijk):
        return super().probabilities(network, image_bcijk)
