"""A broken method: its soft targets do not sum to one."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "studies-badly"
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    judges: ClassVar[int] = 0

    def study(self, network, cases, predict, progress):
        return {case.name: 2 * predict(case.image_cijk) for case in cases}
