"""The two-stream mutual attention network (TSMAN): two streams tell one another which labels to doubt."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, final

from methods.interface import ParameterGroup
from methods.learning_rates import dense_vox_net_groups, without
from methods.search import Choice, Range
from tsman.settings import AttentionSettings, LossAttentionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torch import Tensor, nn

    from methods.interface import Batch, Start, StreamConfig
    from tsman.network import TwoStreamScores


def _only(*kept: str) -> dict[str, Any]:
    return {"attention": {name: name in kept for name in ("f1", "f2", "f3", "f4")}}


ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "baseline": _only(),
    "f4": _only("f4"),
    "f34": _only("f3", "f4"),
    "f234": _only("f2", "f3", "f4"),
    "f1234": _only("f1", "f2", "f3", "f4"),
    # P's "0.1 score improvement" by the smoothing is told of f4.
    "f4-unsmoothed": {**_only("f4"), "loss_attention": {"smooth": False}},
}
"""P's Table 2, from the baseline up, and what the smoothing is worth: name to changed settings."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStreamMethod:
    """TSMAN; with all attention off, the two-stream baseline of P's Table 2."""

    name: ClassVar[str] = "tsman"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Min et al., A Two-Stream Mutual Attention Network for Semi-Supervised Biomedical Segmentation"
        " with Noisy Labels, AAAI 2019"
    )
    networks: ClassVar[int] = 2
    search_space: ClassVar = {
        "attention.learning_rate_factor": Range(1.0, 20.0, log=True),
        "attention.gain": Choice(("plain", "double", "tanh")),
        "attention.start_bias": Range(-1.0, 3.0),
        "attention.sources": Choice(("both", "other")),
        "attention.exchange": Choice((False, True)),
        "attention.gradient": Choice(("through", "detach_inputs", "only")),
        "loss_attention.exclusive_or": Choice(("hard", "soft")),
        "loss_attention.rescale": Choice((False, True)),
        "loss_attention.warm_up": Choice((0.0, 0.2, 0.35, 0.5)),
    }

    attention: AttentionSettings = field(default_factory=AttentionSettings)
    loss_attention: LossAttentionSettings = field(default_factory=LossAttentionSettings)

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """Two streams of different initialisation and the attention between them."""
        from tsman.network import TwoStream

        return TwoStream(channels, classes, stream, self.attention)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """Both streams' losses, weighted by their disagreement when f4 is on (P, Eq. 6 and 7)."""
        from tsman.loss import segmentation_loss, two_stream_loss

        scores: TwoStreamScores = network(batch.image_bcijk)
        pair = scores.first, scores.second
        if not self.attention.f4:
            return segmentation_loss(pair, batch.label_bijk)
        return two_stream_loss(pair, batch.label_bijk, self.loss_attention, progress)

    def resolved(self, start: Start) -> TwoStreamMethod:
        """Without a warm-up of f4 where the streams start at teachers, unless one is set."""
        return replace(self, loss_attention=self.loss_attention.resolved(at_teachers=start == "teachers"))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the two streams' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        scores: TwoStreamScores = network(image_bcijk)
        return mean_probability((scores.first, scores.second))

    def layers(self, network: nn.Module) -> list[dict[str, object]]:
        """The layers of either stream and of each attention (P, Fig. 2 and 4)."""
        from tsman.network import TwoStream

        assert isinstance(network, TwoStream)
        return network.layers(self.loss_attention)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers in the streams; the attention at the common rate or a multiple of it."""
        from tsman.network import TwoStream

        assert isinstance(network, TwoStream)
        groups = dense_vox_net_groups(network)
        own = list(network.attention.parameters())
        factor = self.attention.learning_rate_factor
        if factor == 1.0 or not own:
            return groups
        return [*without(groups, own), ParameterGroup(own, learning_rate_factor=factor)]

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """What f4 and f3 take from each voxel; warm-up aside.

        By f3 a feature and its gradient are multiplied by the gain of the map, and not by the map: what is
        taken is one minus the gain, the mean of both streams, and nothing where that is an amplification.
        """
        from tsman.attention import scale

        kept = dict(self.weights(network, batch.image_bcijk))
        if "f3" in kept:
            kept["f3"] = scale(kept["f3"], self.attention)
        return {name: (1.0 - kept[name]).clamp(0.0, 1.0) for name in ("f4", "f3") if name in kept}

    def weights(self, network: nn.Module, image_bcijk: Tensor) -> Mapping[str, Tensor]:
        """Where the streams disagree, what f4 keeps of each voxel, the mean of f3's two maps (P, Fig. 5)."""
        import torch

        from tsman.loss import disagreement, loss_attention
        from tsman.network import full_size

        with torch.no_grad():
            scores: TwoStreamScores = network(image_bcijk)
            p_bnijk, p_hat_bnijk = scores.first.main_bnijk, scores.second.main_bnijk
            kept = {"disagreement": disagreement(p_bnijk, p_hat_bnijk).float()}
            if self.attention.f4:
                kept["f4"] = loss_attention(p_bnijk, p_hat_bnijk, self.loss_attention)
            if self.attention.f3:
                a_b1ijk, a_hat_b1ijk = scores.maps["f3"]
                mean_b1ijk = full_size(0.5 * (a_b1ijk + a_hat_b1ijk), image_bcijk)
                kept["f3"] = mean_b1ijk.squeeze(1).float()
        return kept
