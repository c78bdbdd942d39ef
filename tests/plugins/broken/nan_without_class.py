"""A broken method: the mean over the voxels of a class that may be missing."""

from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "nan-without-class"

    def loss(self, network, batch, progress):
        core = network(batch.image_bcijk)[0].main_bnijk[:, 2][batch.label_bijk == 2]
        return super().loss(network, batch, progress) - core.mean()
