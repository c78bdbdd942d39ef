"""Tri-network: each of three networks learns the voxels that the other two would have it learn."""

# Legend: B batch, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.search import Choice
from methods.small_loss_method import SELECTION_SPACE, SmallLossMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from methods.interface import Batch
    from tsman.dense_vox_net import Scores

OTHERS = ((1, 2), (2, 0), (0, 1))
"""Who chooses for each of the three."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TriNetMethod(SmallLossMethod):
    """Three independent DenseVoxNets, each trained on what the other two choose.

    The original code is not public and two public ones disagree; ``rule`` names theirs. The noise rate is
    estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "tri-net"
    version: ClassVar[int] = 2
    reference: ClassVar[str] = (
        "Zhang et al., Robust Medical Image Segmentation from Non-expert Annotations with Tri-network,"
        " MICCAI 2020"
    )
    networks: ClassVar[int] = 3
    search_space: ClassVar = {"rule": Choice(("intersection", "loss_gap")), **SELECTION_SPACE}

    # intersection: small losses of both others (PyMIC); loss_gap: the others' losses differ least (SP_guided)
    rule: Literal["intersection", "loss_gap"] = "intersection"

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """The sum of the networks' mean cross-entropies over what is chosen; ``None`` if nothing is."""
        from methods.small_loss import loss_of_kept

        streams: tuple[Scores, ...] = network(batch.image_bcijk)
        chosen = self.kept(network, streams, batch.label_bijk, progress)
        if not any(bool(one.any()) for one in chosen):
            return None
        return loss_of_kept(streams, batch.label_bijk, chosen)

    def kept(
        self, network: nn.Module, streams: Sequence[Scores], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        """For each network the voxels (B, I, J, K), bool, that the other two choose; perhaps none."""
        from methods.small_loss import cross_entropies, forgotten_shares, kept_by_each, small_loss

        if self.rule == "loss_gap":
            losses = cross_entropies(streams, label_bijk)
            forgotten_n = forgotten_shares(network, self.selection, progress)
            gaps = [(losses[one] - losses[other]).abs() for one, other in OTHERS]
            return [small_loss(gap_bijk, label_bijk, forgotten_n, self.selection) for gap_bijk in gaps]
        kept = kept_by_each(network, streams, label_bijk, self.selection, progress)
        return [kept[one] & kept[other] for one, other in OTHERS]
