"""Mean teacher: a student learns the labels, and agrees with the moving average of itself."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

from methods.learning_rates import dense_vox_net_groups, without
from methods.ramps import ramp_up
from methods.search import Range

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    from methods.interface import Batch, ParameterGroup, StreamConfig
    from tsman.dense_vox_net import DenseVoxNet, Scores

PROGRESS = "progress"
"""The buffer that keeps the share of the steps done: the average's memory is one of the whole training."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTeacherMethod:
    """One student and its teacher, in the 3-D form of UA-MT without its uncertainty.

    It is charged for two networks: the teacher sees each crop with a noisy label, though it learns from none.

    Raises:
        ValueError: If a setting is out of range.
    """

    name: ClassVar[str] = "mean-teacher"
    version: ClassVar[int] = 2
    starts_at_teachers: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Tarvainen & Valpola, Mean Teachers Are Better Role Models, NeurIPS 2017; in 3-D as Yu et al., UA-MT,"
        " MICCAI 2019"
    )
    networks: ClassVar[int] = 2  # the student and its teacher
    search_space: ClassVar = {
        "memory": Range(0.002, 0.2, log=True),
        "consistency": Range(0.01, 10.0, log=True),
        "noisy_ce_weight": Range(0.05, 1.0),
        "dice_share": Range(0.0, 1.0),
    }

    memory: float = (
        0.017  # UA-MT: decay 0.99 is 100 of 6,000 iterations; share of the steps that are averaged
    )
    consistency: float = 0.1  # UA-MT: consistency
    ramp: float = 1.0  # UA-MT: 40 x 150 of 6,000 iterations; share of the steps after which it is in full
    noise: float = 0.1  # UA-MT: standard deviation of what is added to the teacher's normalised image
    noise_limit: float = 0.2  # UA-MT
    dice_share: float = 0.5  # UA-MT: 0.5 (CE + Dice) on manual labels; the rest is cross-entropy
    noisy_ce_weight: float = (
        0.5  # ours: as manual labels' cross-entropy; 0 is UA-MT, which has no noisy labels
    )
    predicts: Literal["teacher", "student", "both"] = "teacher"  # CuriousAI; UA-MT keeps the student

    def __post_init__(self) -> None:
        for name in ("memory", "dice_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)} must be in [0, 1]")
        if not 0 < self.ramp <= 1:
            raise ValueError(f"ramp {self.ramp} must be in (0, 1]")
        for name in ("consistency", "noise", "noise_limit", "noisy_ce_weight"):
            if not 0 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name} {getattr(self, name)} must be in [0, 1000]")

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """The student, then the teacher, whose own start is gone after the first step."""
        import torch

        from tsman.network import Independent

        network = Independent(channels, classes, stream, self.networks)
        network.register_buffer(PROGRESS, torch.zeros((), dtype=torch.float64))
        _pair(network)[1].requires_grad_(requires_grad=False)
        return network

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor:
        """The student's loss on the labels, and its distance from the teacher where they are noisy."""
        student, teacher = _pair(network)
        if network.training:
            network.get_buffer(PROGRESS).fill_(progress)
        scores: Scores = student(batch.image_bcijk)
        total = self._on_labels(scores, batch)
        weight = self.consistency * ramp_up(progress, 0.0, self.ramp)
        is_noisy_b = ~batch.is_manual_b
        # Before the first step there is no average to agree with.
        if progress == 0 or weight == 0 or not bool(is_noisy_b.any()):
            return total
        target_bnijk = self._taught(teacher, batch.image_bcijk[is_noisy_b], batch.generator)
        own_bnijk = scores.main_bnijk[is_noisy_b].float().softmax(dim=1)
        return total + weight * (own_bnijk - target_bnijk).square().mean()

    def after_step(self, network: nn.Module, step: int) -> None:
        """Move the teacher's parameters towards the student's, and copy the running statistics.

        While it has seen few steps the teacher is the mean of all students so far; the first replaces it.
        """
        import torch

        student, teacher = _pair(network)
        progress = float(network.get_buffer(PROGRESS))
        share = 1.0 - self.kept(step, progress)
        with torch.no_grad():
            for average, newest in zip(teacher.parameters(), student.parameters(), strict=True):
                average.lerp_(newest, share)
            for kept, current in zip(teacher.buffers(), student.buffers(), strict=True):
                kept.copy_(current)

    def kept(self, step: int, progress: float) -> float:
        """The share of the average that the newest step leaves: at first the plain mean of all students.

        Args:
            step: The number of steps done.
            progress: The share of the steps that were done before the newest.
        """
        if step == 1 or progress == 0:
            return 1.0 - 1.0 / step
        steps = (step - 1) / progress
        return 1.0 - 1.0 / min(step, max(self.memory * steps, 1.0))

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """The teacher's softmax (B, N, I, J, K), or the student's, or the mean of both."""
        from tsman.network import mean_probability

        student, teacher = _pair(network)
        asked = {"teacher": (teacher,), "student": (student,), "both": (student, teacher)}
        return mean_probability([one(image_bcijk) for one in asked[self.predicts]])

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """HeartSeg's multipliers for the student; the teacher's parameters are in no group."""
        return without(dense_vox_net_groups(network), _pair(network)[1].parameters())

    def _on_labels(self, scores: Scores, batch: Batch) -> Tensor:
        """Cross-entropy of all items, weighted, and Dice of the manual ones."""
        import torch
        from torch.nn import functional

        from tsman.loss import over_branches

        weight_b = torch.where(batch.is_manual_b, 1.0 - self.dice_share, self.noisy_ce_weight)

        has_dice = self.dice_share > 0 and bool(batch.is_manual_b.any())

        def rule(score_bnijk: Tensor) -> Tensor:
            loss_bijk = functional.cross_entropy(score_bnijk, batch.label_bijk, reduction="none")
            total = (loss_bijk.mean(dim=(1, 2, 3)) * weight_b).mean()
            if not has_dice:
                return total
            dice = dice_loss(score_bnijk[batch.is_manual_b], batch.label_bijk[batch.is_manual_b])
            return total + self.dice_share * dice * batch.is_manual_b.float().mean()

        return over_branches(scores, batch.label_bijk, rule)

    def _taught(self, teacher: DenseVoxNet, image_bcijk: Tensor, generator: Generator | None) -> Tensor:
        """The teacher's softmax of the noisy image, a constant to the gradient."""
        import torch

        with torch.no_grad():
            drawn_bcijk = torch.empty_like(image_bcijk).normal_(generator=generator)
            added_bcijk = drawn_bcijk * self.noise
            seen_bcijk = image_bcijk + added_bcijk.clamp(-self.noise_limit, self.noise_limit)
            scores: Scores = teacher(seen_bcijk)
            return scores.main_bnijk.float().softmax(dim=1)


def dice_loss(score_bnijk: Tensor, label_bijk: Tensor) -> Tensor:
    """One minus the soft Dice over all items, the mean of the foreground classes (UA-MT, losses.py)."""
    from methods.soft_targets import one_hot

    own_bnijk = score_bnijk.float().softmax(dim=1)[:, 1:]
    shown_bnijk = one_hot(label_bijk, score_bnijk.shape[1])[:, 1:]
    over = (0, 2, 3, 4)
    common_n = (own_bnijk * shown_bnijk).sum(dim=over)
    total_n = own_bnijk.square().sum(dim=over) + shown_bnijk.sum(dim=over)
    return 1.0 - ((2.0 * common_n + 1e-5) / (total_n + 1e-5)).mean()


def _pair(network: nn.Module) -> tuple[DenseVoxNet, DenseVoxNet]:
    from tsman.network import streams_of

    student, teacher = streams_of(network)
    return student, teacher
