"""DAST: one branch learns manual labels, one the others; how far they diverge says which crops to trust."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from methods.learning_rates import multiplied
from methods.ramps import ramp_up
from methods.search import Choice, Range

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.dast_network import BranchScores, TwoBranches
    from methods.interface import Batch, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import Scores


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceAwareMethod:
    """A clean and a noisy branch behind one encoder, charged as two networks and averaged at test.

    Slips of the only public code (PyMIC, nll_dast.py) that are not kept: while its queue fills it takes every
    crop for hardly noisy; its names for the two branches' losses are exchanged; what it sharpens and what it
    clips sums to one for two classes alone.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "dast"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = (
        "Yang et al., Learning COVID-19 Pneumonia Lesion Segmentation From Imperfect Annotations via"
        " Divergence-Aware Selective Training, JBHI 2022; as in PyMIC"
    )
    networks: ClassVar[int] = 2  # the branches
    search_space: ClassVar = {
        "select": Range(0.05, 0.6),
        "agreement": Range(0.01, 10.0, log=True),
        "self_training": Range(0.01, 10.0, log=True),
        "exchanged": Choice((False, True)),
    }

    queue: int = 20  # PyMIC: dast_rank_length; with how many crops' losses one is compared
    select: float = 0.2  # PyMIC: dast_select_ratio
    agreement: float = 0.1  # PyMIC: dast_dbc_w; of the branches' divergence on very noisy crops
    self_training: float = 0.1  # PyMIC: dast_st_w; of the pseudo label on hardly noisy crops
    temperature: float = 0.5  # PyMIC; of the sharpened pseudo label
    sharpness: float = 16.0  # PyMIC; exp(-16 D) weighs down a voxel on which the branches diverge
    ramp_start: float = 0.1  # PyMIC_examples: 1,000 of 10,000 iterations
    ramp_end: float = 0.8  # PyMIC_examples: 8,000 of 10,000
    exchanged: bool = False  # True is PyMIC's letter: the two branches' losses under each other's name

    def __post_init__(self) -> None:
        if not 2 <= self.queue <= 10_000:
            raise ValueError(f"queue {self.queue} must be in 2..10000")
        if not 0 < self.temperature <= 1:
            raise ValueError(f"temperature {self.temperature} must be in (0, 1]")
        if not 0 <= self.select <= 1:
            raise ValueError(f"select {self.select} must be in [0, 1]")
        if not 0 <= self.ramp_start <= self.ramp_end <= 1:
            raise ValueError(f"ramp {self.ramp_start} to {self.ramp_end} must ascend inside [0, 1]")
        for name in ("agreement", "self_training", "sharpness"):
            if not 0 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name} {getattr(self, name)} must be in [0, 1000]")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The encoder and both branches."""
        from methods.dast_network import TwoBranches

        return TwoBranches(channels, classes, stream, self.queue)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """Each branch's cross-entropy on its own items, and what divergence selects among the noisy ones."""
        scores: BranchScores = network(batch.image_bcijk)
        total = _supervised(scores, batch)
        is_noisy_b = ~batch.is_manual_b
        if not bool(is_noisy_b.any()):
            return total
        noisy = _items(scores.clean, is_noisy_b), _items(scores.noisy, is_noisy_b)
        return total + self._selected(network, noisy, batch.label_bijk[is_noisy_b], progress)

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The mean of the branches' softmaxes (B, N, I, J, K)."""
        from tsman.network import mean_probability

        return mean_probability(network(image_bcijk))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers."""
        from methods.dast_network import TwoBranches

        assert isinstance(network, TwoBranches)
        return multiplied(network, network.upsampling_weights(), network.score_biases())

    def _selected(
        self, network: nn.Module, pair: tuple[Scores, Scores], label_bijk: Tensor, progress: float
    ) -> Tensor:
        """What the noisy items add: agreement where they are very noisy, self-training where hardly."""
        from methods.dast_network import TwoBranches

        assert isinstance(network, TwoBranches)
        clean_bnijk, noisy_bnijk = (scores.main_bnijk.float().softmax(dim=1) for scores in pair)
        divergence_bijk = divergence(clean_bnijk, noisy_bnijk)
        is_severe, is_slight = self.graded(network, (clean_bnijk, noisy_bnijk), divergence_bijk, label_bijk)
        ramp = ramp_up(progress, self.ramp_start, self.ramp_end)
        total = clean_bnijk.new_zeros(())
        if is_severe:
            total = total + ramp * self.agreement * divergence_bijk.mean()
        if is_slight:
            target_bnijk = pseudo_label(clean_bnijk, noisy_bnijk, label_bijk, self.temperature)
            total = total + ramp * self.self_training * (clean_bnijk - target_bnijk).abs().mean()
        return total

    def graded(
        self,
        network: TwoBranches,
        pair: tuple[Tensor, Tensor],
        divergence_bijk: Tensor,
        label_bijk: Tensor,
    ) -> tuple[bool, bool]:
        """Whether labels are very noisy, and whether hardly; neither unless the noisy branch fits them best.

        Very noisy: the clean branch's loss is among the highest of late.
        Hardly noisy: the noisy branch's loss is among the lowest.
        """
        trust_bijk = (-self.sharpness * divergence_bijk.detach()).exp()
        by_clean, by_noisy = (_loss(one, label_bijk, trust_bijk) for one in pair)
        if self.exchanged:
            by_clean, by_noisy = by_noisy, by_clean
        if not network.training:
            return False, False
        clean_rank, noisy_rank = network.clean_losses.rank(by_clean), network.noisy_losses.rank(by_noisy)
        if clean_rank is None or noisy_rank is None or not bool(by_noisy < by_clean):
            return False, False
        return clean_rank >= 1.0 - self.select, noisy_rank < self.select


def divergence(first_bnijk: Tensor, second_bnijk: Tensor) -> Tensor:
    """Half the sum of both Kullback-Leibler divergences (B, I, J, K), each from the other as a constant."""
    first_log, second_log = (one.clamp(min=1e-16).log() for one in (first_bnijk, second_bnijk))
    to_second = second_bnijk.detach() * (second_log.detach() - first_log)
    to_first = first_bnijk.detach() * (first_log.detach() - second_log)
    return 0.5 * (to_second + to_first).sum(dim=1)


def pseudo_label(clean_bnijk: Tensor, noisy_bnijk: Tensor, label_bijk: Tensor, temperature: float) -> Tensor:
    """The mean of both branches' hard predictions and the label (B, N, I, J, K), sharpened to sum to one."""
    from methods.soft_targets import one_hot
    from tsman.labels import hard_label

    classes = clean_bnijk.shape[1]
    voices = (hard_label(clean_bnijk, dim=1), hard_label(noisy_bnijk, dim=1), label_bijk)
    power_bnijk = (sum(one_hot(voice, classes) for voice in voices) / len(voices)) ** (1.0 / temperature)
    return power_bnijk / power_bnijk.sum(dim=1, keepdim=True)


