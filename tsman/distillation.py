"""Hierarchical distillation: votes over views, then over teachers (P, Eq. 8-10).

One teacher is data distillation, the view "identity" is model distillation, both are a plain prediction.
"""

# Legend: C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch

from tsman.labels import hard_label
from tsman.views import VIEWS, View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from tsman.settings import DistillationSettings

__all__ = ["VIEWS", "Distilled", "View", "distil"]


class Distilled(NamedTuple):
    """What the teachers say together."""

    probability_nijk: Tensor  # float32: the mean over views and teachers, whatever the vote
    label_ijk: Tensor  # uint8: what the vote chose


@torch.no_grad()
def distil(
    predictors: Sequence[Callable[[Tensor], Tensor]], image_cijk: Tensor, settings: DistillationSettings
) -> Distilled:
    """Label one volume by all teachers through all views (P, Eq. 10).

    Teachers and views are taken one after the other and summed as they come, so memory does not grow.

    Args:
        predictors: One a teacher: (C, I, J, K) to probabilities (N, I, J, K), with I and J in either order.
        image_cijk: The volume.
        settings: The views and the vote, the same at both levels.

    Raises:
        ValueError: If there is no predictor.
    """
    if not predictors:
        raise ValueError("distillation needs at least 1 teacher, not 0")
    majority = settings.vote == "majority"
    over_teachers = _Poll(majority=majority)
    for predict in predictors:
        over_views = _Poll(majority=majority)
        for view in VIEWS[settings.views]:
            over_views.add(predict(view.apply(image_cijk)), view)
        over_teachers.add_result(over_views)
    return Distilled(over_teachers.mean(), over_teachers.label())


@final
class _Poll:
    """Running sums of one level's vote; it is over once its mean or label is asked for."""

    def __init__(self, *, majority: bool) -> None:
        self._majority = majority
        self._weight = 0
        self._sum_nijk: Tensor | None = None
        self._votes_nijk: Tensor | None = None

    def add(self, seen_nijk: Tensor, view: View) -> None:
        """Count one opinion (N, I, J, K) on what a view shows."""
        if self._sum_nijk is None:
            shape = (len(seen_nijk), *view.invert(seen_nijk[0]).shape)
            self._sum_nijk = torch.zeros(shape, dtype=torch.float32, device=seen_nijk.device)
        # Class by class: the copy that undoing a view may take is a class and no volume.
        for sum_ijk, seen_ijk in zip(self._sum_nijk, seen_nijk, strict=True):
            sum_ijk.add_(view.invert(seen_ijk), alpha=view.weight)
        self._weight += view.weight
        if self._majority:
            self._vote(view.invert(hard_label(seen_nijk, dim=0)), view.weight)

    def add_result(self, poll: _Poll) -> None:
        """Count another poll's result as one opinion; that poll may not be asked again."""
        if self._sum_nijk is None:
            self._sum_nijk = poll.mean()
        else:
            self._sum_nijk.add_(poll.mean())
        self._weight += 1
        if self._majority:
            self._vote(poll.label(), 1)

    def mean(self) -> Tensor:
        """The mean probability (N, I, J, K)."""
        assert self._sum_nijk is not None, "a poll needs an opinion"
        self._sum_nijk.div_(self._weight)
        self._weight = 1
        return self._sum_nijk

    def label(self) -> Tensor:
        """The chosen class (I, J, K); a tie of votes goes to the higher mean probability."""
        if self._votes_nijk is None:
            return hard_label(self.mean(), dim=0)
        # Votes are whole numbers, so half a probability orders ties and nothing else.
        return hard_label(self._votes_nijk + 0.5 * self.mean(), dim=0)

    def _vote(self, label_ijk: Tensor, weight: int) -> None:
        assert self._sum_nijk is not None, "a vote needs an opinion"
        if self._votes_nijk is None:
            self._votes_nijk = torch.zeros_like(self._sum_nijk)
        for index, votes_ijk in enumerate(self._votes_nijk):
            votes_ijk.add_(label_ijk == index, alpha=weight)
