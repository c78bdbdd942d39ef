"""JoCoR: two networks that are pulled together and learn the voxels of the smallest joint loss."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, final

from methods.bounds import demand_between
from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from methods.small_loss import SmallLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JocorMethod:
    """Two independent DenseVoxNets under (1 - weight) (CE1 + CE2) + weight (KL12 + KL21), small losses only.

    The noise rate is estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "jocor"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Wei et al., Combating Noisy Labels by Agreement: A Joint Training Method with Co-Regularization,"
        " CVPR 2020"
    )
    networks: ClassVar[int] = 2
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    judges: ClassVar[int] = 2
    search_space: ClassVar = {
        "weight": Range(0.05, 0.9),
        "selection.ramp": Range(0.01, 0.5, log=True),
        "selection.per_class": Choice((False, True)),
        "selection.highest_rate": Range(0.1, 0.9),
    }

    weight: float = 0.1  # the default of the authors' code; their README advises 0.5 to 0.9 for CIFAR
    selection: SmallLoss = field(default_factory=SmallLoss)

    def __post_init__(self) -> None:
        demand_between(self, "weight", 0.0, 1.0)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Two networks of different initialisation, and the noise rate of each class."""
        from methods.small_loss import hold_noise_rate
        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        hold_noise_rate(network, classes)
        return network

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],  # noqa: ARG002 its judges have spoken
        progress: float,  # noqa: ARG002 once, before the first step
    ) -> Mapping[str, Tensor]:
        """Estimate how often each label is wrong; no targets."""
        from methods.small_loss import study_noise_rate

        study_noise_rate(network, cases)
        return {}

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The mean joint loss of the voxels that both keep."""
        import torch

        from methods.small_loss import mean_over
        from tsman.loss import jointly_over_branches

        pair: tuple[Scores, Scores] = network(batch.image_bcijk)
        with torch.no_grad():
            joint_bijk = self._joint([one.main_bnijk for one in pair], batch.label_bijk)
        kept_bijk = self._kept(network, joint_bijk, batch.label_bijk, progress)

        def rule(scores: Sequence[Tensor]) -> Tensor:
            return mean_over(self._joint(scores, batch.label_bijk), kept_bijk)

        return jointly_over_branches(pair, batch.label_bijk, rule)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the two softmaxes (B, N, I, J, K), as P averages every pair."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """1 where the joint loss is among the largest, so that neither network learns; the ramp aside."""
        import torch

        with torch.no_grad():
            pair: tuple[Scores, Scores] = network(batch.image_bcijk)
            joint_bijk = self._joint([one.main_bnijk for one in pair], batch.label_bijk)
            return {"small-loss": (~self._kept(network, joint_bijk, batch.label_bijk, 1.0)).float()}

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

    def _kept(self, network: nn.Module, joint_bijk: Tensor, label_bijk: Tensor, progress: float) -> Tensor:
        from methods.small_loss import forgotten_shares, small_loss

        forgotten_n = forgotten_shares(network, self.selection, progress)
        return small_loss(joint_bijk, label_bijk, forgotten_n, self.selection)
