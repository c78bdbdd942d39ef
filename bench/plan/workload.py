"""How much work a stage is, counted from its settings alone: network steps, and passes over whole volumes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.plugins import methods
from bench.settings.schema import heartseg_overlap
from bench.settings.serialise import plain
from bench.settings.stage_specs import (
    LATER,
    DoubtsSpec,
    JudgeSpec,
    LabelScoresSpec,
    MethodReference,
    PseudoLabelsSpec,
    ScoresSpec,
    StudentSpec,
    TeacherSpec,
    read,
)
from tsman.views import VIEWS

if TYPE_CHECKING:
    from bench.settings.schema import Compute, Inference, Metrics
    from bench.settings.stage_specs import Patch, TrainingSpec
    from bench.store.documents import StageDocument
    from bench.store.stage import Stage
    from tsman.settings import StreamSettings

Unit = Literal["step", "pass", "volume", "score", "nothing"]
"""What a stage is made of: training steps of all its networks, passes of one network over a volume, volumes
that a trained method is scored on, pseudo labels that are scored."""

PASSES_OF_A_LOOK = 3
"""At one case at one time of training: what is predicted, what is doubted, and the gradients of its crops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOf:
    """All that the cost of a unit of work depends on; what it does not depend on is None."""

    dataset: str | None = field(default=None, metadata=LATER)
    metrics: Metrics | None = field(default=None, metadata=LATER)
    # Of a network that is trained or asked:
    method: MethodReference | None = field(default=None, metadata=LATER)
    patch: Patch | None = field(default=None, metadata=LATER)
    batch: int | None = field(default=None, metadata=LATER)
    stream: StreamSettings | None = field(default=None, metadata=LATER)
    compute: Compute | None = field(default=None, metadata=LATER)
    channels: int | None = field(default=None, metadata=LATER)
    classes: int | None = field(default=None, metadata=LATER)
    inference: Inference | None = field(default=None, metadata=LATER)
    of_doubts: bool = field(default=False, metadata=LATER)  # gradients are taken beside what is predicted


class Work(NamedTuple):
    """A stage as so many equal units; stages with equal ``like`` have units of one cost."""

    unit: Unit
    amount: int
    like: str  # canonical JSON of the unit and of all that its cost depends on
    about: UnitOf  # the latter, to be read

    @property
    def networks(self) -> int:
        """How many networks are trained in a step, or asked in a pass or volume.

        Raises:
            ValueError: The method is not at hand.
        """
        return _networks(self.like)

    @property
    def network_steps(self) -> int:
        """Training steps, each network's own."""
        return self.amount * self.networks if self.unit == "step" else 0

    @property
    def network_passes(self) -> int:
        """Passes of one network over a whole volume, outside training."""
        return self.amount * self.networks if self.unit in ("pass", "volume") else 0


def work_of(stage: Stage | StageDocument) -> Work:
    """The work of a stage that is planned, or of one by its document.

    Raises:
        DataError: The settings are not laid out as stages' are here.
    """
    unit, amount, about = _counted(stage)
    return Work(unit, amount, json.dumps([unit, plain(about)], sort_keys=True), about)


def _counted(stage: Stage | StageDocument) -> tuple[Unit, int, UnitOf]:
    """Unit, amount, and all that the cost of a unit depends on."""
    spec, dataset = stage.spec, stage.dataset
    if isinstance(spec, TeacherSpec | JudgeSpec | StudentSpec):
        return "step", spec.steps, _training(spec)
    if isinstance(spec, PseudoLabelsSpec):
        passes = len(stage.images) * len(spec.members) * len(VIEWS[spec.distillation.views])
        return "pass", passes, replace(_training(spec.members[0]), dataset=dataset, inference=spec.inference)
    if isinstance(spec, DoubtsSpec):
        looks = len(stage.labels) * (len(spec.milestones) + 1)
        about = replace(_training(spec.trained), dataset=dataset, inference=spec.inference, of_doubts=True)
        return "pass", looks * PASSES_OF_A_LOOK, about
    if isinstance(spec, LabelScoresSpec):
        return "score", len(stage.labels), UnitOf(dataset=dataset, metrics=spec.metrics)
    if isinstance(spec, ScoresSpec):
        about = replace(_training(spec.trained), dataset=dataset, inference=spec.inference)
        return "volume", len(stage.labels), replace(about, metrics=spec.metrics)
    return "nothing", 0, UnitOf()


def _training(spec: TrainingSpec) -> UnitOf:
    """What the cost of a step, or of a pass of what was trained so, depends on."""
    return UnitOf(
        method=spec.method,
        patch=spec.sampling.patch,
        batch=spec.sampling.batch,
        stream=spec.stream,
        compute=spec.compute,
        channels=spec.channels,
        classes=spec.classes,
    )


@cache
def _networks(like: str) -> int:
    """Of the method in a ``like``; 0 where there is none."""
    _, about = json.loads(like)
    if "method" not in about:
        return 0
    return methods.method_of(read(MethodReference, about["method"], "the method of a stage")).networks


def voxels_shown(shape: Patch, inference: Inference, patch: Patch) -> int:
    """The voxels of all windows that a network is shown of one volume, those in several counted each time."""
    if inference.window == "whole":
        return math.prod(shape)
    windows = 1
    for size, side in zip(shape, patch, strict=True):
        folds = inference.window == "heartseg"
        overlap = heartseg_overlap(size, side) if folds else inference.overlap
        stride = max(int(side * (1 - overlap)), 1)
        windows *= math.ceil(max(size - side, 0) / stride) + 1
    return windows * math.prod(patch)
