"""How much work a stage is, counted from its settings alone: network steps, and passes over whole volumes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bench.plain import build
from bench.segment import heartseg_overlap
from methods.registry import method
from tsman.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.graph import Stage

Unit = Literal["step", "pass", "volume", "score", "nothing"]
"""What a stage is made of: training steps of all its networks, passes of one network over a volume, volumes
that a trained method is scored on, pseudo labels that are scored."""


class Work(NamedTuple):
    """A stage as so many equal units; stages with equal ``like`` have units of one cost."""

    unit: Unit
    amount: int
    networks: int  # trained in a step, or asked in a pass or volume
    like: str  # canonical JSON of all that the cost of a unit depends on
    about: Mapping[str, Any]  # the same, to be read

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
    volumes = len(stage.images) if stage.kind == "pseudo" else len(stage.labels)
    return counted(stage.kind, json.loads(stage.settings), stage.dataset, volumes)


def work_done(document: Mapping[str, Any]) -> Work:
    """The work of a stage by its document, as ``stage.json`` has it."""
    volumes = document["images"] if document["kind"] == "pseudo" else document["labels"]
    return counted(document["kind"], document["settings"], document["dataset"], len(volumes))


def likeness(document: Mapping[str, Any]) -> str:
    """``like`` of a stage by its document; empty where the stage is of a kind that nobody here knows.

    Asks no registry: a store may hold stages of methods that are not at hand.
    """
    volumes = document["images"] if document["kind"] == "pseudo" else document["labels"]
    try:
        unit, _, about = _measured(document["kind"], document["settings"], document["dataset"], len(volumes))
    except (KeyError, TypeError):
        return ""
    return _like(unit, about)


def counted(kind: str, settings: Mapping[str, Any], dataset: str, volumes: int) -> Work:
    """The work of a stage of these settings on so many volumes."""
    unit, amount, about = _measured(kind, settings, dataset, volumes)
    networks = _networks(about["method"]) if "method" in about else 0
    return Work(unit, amount, networks, _like(unit, about), about)


def _measured(
    kind: str, settings: Mapping[str, Any], dataset: str, volumes: int
) -> tuple[Unit, int, dict[str, Any]]:
    """Unit, amount, and all that the cost of a unit depends on."""
    where = {"dataset": dataset}
    if kind in ("teacher", "student"):
        return "step", int(settings["steps"]), _training(settings)
    if kind == "pseudo":
        passes = volumes * len(settings["members"]) * len(VIEWS[settings["distillation"]["views"]])
        return "pass", passes, where | _training(settings["members"][0]) | _windows(settings)
    if kind != "scores":
        return "nothing", 0, {}
    where["metrics"] = settings["metrics"]
    if "trained" not in settings:
        return "score", volumes, where
    return "volume", volumes, where | _training(settings["trained"]) | _windows(settings)


def _like(unit: Unit, about: Mapping[str, Any]) -> str:
    return json.dumps([unit, about], sort_keys=True)


def _training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the cost of a step, or of a pass of what was trained so, depends on."""
    sampling = settings["sampling"]
    named = {"method": settings["method"], "patch": sampling["patch"], "batch": sampling["batch"]}
    return named | {name: settings[name] for name in ("stream", "compute", "channels", "classes")}


def _windows(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"inference": settings["inference"]}


def _networks(plain: Mapping[str, Any]) -> int:
    text = json.dumps(plain, sort_keys=True)
    if text not in _KNOWN:
        kind = type(method(plain["name"]))
        _KNOWN[text] = build(kind, plain["settings"], f"method {plain['name']}").networks
    return _KNOWN[text]


_KNOWN: dict[str, int] = {}
"""How many networks a method with these settings has."""


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
