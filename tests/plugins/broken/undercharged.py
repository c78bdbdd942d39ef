"""A broken method: it trains three networks and says one."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "undercharged"

    def network(self, channels, classes, stream):
        from tsman.network import Independent

        return Independent(channels, classes, stream, 3)
