"""Random crops through random views: what one training step is shown."""

# Legend: B batch, C image channels, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.data.patches import pad_background, pad_to, random_corner, region_of_interest
from bench.stages.training.checkpoint import SamplerState

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from bench.settings.schema import Sampling
    from bench.stages.model import Trained
    from methods.interface import Batch


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCase:
    """One volume and the label that it is trained on."""

    name: str
    image_cijk: Tensor  # float32, normalised
    label_ijk: Tensor  # uint8
    is_manual: bool
    target_nijk: Tensor | None = None  # float16: the soft target that a study gave


def cropped(case: TrainingCase, sampling: Sampling) -> TrainingCase:
    """The region of interest by the case's own label, padded until a patch fits."""
    import torch

    image_cijk, label_ijk = case.image_cijk.numpy(), case.label_ijk.numpy()
    target_nijk = None if case.target_nijk is None else case.target_nijk.numpy()
    if sampling.roi_margin >= 0:
        box = region_of_interest(label_ijk, sampling.roi_margin, sampling.patch)
        image_cijk, label_ijk = image_cijk[(slice(None), *box)], label_ijk[box]
        target_nijk = None if target_nijk is None else target_nijk[(slice(None), *box)]
    target_nijk = None if target_nijk is None else pad_background(target_nijk, sampling.patch)
    image_cijk, label_ijk = pad_to(image_cijk, sampling.patch), pad_to(label_ijk, sampling.patch)
    return replace(
        case,
        image_cijk=torch.from_numpy(image_cijk),
        label_ijk=torch.from_numpy(label_ijk),
        target_nijk=None if target_nijk is None else torch.from_numpy(target_nijk),
    )


class Sampler:
    """An endless, seeded stream of batches: cases in shuffled rounds, uniform crops, uniform views."""

    def __init__(self, cases: list[TrainingCase], sampling: Sampling, rng: np.random.Generator) -> None:
        """Start the stream; ``cases`` are cropped to their region of interest."""
        from tsman.views import VIEWS

        self._cases = cases
        self._sampling = sampling
        self._rng = rng
        self._round: list[int] = []
        views = VIEWS[sampling.views]
        self._views = [view for view in views for _ in range(view.weight)]

    def replace(self, place: int, case: TrainingCase) -> None:
        """Go on with another label for a case."""
        self._cases[place] = case

    def state(self) -> SamplerState:
        """Where the stream is."""
        return SamplerState(generator=dict(self._rng.bit_generator.state), round=tuple(self._round))

    def go_on_from(self, state: SamplerState) -> None:
        """Bring the stream where another one said that it was."""
        self._rng.bit_generator.state = dict(state.generator)
        self._round = list(state.round)

    def batch(self, trained: Trained) -> Batch:
        """The next batch, on the device and in the layout of training."""
        import torch

        from methods.interface import Batch

        drawn = [self._draw() for _ in range(self._sampling.batch)]
        image_bcijk = torch.stack([one.image_cijk for one in drawn])
        label_bijk = torch.stack([one.label_ijk for one in drawn]).long().to(trained.device)
        is_manual_b = torch.tensor([one.is_manual for one in drawn], device=trained.device)
        target_bnijk = _targets(drawn)
        if target_bnijk is not None:
            target_bnijk = target_bnijk.to(trained.device)
        return Batch(trained.laid_out(image_bcijk), label_bijk, is_manual_b, target_bnijk)

    def _draw(self) -> TrainingCase:
        if not self._round:
            self._round = self._rng.permutation(len(self._cases)).tolist()
        case = self._cases[self._round.pop()]
        i, j, k = case.label_ijk.shape
        box = random_corner((i, j, k), self._sampling.patch, self._rng)
        view = self._views[int(self._rng.integers(len(self._views)))]
        every = (slice(None), *box)
        return replace(
            case,
            image_cijk=view.apply(case.image_cijk[every]),
            label_ijk=view.apply(case.label_ijk[box]),
            target_nijk=None if case.target_nijk is None else view.apply(case.target_nijk[every]),
        )


def _targets(drawn: list[TrainingCase]) -> Tensor | None:
    """The soft targets (B, N, I, J, K); of a case that has none among others that do, its label."""
    import torch
    from torch.nn import functional

    known = [one.target_nijk for one in drawn if one.target_nijk is not None]
    if not known:
        return None
    return torch.stack(
        [
            functional.one_hot(one.label_ijk.long(), len(known[0])).movedim(-1, 0).float()
            if one.target_nijk is None
            else one.target_nijk.float()
            for one in drawn
        ]
    )
