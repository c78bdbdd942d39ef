"""A broken method: it writes a diary."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "writes-file"

    def loss(self, network, batch, progress):
        Path("diary.txt").write_text(f"{progress}")
        return super().loss(network, batch, progress)
