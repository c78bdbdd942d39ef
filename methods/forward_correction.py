"""Forward correction: the label's cross-entropy with p T, where T is estimated once and fixed."""

# Legend: B batch, C image channels, N true classes, M shown classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import dense_vox_net_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, ParameterGroup, StreamConfig

TRANSITION = "transition_nm"
"""The buffer that holds T; before it is studied the identity, and the loss is plain cross-entropy."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardCorrectionMethod:
    """Independent DenseVoxNets under forward loss correction.

    T is counted by confident learning where the authors take one most likely voxel a class, which on the
    boundary of a structure would be any. At test the networks say the true class; T is not applied.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "forward-correction"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Patrini et al., Making Deep Neural Networks Robust to Label Noise: A Loss Correction Approach,"
        " CVPR 2017; the transition by Northcutt et al., Confident Learning, JAIR 2021"
    )
    judges: ClassVar[int] = 2  # ours: the fewest; the authors estimate T by a network trained on the labels
    studies: ClassVar[tuple[float, ...]] = (0.0,)

    networks: int = 2  # P: two models of every method are averaged

    def __post_init__(self) -> None:
        if not 1 <= self.networks <= 100:
            raise ValueError(f"networks {self.networks} must be in 1..100")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, and T as a buffer."""
        import torch

        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        network.register_buffer(TRANSITION, torch.eye(classes))
        return network

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],  # noqa: ARG002 the judges have spoken
        progress: float,  # noqa: ARG002 once, before the first step
    ) -> Mapping[str, Tensor]:
        """Estimate T on the cases without a manual label; no targets.

        Raises:
            ValueError: If a case was not judged.
        """
        from methods.confident_learning import gathered
        from methods.noise_channel import normalised_rows

        noisy = _noisy(cases)
        first = next(noisy, None)
        if first is not None:
            joint_mn = gathered(_with(first, noisy)).joint()  # by label and true class
            network.get_buffer(TRANSITION).copy_(normalised_rows(joint_mn.T))
        return {}

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The cross-entropy of the label with p T, or with p where it is manual, over all networks."""
        from methods.noise_channel import channel_loss

        return channel_loss(network(batch.image_bcijk), batch, self._channels(network))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K), of the true classes."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        return dense_vox_net_groups(network)

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the label's pull that the posterior of the true class, by network and T, removes."""
        import torch

        from methods.noise_channel import channel_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
            return {"posterior": channel_doubt(streams, batch, self._channels(network))}

    def _channels(self, network: nn.Module) -> list[Tensor]:
        from methods.noise_channel import LEAST

        return [network.get_buffer(TRANSITION).clamp(min=LEAST).log()] * self.networks


def _noisy(cases: Iterable[Case]) -> Iterator[Case]:
    return (case for case in cases if not case.is_manual)


def _with(first: Case, others: Iterator[Case]) -> Iterator[Case]:
    yield first
    yield from others
