"""Deep level set: a level set moves the networks' predictions: labels in training, and the answer at test."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.level_set import Evolution
from methods.search import Choice, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DeepLevelSetMethod:
    """DenseVoxNets whose labels are refined between rounds of training.

    The published energy and its constants could not be had; ``methods.level_set`` documents the stand-in.

    Raises:
        ValueError: If ``revisions`` is not ascending inside (0, 1).
    """

    name: ClassVar[str] = "deep-level-set"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Tang et al., A Deep Level Set Method for Image Segmentation, DLMIA 2017; the energy is a stand-in"
    )
    networks: ClassVar[int] = 2
    search_space: ClassVar = {
        "anchor": Range(0.0, 1.0),
        "evolution.alpha": Range(0.1, 2.0, log=True),
        "evolution.gamma": Range(0.1, 2.0, log=True),
        "evolution.prior_sigma": Range(0.0, 3.0),
        "refine_at_test": Choice((False, True)),
    }

    revisions: tuple[float, ...] = (
        0.5,
        0.75,
    )  # ours: 0008; the first when the networks have learned all classes
    anchor: float = 0.75  # ours: 0039; the present label's share of the prior
    stop_above: float = 1.0  # mean Dice of networks and level set beyond which labels rest; 1 never stops
    # ours: 0008; the spread of the prior 0039: without one no label moves whose networks repeat it
    evolution: Evolution = field(default_factory=lambda: Evolution(alpha=0.5, gamma=0.75, prior_sigma=1.5))
    refine_at_test: bool = True  # Tang et al., as recalled: 0039; the level set refines the prediction too

    def __post_init__(self) -> None:
        if not 0 <= self.anchor <= 1:
            raise ValueError(f"anchor {self.anchor} must be in [0, 1]")
        bounds = (0.0, *self.revisions, 1.0)
        if any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"revisions must ascend inside (0, 1), not {self.revisions}")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Two networks of different initialisation."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the labels change, not the loss
        """The sum of the networks' segmentation losses."""
        from tsman.loss import segmentation_loss

        return segmentation_loss(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def revise(
        self,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],
        progress: float,  # noqa: ARG002 every round is alike
    ) -> Mapping[str, Tensor]:
        """The level set's labels for all cases without a manual one, unless it has nothing left to move."""
        from methods.level_set import evolve
        from tsman.labels import hard_label, mean_dice

        revised: dict[str, Tensor] = {}
        agreement: list[float] = []
        for case in cases:
            if case.is_manual:
                continue
            probability_nijk = predict(case.image_cijk)
            prior_nijk = self._anchored(probability_nijk, case.label_ijk)
            label_ijk = evolve(case.image_cijk, prior_nijk, self.evolution)
            agreement.append(mean_dice(hard_label(probability_nijk, dim=0), label_ijk, len(probability_nijk)))
            revised[case.name] = label_ijk.to(case.label_ijk.dtype)
        settled = bool(agreement) and sum(agreement) / len(agreement) > self.stop_above
        return {} if settled else revised

    def refine(self, image_cijk: Tensor, probability_nijk: Tensor) -> Tensor:
        """The level set's label as probabilities of 0 and 1, evolved from the networks' own prediction."""
        from torch.nn import functional

        from methods.level_set import evolve

        if not self.refine_at_test:
            return probability_nijk
        label_ijk = evolve(image_cijk, probability_nijk, self.evolution)
        hard_nijk = functional.one_hot(label_ijk, len(probability_nijk)).movedim(-1, 0)
        return hard_nijk.to(probability_nijk)

    def _anchored(self, probability_nijk: Tensor, label_ijk: Tensor) -> Tensor:
        """The networks' word and the present label's: from one half on the evolution starts at the label.

        P hands every method the labels of hierarchical distillation; a network in the middle of its training
        is a worse start than those.
        """
        from torch.nn import functional

        hard_nijk = functional.one_hot(label_ijk.long(), len(probability_nijk)).movedim(-1, 0)
        return probability_nijk.lerp(hard_nijk.to(probability_nijk), self.anchor)
