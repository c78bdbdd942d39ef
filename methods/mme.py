"""MME: one encoder for each modality, fused at every scale, with a memory along the slices.

Found in what could be had of the paper (its abstract and openings): axial slices in sequence; one simplified
SegNet encoder for each modality, four blocks of convolution, batch normalisation and nonlinearity with four
max-poolings; cross-modality convolution (C x M x I x J by an M x 1 x 1 kernel to C maps); multiplication with
the decoder's features; a convolutional LSTM with weights shared by all slices; softmax; cross-entropy under
median-frequency balancing; two phases, the first on slices with tumour, balanced, the second on the true
distribution, not balanced. P compares with the one-phase numbers, so one phase is the default.

Inferred (docs/decisions/0015): all widths, one convolution a block and its ReLU, where in the scales the
fusions sit, the LSTM's kernel and direction, a sequence as long as the crop, the decoder's form, the weighted
mean as the loss's normaliser, and when the second phase begins. Left out: the second phase's lower learning
rate, because rates are the harness's, and the training on single slices before that on sequences.
"""

# Legend: B batch, M image channels (modalities), N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.widths import demand_ensemble, full_size_width

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch, StreamConfig

IGNORED = -100
"""The label that torch's cross-entropy leaves out."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MultiModalEncodersMethod:
    """Independent MMEs, trained by balanced cross-entropy and averaged; they trust every label."""

    name: ClassVar[str] = "mme"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "Tseng et al., Joint Sequence Learning and Cross-Modality Convolution for 3D Biomedical Segmentation,"
        " CVPR 2017; in parts inferred"
    )

    networks: int = 2  # P: two models of every method are averaged
    width: int = (
        0  # channels of the first block, doubled by each; ours: 0015; 0 takes half of the stream's last
    )
    bidirectional: bool = False  # ours: 0015; the memory along the slices runs both ways
    phases: Literal[1, 2] = 1  # P: one-phase training
    first_phase: float = 0.5  # ours: 0015; share of the steps before the second of two phases

    def __post_init__(self) -> None:
        demand_ensemble(self.networks, self.width)
        if not 0 < self.first_phase < 1:
            raise ValueError(f"first_phase {self.first_phase} must be inside (0, 1)")

    def fits(self, channels: int, classes: int) -> str:  # noqa: ARG002 any number of classes will do
        """Why images of so many channels cannot be fused; "" if they can."""
        if channels >= 2:
            return ""
        return f"it fuses modalities and needs at least 2 image channels, not {channels}"

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The networks, each with an initialisation of its own.

        Raises:
            ValueError: If there is only one modality.
        """
        from methods.mme_network import Form, MultiModalNets

        if why := self.fits(channels, classes):
            raise ValueError(f"{self.name}: {why}")
        form = Form(full_size_width(self.width, stream), stream.average_fraction, self.bidirectional)
        return MultiModalNets(channels, classes, form, self.networks)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """The sum of the networks' cross-entropies; ``None`` if the first of two phases sees no structure."""
        import torch
        from torch.nn import functional

        label_bijk, balanced = self._shown(batch.label_bijk, progress)
        if balanced and not bool((label_bijk != IGNORED).any()):
            return None
        weight_n = _balanced(network, label_bijk) if balanced else None
        losses = [
            functional.cross_entropy(scores.main_bnijk.float(), label_bijk, weight_n, ignore_index=IGNORED)
            for scores in network(batch.image_bcijk)
        ]
        return torch.stack(losses).sum()

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the networks' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def _shown(self, label_bijk: Tensor, progress: float) -> tuple[Tensor, bool]:
        """The labels that are learned from, and whether the classes are balanced."""
        if self.phases == 1:
            return label_bijk, True
        if progress >= self.first_phase:
            return label_bijk, False
        empty_b11k = (label_bijk == 0).all(dim=1, keepdim=True).all(dim=2, keepdim=True)
        return label_bijk.masked_fill(empty_b11k, IGNORED), True


def _balanced(network: nn.Module, label_bijk: Tensor) -> Tensor:
    """The classes' weights (N,), given these labels too when training."""
    from methods.balancing import Frequencies

    frequencies = network.get_submodule("frequencies")
    assert isinstance(frequencies, Frequencies)
    if network.training:
        frequencies.count(label_bijk)
    return frequencies.weights()
