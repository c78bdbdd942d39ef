"""A broken method: it revises every label."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "changes-manual-labels"
    revisions: ClassVar[tuple[float, ...]] = (0.5,)

    def revise(self, cases, predict, progress):
        return {case.name: case.label_ijk * 0 for case in cases}
