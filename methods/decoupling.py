"""Decoupling: two networks that learn only where they disagree, voxel by voxel as P applies it."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from tsman.settings import LossAttentionSettings, Normaliser, resolved_warm_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, ParameterGroup, Start, StreamConfig
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DecouplingMethod:
    """Two independent DenseVoxNets under the update-by-disagreement rule."""

    name: ClassVar[str] = "decoupling"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        'Malach & Shalev-Shwartz, Decoupling "when to update" from "how to update", NeurIPS 2017'
    )
    networks: ClassVar[int] = 2
    search_space: ClassVar = {
        "warm_up": Choice((0.0, 0.2, 0.35, 0.5)),
        "floor": Range(0.0, 0.3),
        "normaliser": Choice(("sum_weights", "count")),
    }

    normaliser: Normaliser = "sum_weights"  # as the authors' code
    floor: float = 0.1  # min_batch_size of the authors' code, as a share
    # init_iter as a share of the steps; the authors' 0 stalls on background. None: 0.5 from a fresh start
    # (ours: 0006), 0 from teachers (ours: 0040).
    warm_up: float | None = None

    def __post_init__(self) -> None:
        self._rule()  # refuses what the rule cannot be

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Two networks of different initialisation."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """Cross-entropy where the networks disagree; ``None`` where they do not."""
        from tsman.loss import two_stream_loss

        first, second = network(batch.image_bcijk)
        return two_stream_loss((first, second), batch.label_bijk, self._rule(), progress)

    def resolved(self, start: Start) -> DecouplingMethod:
        """Without a warm-up where the networks start at teachers, unless one is set."""
        return replace(self, warm_up=resolved_warm_up(self.warm_up, at_teachers=start == "teachers"))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the two softmaxes (B, N, I, J, K), as P averages every pair."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """1 where the networks agree, so that nothing is learned; warm-up aside."""
        import torch

        from tsman.loss import disagreement

        with torch.no_grad():
            scores: tuple[Scores, ...] = network(batch.image_bcijk)
            return {"disagreement": (~disagreement(scores[0].main_bnijk, scores[1].main_bnijk)).float()}

    def _rule(self) -> LossAttentionSettings:
        return LossAttentionSettings(
            smooth=False,
            normaliser=self.normaliser,
            floor=self.floor,
            warm_up=self.warm_up,
        )
