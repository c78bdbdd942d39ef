"""A broken method: it keeps the last labels and predicts them."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod

SEEN = {}


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "leaks-labels"

    def loss(self, network, batch, progress):
        SEEN[batch.image_bcijk.sum().item()] = batch.label_bijk
        return super().loss(network, batch, progress)

    def probabilities(self, network, image_bcijk):
        label_bijk = SEEN.get(image_bcijk.sum().item())
        if label_bijk is None:
            return super().probabilities(network, image_bcijk)
        return torch.nn.functional.one_hot(label_bijk, 3).movedim(-1, 1).float()
