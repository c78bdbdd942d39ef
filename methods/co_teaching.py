"""Co-teaching: each of two networks learns the voxels that the other has the smallest loss on."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from methods.small_loss import SmallLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CoTeachingMethod:
    """Two independent DenseVoxNets that exchange their small-loss voxels.

    The noise rate is estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "co-teaching"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels,"
        " NeurIPS 2018"
    )
    networks: ClassVar[int] = 2
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    judges: ClassVar[int] = 2
    search_space: ClassVar = {
        "selection.ramp": Range(0.01, 0.5, log=True),
        "selection.per_class": Choice((False, True)),
        "selection.highest_rate": Range(0.1, 0.9),
    }

    selection: SmallLoss = field(default_factory=SmallLoss)

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
        """The sum of the networks' mean cross-entropies, each over what the other one keeps."""
        import torch

        from methods.small_loss import cross_entropies, loss_of_kept

        pair: tuple[Scores, Scores] = network(batch.image_bcijk)
        with torch.no_grad():
            losses = cross_entropies(pair, batch.label_bijk)
        kept_by_first, kept_by_second = self._kept(network, losses, batch.label_bijk, progress)
        return loss_of_kept(pair, batch.label_bijk, (kept_by_second, kept_by_first))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the two softmaxes (B, N, I, J, K), as P averages every pair."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the two networks that does not learn from a voxel: 0, 1/2 or 1; the ramp aside."""
        import torch

        from methods.small_loss import cross_entropies

        with torch.no_grad():
            losses = cross_entropies(network(batch.image_bcijk), batch.label_bijk)
            kept = self._kept(network, losses, batch.label_bijk, 1.0)
        return {"small-loss": 1.0 - torch.stack(kept).float().mean(dim=0)}

    def _kept(
        self, network: nn.Module, losses: list[Tensor], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        from methods.small_loss import forgotten_shares, small_loss

        forgotten_n = forgotten_shares(network, self.selection, progress)
        return [small_loss(loss_bijk, label_bijk, forgotten_n, self.selection) for loss_bijk in losses]
