"""A broken method: its noise is of a generator of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from methods.dense_vox_net import DenseVoxNetMethod

RNG = np.random.default_rng()


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "not-repeatable"

    def loss(self, network, batch, progress):
        return super().loss(network, batch, progress) * (1 + 0.5 * RNG.random())
