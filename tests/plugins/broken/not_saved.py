"""A broken method: what it learned is kept beside the weights."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "not-saved"

    def network(self, channels, classes, stream):
        network = super().network(channels, classes, stream)
        network.sharpness = 1.0
        return network

    def after_step(self, network, step):
        network.sharpness = 1.0 + step

    def probabilities(self, network, image_bcijk):
        sharp = super().probabilities(network, image_bcijk) ** network.sharpness
        return sharp / sharp.sum(1, keepdim=True)
