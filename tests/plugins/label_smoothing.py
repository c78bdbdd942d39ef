"""A method that is not of this repository: cross-entropy against labels that are softened a little."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from tsman.network import Independent, mean_probability


@dataclass(frozen=True)
class LabelSmoothing:
    name: ClassVar[str] = "label-smoothing"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = "Szegedy et al., Rethinking the Inception Architecture, CVPR 2016"
    networks: ClassVar[int] = 1

    smoothing: float = 0.1

    def network(self, channels, classes, stream):
        return Independent(channels, classes, stream, count=1)

    def loss(self, network, batch, progress):
        (scores,) = network(batch.image_bcijk)
        both = [one for one in (scores.main_bnijk, scores.auxiliary_bnijk) if one is not None]
        losses = [
            torch.nn.functional.cross_entropy(one.float(), batch.label_bijk, label_smoothing=self.smoothing)
            for one in both
        ]
        return torch.stack(losses).sum()

    def probabilities(self, network, image_bcijk):
        return mean_probability(network(image_bcijk))
