"""A broken method: a list among its settings."""

from dataclasses import dataclass, field
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "mutable-settings"
    shares: list = field(default_factory=lambda: [1.0, 2.0])
