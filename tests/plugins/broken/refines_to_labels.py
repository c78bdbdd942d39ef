"""A broken method: what it refines predictions to is a label map, not probabilities."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "refines-to-labels"

    def refine(self, image_cijk, probability_nijk):
        return probability_nijk.argmax(0)
