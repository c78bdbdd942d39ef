"""The methods that train several DenseVoxNets on the voxels of small losses: what they share."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from methods.small_loss import SmallLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores

SELECTION_SPACE: Final = {
    "selection.ramp": Range(0.01, 0.5, log=True),
    "selection.per_class": Choice((False, True)),
    "selection.highest_rate": Range(0.1, 0.9),
}
"""What a search may try for the selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallLossMethod(ABC):
    """Independent DenseVoxNets that learn selected voxels; the noise rate is estimated, not told.

    A method of this kind says which voxels each network learns (``kept``), and its loss.
    """

    starts_at_teachers: ClassVar[bool] = True
    networks: ClassVar[int]
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    judges: ClassVar[int] = 2

    selection: SmallLoss = field(default_factory=SmallLoss)

    @abstractmethod
    def kept(
        self, network: nn.Module, streams: Sequence[Scores], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        """The voxels (B, I, J, K), bool, that each network learns, or all of them together."""

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Networks of different initialisation, and the noise rate of each class."""
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

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K), as the paper averages every pair."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the networks that does not learn from a voxel; the ramp aside."""
        import torch

        with torch.no_grad():
            kept = self.kept(network, network(batch.image_bcijk), batch.label_bijk, 1.0)
        return {"small-loss": 1.0 - torch.stack(kept).float().mean(dim=0)}
