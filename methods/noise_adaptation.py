"""Noise adaptation: a learned channel turns the true class's probabilities into those of the shown one."""

# Legend: B batch, C image channels, N true classes, M shown classes, I J K voxel axes, S streams.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.interface import ParameterGroup
from methods.learning_rates import dense_vox_net_groups, without
from methods.search import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from methods.interface import Batch, Case, StreamConfig

THETA = "theta_snm"
"""The parameter whose rows' softmaxes are the channels, one a stream."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseAdaptationMethod:
    """Independent DenseVoxNets, each behind a noise-adaptation layer ("simple") that is dropped at test.

    The layer starts as the confusion of judges that did not see the labels they judge.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "noise-adaptation"
    version: ClassVar[int] = 1
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Goldberger & Ben-Reuven, Training Deep Neural-Networks Using a Noise Adaptation Layer, ICLR 2017"
    )
    judges: ClassVar[int] = 2  # ours: the fewest; the authors judge the labels by a network trained on them
    studies: ClassVar[tuple[float, ...]] = (0.0,)
    search_space: ClassVar = {
        "plain_share": Range(0.0, 0.9),
        "rate": Range(0.01, 1.0, log=True),
    }

    networks: int = 2  # P: two models of every method are averaged
    error: float = 0.1  # ours: of the channel before it is studied; udibr/noisy_labels takes the known rate
    plain_share: float = 0.0  # udibr/noisy_labels: beta 0; of the cross-entropy without the channel
    rate: float = 0.1  # METHODS 9.2: the channel learns at a tenth of the rate

    def __post_init__(self) -> None:
        if not 1 <= self.networks <= 100:
            raise ValueError(f"networks {self.networks} must be in 1..100")
        if not 0 <= self.error < 1:
            raise ValueError(f"error {self.error} must be in [0, 1)")
        if not 0 <= self.plain_share <= 1:
            raise ValueError(f"plain_share {self.plain_share} must be in [0, 1]")
        if not 0 <= self.rate <= 100:
            raise ValueError(f"rate {self.rate} must be in [0, 100]")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, and theta (S, N, M), which starts at the same error for every pair of classes."""
        from torch import nn

        from methods.noise_channel import LEAST, uniform_channel
        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        theta_nm = (uniform_channel(classes, self.error) + LEAST).log()
        network.register_parameter(THETA, nn.Parameter(theta_nm.repeat(self.networks, 1, 1)))
        return network

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],  # noqa: ARG002 the judges have spoken
        progress: float,  # noqa: ARG002 once, before the first step
    ) -> Mapping[str, Tensor]:
        """Start every channel at the judges' confusion; no targets."""
        import torch

        from methods.noise_channel import LEAST, judged_confusion, normalised_rows

        count_nm = judged_confusion(cases)
        if count_nm is not None:
            theta_snm = network.get_parameter(THETA)
            with torch.no_grad():
                theta_snm.copy_((normalised_rows(count_nm) + LEAST).log())
        return {}

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:  # noqa: ARG002 the same all along
        """The cross-entropy of the label with p Q, or with p where it is manual, over all networks."""
        from methods.noise_channel import channel_loss
        from tsman.loss import segmentation_loss

        streams = network(batch.image_bcijk)
        adapted = channel_loss(streams, batch, _log_channels(network))
        if self.plain_share == 0:
            return adapted
        plain = segmentation_loss(streams, batch.label_bijk)
        return (1.0 - self.plain_share) * adapted + self.plain_share * plain

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K), of the true classes."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers; the channel learns slowly and does not decay towards all classes alike."""
        theta_snm = network.get_parameter(THETA)
        slow = ParameterGroup([theta_snm], learning_rate_factor=self.rate, decay=False)
        return [*without(dense_vox_net_groups(network), [theta_snm]), slow]

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The share of the label's pull that the posterior of the true class, by its channel, takes away."""
        import torch

        from methods.noise_channel import channel_doubt

        with torch.no_grad():
            streams = network(batch.image_bcijk)
            share = channel_doubt(streams, batch, _log_channels(network))
        return {"posterior": (1.0 - self.plain_share) * share}


def _log_channels(network: nn.Module) -> list[Tensor]:
    return list(network.get_parameter(THETA).log_softmax(dim=-1))
