"""A broken method: it revises labels where they lie."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "overwrites-labels"
    revisions: ClassVar[tuple[float, ...]] = (0.5,)

    def revise(self, cases, predict, progress):
        for case in cases:
            case.label_ijk.zero_()
        return {}
