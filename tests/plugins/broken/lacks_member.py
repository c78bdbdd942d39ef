"""A broken method: it predicts nothing."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Broken:
    name: ClassVar[str] = "lacks-member"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = "none"
    networks: ClassVar[int] = 1

    def network(self, channels, classes, stream): ...

    def loss(self, network, batch, progress): ...