def _supervised(scores: BranchScores, batch: Batch) -> Tensor:
    """The cross-entropy of the clean branch on manual items, of the noisy one on the others; their mean."""
    import torch

    from tsman.loss import segmentation_loss

    losses = [
        segmentation_loss([_items(branch, is_own_b)], batch.label_bijk[is_own_b])
        for branch, is_own_b in ((scores.clean, batch.is_manual_b), (scores.noisy, ~batch.is_manual_b))
        if bool(is_own_b.any())
    ]
    return torch.stack(losses).mean()


def _items(scores: Scores, which_b: Tensor) -> Scores:
    """The scores of some items."""
    auxiliary_bnijk = scores.auxiliary_bnijk
    return scores._replace(
        main_bnijk=scores.main_bnijk[which_b],
        auxiliary_bnijk=None if auxiliary_bnijk is None else auxiliary_bnijk[which_b],
    )


def _loss(probability_bnijk: Tensor, label_bijk: Tensor, trust_bijk: Tensor) -> Tensor:
    """The mean cross-entropy of the labels, weighed by trust; a constant."""
    own_bijk = probability_bnijk.detach().gather(1, label_bijk.unsqueeze(1)).squeeze(1)
    return (-own_bijk.clamp(min=1e-16).log() * trust_bijk).mean()
