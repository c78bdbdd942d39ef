"""JoCoR: two networks that are pulled together and learn the voxels of the smallest joint loss."""

# Legend: B batch, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between
from methods.search import Range
from methods.small_loss_method import SELECTION_SPACE, SmallLossMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from methods.interface import Batch
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JocorMethod(SmallLossMethod):
    """Two independent DenseVoxNets under (1 - weight) (CE1 + CE2) + weight (KL12 + KL21), small losses only.

    The noise rate is estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "jocor"
    version: ClassVar[int] = 2
    reference: ClassVar[str] = (
        "Wei et al., Combating Noisy Labels by Agreement: A Joint Training Method with Co-Regularization,"
        " CVPR 2020"
    )
    networks: ClassVar[int] = 2
    search_space: ClassVar = {"weight": Range(0.05, 0.9), **SELECTION_SPACE}

    weight: float = 0.1  # the default of the authors' code; their README advises 0.5 to 0.9 for CIFAR

    def __post_init__(self) -> None:
        demand_between(self, "weight", 0.0, 1.0)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The mean joint loss of the voxels that both keep."""
        from methods.small_loss import mean_over
        from tsman.loss import jointly_over_branches

        pair: tuple[Scores, Scores] = network(batch.image_bcijk)
        (kept_bijk,) = self.kept(network, pair, batch.label_bijk, progress)

        def rule(scores: Sequence[Tensor]) -> Tensor:
            return mean_over(self._joint(scores, batch.label_bijk), kept_bijk)

        return jointly_over_branches(pair, batch.label_bijk, rule)

    def kept(
        self, network: nn.Module, streams: Sequence[Scores], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        """The voxels (B, I, J, K), bool, of small joint losses, which both networks learn."""
        import torch

        from methods.small_loss import forgotten_shares, small_loss

        with torch.no_grad():
            joint_bijk = self._joint([one.main_bnijk for one in streams], label_bijk)
        forgotten_n = forgotten_shares(network, self.selection, progress)
        return [small_loss(joint_bijk, label_bijk, forgotten_n, self.selection)]

    def _joint(self, scores: Sequence[Tensor], label_bijk: Tensor) -> Tensor:
        """What each voxel costs both networks (B, I, J, K); the gradient goes through all of it."""
        from torch.nn import functional

        first_bnijk, second_bnijk = (functional.log_softmax(one.float(), dim=1) for one in scores)
        labels_bijk = functional.nll_loss(first_bnijk, label_bijk, reduction="none") + functional.nll_loss(
            second_bnijk, label_bijk, reduction="none"
        )
        # KL(p1, p2) + KL(p2, p1) in one.
        apart_bijk = ((first_bnijk.exp() - second_bnijk.exp()) * (first_bnijk - second_bnijk)).sum(dim=1)
        return (1.0 - self.weight) * labels_bijk + self.weight * apart_bijk
