"""Co-teaching: each of two networks learns the voxels that the other has the smallest loss on."""

# Legend: B batch, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.small_loss_method import SELECTION_SPACE, SmallLossMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from methods.interface import Batch
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CoTeachingMethod(SmallLossMethod):
    """Two independent DenseVoxNets that exchange their small-loss voxels.

    The noise rate is estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "co-teaching"
    version: ClassVar[int] = 2
    reference: ClassVar[str] = (
        "Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels,"
        " NeurIPS 2018"
    )
    networks: ClassVar[int] = 2
    search_space: ClassVar = SELECTION_SPACE

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The sum of the networks' mean cross-entropies, each over what the other one keeps."""
        from methods.small_loss import loss_of_kept

        pair: tuple[Scores, Scores] = network(batch.image_bcijk)
        kept = self.kept(network, pair, batch.label_bijk, progress)
        return loss_of_kept(pair, batch.label_bijk, kept)

    def kept(
        self, network: nn.Module, streams: Sequence[Scores], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        """For each of the two networks the voxels (B, I, J, K), bool, of the other's small losses."""
        from methods.small_loss import kept_by_each

        kept_by_first, kept_by_second = kept_by_each(network, streams, label_bijk, self.selection, progress)
        return [kept_by_second, kept_by_first]
