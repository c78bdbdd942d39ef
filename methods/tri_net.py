"""Tri-network: each of three networks learns the voxels that the other two would have it learn."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Choice, Range
from methods.small_loss import SmallLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores

OTHERS = ((1, 2), (2, 0), (0, 1))
"""Who chooses for each of the three."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TriNetMethod:
    """Three independent DenseVoxNets, each trained on what the other two choose.

    The original code is not public and two public ones disagree; ``rule`` names theirs. The noise rate is
    estimated, not told (``methods.small_loss``).
    """

    name: ClassVar[str] = "tri-net"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Zhang et al., Robust Medical Image Segmentation from Non-expert Annotations with Tri-network,"
        " MICCAI 2020"
    )
    networks: ClassVar[int] = 3
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    judges: ClassVar[int] = 2
    search_space: ClassVar = {
        "rule": Choice(("intersection", "loss_gap")),
        "selection.ramp": Range(0.01, 0.5, log=True),
        "selection.per_class": Choice((False, True)),
        "selection.highest_rate": Range(0.1, 0.9),
    }

    # intersection: small losses of both others (PyMIC); loss_gap: the others' losses differ least (SP_guided)
    rule: Literal["intersection", "loss_gap"] = "intersection"
    selection: SmallLoss = field(default_factory=SmallLoss)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Three networks of different initialisation, and the noise rate of each class."""
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

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """The sum of the networks' mean cross-entropies over what is chosen; ``None`` if nothing is."""
        import torch

        from methods.small_loss import cross_entropies, loss_of_kept

        streams: tuple[Scores, ...] = network(batch.image_bcijk)
        with torch.no_grad():
            losses = cross_entropies(streams, batch.label_bijk)
        chosen = self._chosen(network, losses, batch.label_bijk, progress)
        if not any(bool(one.any()) for one in chosen):
            return None
        return loss_of_kept(streams, batch.label_bijk, chosen)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the three softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the three networks that does not learn from a voxel; the ramp aside."""
        import torch

        from methods.small_loss import cross_entropies

        with torch.no_grad():
            losses = cross_entropies(network(batch.image_bcijk), batch.label_bijk)
            chosen = self._chosen(network, losses, batch.label_bijk, 1.0)
        return {"small-loss": 1.0 - torch.stack(chosen).float().mean(dim=0)}

    def _chosen(
        self, network: nn.Module, losses: list[Tensor], label_bijk: Tensor, progress: float
    ) -> list[Tensor]:
        """For each network the voxels (B, I, J, K), bool, that the other two choose; perhaps none."""
        from methods.small_loss import forgotten_shares, small_loss

        forgotten_n = forgotten_shares(network, self.selection, progress)
        if self.rule == "loss_gap":
            gaps = [(losses[one] - losses[other]).abs() for one, other in OTHERS]
            return [small_loss(gap_bijk, label_bijk, forgotten_n, self.selection) for gap_bijk in gaps]
        kept = [small_loss(loss_bijk, label_bijk, forgotten_n, self.selection) for loss_bijk in losses]
        return [kept[one] & kept[other] for one, other in OTHERS]
