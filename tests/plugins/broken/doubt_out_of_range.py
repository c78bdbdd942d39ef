"""A broken method: its doubt is a loss."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "doubt-out-of-range"

    def doubt(self, network, batch):
        score_bnijk = network(batch.image_bcijk)[0].main_bnijk
        return {
            "loss": 5 * torch.nn.functional.cross_entropy(score_bnijk, batch.label_bijk, reduction="none")
        }
