"""CL-SLSR: confident learning finds wrong labels, and label smoothing takes part of what they say."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups
from methods.search import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidentSmoothingMethod:
    """Independent DenseVoxNets, trained on labels that are smoothed where judges hold them for wrong.

    "Spatial label smoothing regularisation"; a network trained on one half of the cases judges the other.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "cl-slsr"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Zhang et al., Characterizing Label Errors: Confident Learning for Noisy-Labeled Image Segmentation,"
        " MICCAI 2020"
    )
    judges: ClassVar[int] = 2  # the authors' two halves
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    search_space: ClassVar = {
        "epsilon": Range(0.05, 1.0),
    }

    networks: int = 2  # P: two models of every method are averaged
    epsilon: float = (
        0.25  # the authors' code, slsr_loss.py; of a flagged label, spread over the other classes
    )

    def __post_init__(self) -> None:
        if not 1 <= self.networks <= 100:
            raise ValueError(f"networks {self.networks} must be in 1..100")
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"epsilon {self.epsilon} must be in [0, 1]")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own."""
        from tsman.network import Independent

        return Independent(channels, classes, stream, self.networks)

    def study(
        self,
        network: nn.Module,  # noqa: ARG002 all that is found is of voxels
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],  # noqa: ARG002 the judges have spoken
        progress: float,  # noqa: ARG002 once, before the first step
    ) -> Mapping[str, Tensor]:
        """The labels of all cases without a manual one, smoothed where they are flagged.

        Raises:
            ValueError: If a case was not judged, or there is none.
        """
        from methods.confident_learning import gathered

        label_by_case: dict[str, Tensor] = {}
        evidence = gathered(_remembered(cases, label_by_case))
        return {
            name: smoothed(label_by_case[name], wrong_ijk, evidence.classes, self.epsilon)
            for name, wrong_ijk in evidence.flags().items()
        }

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The sum of the networks' cross-entropies with the smoothed labels."""
        from methods.soft_targets import believed, soft_cross_entropy

        streams = network(batch.image_bcijk)
        target_bnijk = believed(batch, streams[0].main_bnijk.shape[1])
        return soft_cross_entropy(streams, target_bnijk, batch.label_bijk)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Epsilon / (1 - p_y), at most 1, where a label is flagged, 0 elsewhere; the mean over the networks.

        So much of the label's pull on its own score is gone. The flags are the judges', who are gone too:
        nothing is said of a batch that comes without its targets.
        """
        import torch

        from methods.soft_targets import left_to_label, pull_removed

        if batch.target_bnijk is None:
            return {}
        left_bijk = left_to_label(batch)
        with torch.no_grad():
            streams = network(batch.image_bcijk)
        removed = [pull_removed(left_bijk, one.main_bnijk, batch.label_bijk) for one in streams]
        return {"smoothing": torch.stack(removed).mean(dim=0)}


def smoothed(label_ijk: Tensor, wrong_ijk: Tensor, classes: int, epsilon: float) -> Tensor:
    """A label as probabilities (N, I, J, K): where it is wrong, epsilon shared by all other classes."""
    import torch

    from methods.soft_targets import one_hot

    hard_nijk = one_hot(label_ijk, classes)
    other = epsilon / (classes - 1)
    softened_nijk = hard_nijk * (1.0 - epsilon - other) + other
    return torch.where(wrong_ijk.to(label_ijk.device), softened_nijk, hard_nijk)


def _remembered(cases: Iterable[Case], label_by_case: dict[str, Tensor]) -> Iterator[Case]:
    """The cases as they pass, while the labels that may be flagged are kept."""
    for case in cases:
        if not case.is_manual:
            label_by_case[case.name] = case.label_ijk.to("cpu")
        yield case
