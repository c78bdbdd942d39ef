"""How much work a stage is, counted from its settings alone: network steps, and passes over whole volumes."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bench.plugins import methods
from bench.settings.schema import heartseg_overlap
from tsman.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.store.stage import Stage

Unit = Literal["step", "pass", "volume", "score", "nothing"]
"""What a stage is made of: training steps of all its networks, passes of one network over a volume, volumes
that a trained method is scored on, pseudo labels that are scored."""

PASSES_OF_A_LOOK = 3
"""At one case at one time of training: what is predicted, what is doubted, and the gradients of its crops."""


class Work(NamedTuple):
    """A stage as so many equal units; stages with equal ``like`` have units of one cost."""

    unit: Unit
    amount: int
    like: str  # canonical JSON of the unit and of all that its cost depends on
    about: Mapping[str, Any]  # the latter, to be read

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


def work_of(stage: Stage) -> Work:
    """The work of a stage."""
    return work_done(stage.document())


def work_done(document: Mapping[str, Any]) -> Work:
    """The work of a stage by its document, as ``stage.json`` has it.

    Raises:
        KeyError: The settings are not laid out as stages' are here.
    """
    unit, amount, about = _counted(document)
    return Work(unit, amount, json.dumps([unit, about], sort_keys=True), about)


def _counted(document: Mapping[str, Any]) -> tuple[Unit, int, dict[str, Any]]:
    """Unit, amount, and all that the cost of a unit depends on."""
    kind, settings, where = document["kind"], document["settings"], {"dataset": document["dataset"]}
    if kind in ("teacher", "judge", "student"):
        return "step", int(settings["steps"]), _training(settings)
    if kind == "pseudo":
        views = VIEWS[settings["distillation"]["views"]]
        passes = len(document["images"]) * len(settings["members"]) * len(views)
        return "pass", passes, where | _training(settings["members"][0]) | _windows(settings)
    if kind == "doubts":
        looks = len(document["labels"]) * (len(settings["milestones"]) + 1)
        about = where | _training(settings["trained"]) | _windows(settings)
        return "pass", looks * PASSES_OF_A_LOOK, about | {"of": kind}
    if kind != "scores":
        return "nothing", 0, {}
    volumes = len(document["labels"])
    where["metrics"] = settings["metrics"]
    if "trained" not in settings:
        return "score", volumes, where
    return "volume", volumes, where | _training(settings["trained"]) | _windows(settings)


def _training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the cost of a step, or of a pass of what was trained so, depends on."""
    sampling = settings["sampling"]
    named = {"method": settings["method"], "patch": sampling["patch"], "batch": sampling["batch"]}
    return named | {name: settings[name] for name in ("stream", "compute", "channels", "classes")}


def _windows(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"inference": settings["inference"]}


@cache
def _networks(like: str) -> int:
    """Of the method in a ``like``; 0 where there is none."""
    _, about = json.loads(like)
    if "method" not in about:
        return 0
    return methods.method_of(about["method"]).networks


def voxels_shown(shape: tuple[int, int, int], inference: Mapping[str, Any], patch: tuple[int, ...]) -> int:
    """The voxels of all windows that a network is shown of one volume, those in several counted each time."""
    if inference["window"] == "whole":
        return math.prod(shape)
    windows = 1
    for size, side in zip(shape, patch, strict=True):
        folds = inference["window"] == "heartseg"
        overlap = heartseg_overlap(size, side) if folds else float(inference["overlap"])
        stride = max(int(side * (1 - overlap)), 1)
        windows *= math.ceil(max(size - side, 0) / stride) + 1
    return windows * math.prod(patch)
