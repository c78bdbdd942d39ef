"""A broken method: its probabilities lack the background."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "wrong-shape"

    def probabilities(self, network, image_bcijk):
        return network(image_bcijk)[0].main_bnijk.softmax(1)[:, 1:]
