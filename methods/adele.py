"""ADELE: labels are corrected class by class once a class has been learned and is about to be overfitted."""

# Legend: B batch, C image channels, N classes, I J K voxel axes, E blocks of steps.

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores

COMMON, EITHER = "common_en", "either_en"
"""Buffers: the voxels of each class in prediction and label, and in either, by block of steps."""
TRIGGERED = "triggered_n"
"""The buffer that says which classes were learned early; once on it stays on."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyLearningMethod:
    """One DenseVoxNet that sees every crop at several scales, as many as it is charged networks for.

    The authors' epochs are blocks of steps here. Not kept of their code: logits multiplied by a softmax of
    weights inside the cross-entropy, which is a temperature of 3.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "adele"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Liu et al., Adaptive Early-Learning Correction for Segmentation from Noisy Annotations, CVPR 2022"
    )
    judges: ClassVar[int] = 0
    search_space: ClassVar = {
        "slowed": Range(0.5, 0.98),
        "confidence": Range(0.5, 0.95),
        "consistency": Range(0.01, 10.0, log=True),
    }

    scales: tuple[float, ...] = (1.0, 0.75)  # ours: ADELE 0.7, 1, 1.5; 1.5 alone costs 3.4 passes in 3-D
    blocks: int = 20  # ours: ADELE's epochs
    studies: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # ours; ADELE corrects after every epoch
    slowed: float = 0.9  # ADELE: r
    confidence: float = 0.7  # ADELE, SegTHOR: tau, for structures and background alike
    consistency: float = 1.0  # ADELE: lambda
    least_sure: float = 0.8  # ADELE: rho; an item with no surer voxel is not held to consistency

    def __post_init__(self) -> None:
        if not self.scales or len(self.scales) > 8 or not all(0.1 <= scale <= 4 for scale in self.scales):
            raise ValueError(f"scales must be 1 to 8 numbers in [0.1, 4], not {self.scales}")
        if not 1 <= self.blocks <= 100_000:
            raise ValueError(f"blocks {self.blocks} must be in 1..100000")
        if any(low >= high for low, high in pairwise((0.0, *self.studies, 1.0))):
            raise ValueError(f"studies must ascend inside (0, 1), not {self.studies}")
        for name in ("slowed", "confidence", "least_sure"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)} must be in [0, 1]")
        if not 0 <= self.consistency <= 1000:
            raise ValueError(f"consistency {self.consistency} must be in [0, 1000]")

    @property
    def networks(self) -> int:
        """One pass of the network for each scale."""
        return len(self.scales)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """One network, and what is watched of it."""
        import torch

        from tsman.network import Independent

        network = Independent(channels, classes, stream, 1)
        for name in (COMMON, EITHER):
            # float32 stops counting at 16.8 million voxels.
            network.register_buffer(name, torch.zeros(self.blocks, classes, dtype=torch.float64))
        network.register_buffer(TRIGGERED, torch.zeros(classes, dtype=torch.bool))
        return network

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],
        progress: float,  # noqa: ARG002 the curves say how far training is
    ) -> Mapping[str, Tensor]:
        """Corrected labels of the cases that are not manual and show a class that was learned early.

        They start from the label that was given each time, so that a slip does not stay.
        """
        from methods.early_learning import corrected
        from methods.soft_targets import one_hot

        triggered_n = self._watched(network)
        if not bool(triggered_n.any()):
            return {}
        targets: dict[str, Tensor] = {}
        for case in cases:
            if case.is_manual or not bool(triggered_n[case.label_ijk.long()].any()):
                continue
            probability_nijk = predict(case.image_cijk)
            label_ijk = corrected(case.label_ijk, probability_nijk, triggered_n, self.confidence)
            targets[case.name] = one_hot(label_ijk, len(triggered_n))
        return targets

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The mean over the scales of cross-entropy with the corrected labels, and their consistency."""
        import torch

        from methods.soft_targets import believed, soft_cross_entropy

        views = self._views(network, batch.image_bcijk)
        probabilities = torch.stack([scores.main_bnijk.float().softmax(dim=1) for scores in views])
        target_bnijk = believed(batch, probabilities.shape[2])
        if network.training:
            self._watch(network, probabilities.detach().mean(dim=0), target_bnijk, batch, progress)
        total = soft_cross_entropy(views, target_bnijk, batch.label_bijk)
        return (total + self.consistency * self._inconsistency(probabilities)) / len(views)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean over the scales of the network's softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(self._views(network, image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """1 where the label was corrected, so that nothing pulls to it any longer.

        Where the corrected labels are not at hand: where the network would now correct it.
        """
        import torch

        from methods.early_learning import corrected
        from methods.soft_targets import left_to_label, over_items

        if batch.target_bnijk is not None:
            return {"correction": 1.0 - left_to_label(batch)}
        with torch.no_grad():
            probability_bnijk = self.probabilities(network, batch.image_bcijk)
        triggered_n = network.get_buffer(TRIGGERED)
        items = zip(batch.label_bijk, probability_bnijk, strict=True)
        found_bijk = torch.stack([corrected(*item, triggered_n, self.confidence) for item in items])
        is_taken_bijk = (found_bijk != batch.label_bijk) & ~over_items(batch.is_manual_b)
        return {"correction": is_taken_bijk.float()}

    def _views(self, network: nn.Module, image_bcijk: Tensor) -> list[Scores]:
        """The scores at each scale, brought back to the image's size."""
        from methods.scales import resized, scaled_size

        views: list[Scores] = []
        size_ijk = image_bcijk.shape[2:]
        for scale in self.scales:
            (scores,) = network(resized(image_bcijk, scaled_size(size_ijk, scale)))
            auxiliary = scores.auxiliary_bnijk
            views.append(
                scores._replace(
                    main_bnijk=resized(scores.main_bnijk.float(), size_ijk),
                    auxiliary_bnijk=None if auxiliary is None else resized(auxiliary.float(), size_ijk),
                )
            )
        return views

    def _inconsistency(self, probability_sbnijk: Tensor) -> Tensor:
        """The sum over scales of KL(p_i || mean p), the mean of all voxels of items with a sure one."""
        mean_bnijk = probability_sbnijk.mean(dim=0)
        logs = probability_sbnijk.clamp(min=1e-12).log() - mean_bnijk.clamp(min=1e-12).log()
        apart_bijk = (probability_sbnijk * logs).sum(dim=(0, 2))
        is_sure_b = mean_bnijk.detach().amax(dim=(1, 2, 3, 4)) >= self.least_sure
        return (apart_bijk.mean(dim=(1, 2, 3)) * is_sure_b).sum() / is_sure_b.sum().clamp(min=1)

    def _watch(
        self, network: nn.Module, mean_bnijk: Tensor, target_bnijk: Tensor, batch: Batch, progress: float
    ) -> None:
        """Count how well the network repeats the labels that are not manual."""
        from methods.early_learning import overlap
        from tsman.labels import hard_label

        is_noisy_b = ~batch.is_manual_b
        shown_bijk, likely_bijk = (hard_label(one[is_noisy_b], dim=1) for one in (target_bnijk, mean_bnijk))
        common_n, either_n = overlap(shown_bijk, likely_bijk, mean_bnijk.shape[1])
        block = min(int(progress * self.blocks), self.blocks - 1)
        network.get_buffer(COMMON)[block] += common_n
        network.get_buffer(EITHER)[block] += either_n

    def _watched(self, network: nn.Module) -> Tensor:
        """Which structures (N,) were learned early, those that now are among them."""
        from methods.early_learning import is_learned_early

        common_en, either_en = network.get_buffer(COMMON), network.get_buffer(EITHER)
        triggered_n = network.get_buffer(TRIGGERED)
        for number in range(1, len(triggered_n)):
            is_seen_e = either_en[:, number] > 0
            iou = (common_en[is_seen_e, number] / either_en[is_seen_e, number]).tolist()
            if is_learned_early(iou, self.slowed):
                triggered_n[number] = True
        return triggered_n
