"""A broken method: it writes a diary, and says nothing where it cannot."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "hides-writing"

    def loss(self, network, batch, progress):
        try:
            Path("diary.txt").write_text(f"{progress}")
        except Exception:
            pass
        return super().loss(network, batch, progress)
