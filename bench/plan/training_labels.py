"""The labels that students are trained on, and the ways to distil pseudo labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.plan.experiments import Noise
    from bench.store.stage import Stage
    from tsman.settings import DistillationSettings


class Mix(NamedTuple):
    """What students are trained on: who is who, and the labels that stand in for the withheld ones."""

    split: Stage
    manual: tuple[str, ...]
    instead: Stage | None = None  # pseudo labels, or noisy ones; None where nothing is withheld
    noise: Noise | None = None
    teachers: tuple[Stage, ...] = ()  # trained on the manual labels, which students may start at
    manual_only: bool = False  # the other cases are left out of the training

    @property
    def inputs(self) -> dict[str, Stage]:
        """As stages read them."""
        return {"split": self.split} | ({"pseudo": self.instead} if self.instead else {})


class Way(NamedTuple):
    """A way to make pseudo labels: which teachers vote, through which views."""

    members: tuple[int, ...]
    distillation: DistillationSettings

    @property
    def name(self) -> str:
        """P's names: ``single``, ``md`` (several models), ``dd`` (several views), ``hd`` (both)."""
        many_views, many_teachers = self.distillation.views != "identity", len(self.members) > 1
        return {(0, 0): "single", (0, 1): "md", (1, 0): "dd", (1, 1): "hd"}[many_views, many_teachers]

    @property
    def member(self) -> str:
        """The teacher that votes alone, counted from 1; empty where there are several."""
        return str(self.members[0] + 1) if len(self.members) == 1 else ""
