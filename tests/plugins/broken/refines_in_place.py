"""A broken method: it changes the predictions that it is given."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "refines-in-place"

    def refine(self, image_cijk, probability_nijk):
        return probability_nijk.copy_(probability_nijk.flip(0))
