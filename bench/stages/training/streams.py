"""Random streams of a training: common random numbers of compared students, or streams of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.seeding import generator, reseed_torch, torch_generator, torch_stream
from bench.settings.stage_specs import StudentSpec, TrainingSpec

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    import torch

    from bench.stages.context import Lab


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one training.

    Students of one data set, split, labels and seed share ``common`` whatever their method: their weights
    start alike, they see the same crops through the same views, and the same features are dropped. So the
    difference of two methods holds less of the luck of a training (common random numbers). What a method
    draws by itself comes from a stream of its own.

    Attributes:
        common: What initialisation, crops, views and dropout are drawn by.
        own: What only this training draws by: the key of its stage.
    """

    common: str
    own: str

    @staticmethod
    def of(lab: Lab) -> Streams:
        """Those that the settings of a stage say; all its own where they say none."""
        spec = lab.spec_as(TrainingSpec)
        common = spec.streams if isinstance(spec, StudentSpec) else ""
        return Streams(common or lab.key, lab.key)

    @property
    def are_common(self) -> bool:
        """True if other trainings draw by them too."""
        return self.common != self.own

    def initialisation(self) -> AbstractContextManager[None]:
        """Torch's global generators seeded for the weights at the start."""
        return torch_stream(self.common, "network")

    def crops(self) -> np.random.Generator:
        """The generator of the sampler: cases, crops, views."""
        return generator(self.common, "sampling")

    def begin_step(self, step: int, device: str) -> torch.Generator | None:
        """Seed dropout for a step, counted from 1; the generator of the method's own draws in it.

        Each step is seeded anew: a method whose network has more layers to initialise, or that draws
        numbers itself, does not shift what is dropped later. Streams that are not common stay one stream
        through the whole training, which also gives the method's draws, and None is returned.
        """
        if not self.are_common:
            return None
        reseed_torch(self.common, f"dropout/{step}")
        return torch_generator(self.own, f"method/{step}", device)
