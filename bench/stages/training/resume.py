"""A training as a checkpoint, and a training that goes on from one, bit for bit on the same processor."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.settings.serialise import plain
from bench.settings.stage_specs import read
from bench.stages.context import spent_before
from bench.stages.training.checkpoint import Checkpoint, Checkpoints, TrainingState
from bench.stages.training.loop import Loss, Training
from bench.stages.training.milestones import Milestones
from bench.store import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor


LAYOUT = 1
"""Raised when other things are kept, or in another form."""


class Keeper:
    """Keeps a training that runs, and finds where one that was stopped goes on."""

    def __init__(self, training: Training) -> None:
        """Begin the clock."""
        lab = training.lab
        self._training = training
        self._checkpoints = Checkpoints(lab.store.scratch(lab.key), lab.conduct.checkpoint_seconds)
        self._milestones = Milestones(training, self._checkpoints)
        self._began = time.monotonic()
        self._labels = ""  # the file of the revised labels
        self._kept_revisions = 0

    def go_on(self) -> None:
        """Bring the training where its last whole checkpoint was; without one it stays at the start."""
        facts = self._training.lab.facts
        for found in self._checkpoints.usable():
            if other := self._why_not(found):
                self._checkpoints.left_aside.append(f"step {found.plain.get('step')}: {other}")
                continue
            state = _state(found)
            _restore(self._training, found, state)
            facts.append("resumed", _origin(state))
            self._labels, self._kept_revisions = state.labels, self._revisions
            break
        self._milestones.begin()
        if self._checkpoints.left_aside:
            facts["checkpoints_left_aside"] = self._checkpoints.left_aside

    def _why_not(self, found: Checkpoint) -> str:
        """Why the training cannot go on from a checkpoint; empty where it can."""
        return _foreign(self._training, found) or self._milestones.lacking(_state(found).step)

    def lay(self, folder: Path) -> None:
        """Write what else was kept on the way into the folder of the finished stage."""
        self._milestones.lay(folder)

    def keep(self) -> None:
        """Write a checkpoint if the interval is over, or if the stage is asked to stop."""
        training = self._training
        self._milestones.keep()
        is_due = training.step < training.steps and self._checkpoints.are_due()
        if not (training.lab.is_asked_to_stop or is_due):
            return
        if self._revisions > self._kept_revisions:
            labels = dict(_revised(training))
            self._labels = self._checkpoints.save("labels", training.step, Checkpoint(labels, {}))
            self._kept_revisions = self._revisions
        spent = spent_before(training.lab) + time.monotonic() - self._began
        state = replace(_state_of(training), labels=self._labels, seconds=round(spent, 3))
        self._checkpoints.save(
            "checkpoint", training.step, Checkpoint(dict(_tensors(training)), plain(state))
        )

    @property
    def _revisions(self) -> int:
        facts = self._training.lab.facts
        return len(facts.listed("revised_volumes")) + len(facts.listed("studied_volumes"))


def _revised(training: Training) -> Iterator[tuple[str, Tensor]]:
    """The labels and soft targets that are not what the stage began with, by the place of the case."""
    for place in training.revised:
        yield str(place), training.cases[place].label_ijk
    for place, case in enumerate(training.cases):
        if case.target_nijk is not None:
            yield f"target.{place}", case.target_nijk


def _origin(state: TrainingState) -> dict[str, object]:
    """What a reader wants to know of the part that was made earlier."""
    return {name: getattr(state, name) for name in ("step", "seconds", "commit", "processor")}


def _state(found: Checkpoint) -> TrainingState:
    return read(TrainingState, found.plain, "the state of a checkpoint")


def _foreign(training: Training, found: Checkpoint) -> str:
    """Why a checkpoint cannot give the weights of an unbroken run here; empty where it can."""
    wanted = {f"network.{name}" for name in training.trained.network.state_dict()} | {"losses", "generator"}
    if found.plain.get("layout") != LAYOUT or not wanted <= found.tensors.keys():
        return "made by another version of bench"
    state, here = _state(found), provenance.versions()
    there = state.versions
    if there != here:
        return (
            f"made with {', '.join(f'{name} {was}' for name, was in there.items() if here.get(name) != was)}"
        )
    kind = training.lab.device.partition(":")[0]
    return "" if state.device == kind else f"made on {state.device}"


def _state_of(training: Training) -> TrainingState:
    return TrainingState(
        layout=LAYOUT,
        step=training.step,
        sampler=training.sampler.state(),
        schedule=dict(training.schedule.state_dict()),
        rates=tuple(group["lr"] for group in training.optimiser.param_groups),
        facts=dict(training.lab.facts),
        versions=provenance.versions(),
        commit=provenance.commit(),
        processor=str(provenance.machine()["processor"]),
        device=training.lab.device.partition(":")[0],
    )


def _parameters(training: Training) -> list[Tensor]:
    return [one for group in training.optimiser.param_groups for one in group["params"]]


def _tensors(training: Training) -> Iterator[tuple[str, Tensor]]:
    """Everything of numbers, on the CPU, contiguous."""
    import torch

    for name, tensor in training.trained.network.state_dict().items():
        yield f"network.{name}", tensor.detach().cpu().contiguous().clone()
    for place, parameter in enumerate(_parameters(training)):
        for name, value in training.optimiser.state.get(parameter, {}).items():
            if value is not None:
                yield f"optimiser.{place}.{name}", value.detach().cpu().contiguous().clone()
    rows = [
        (one.step, math.nan if one.loss is None else one.loss, one.learning_rate) for one in training.losses
    ]
    yield "losses", torch.tensor(rows, dtype=torch.float64)
    yield "generator", torch.get_rng_state()
    if training.lab.device.startswith("cuda"):
        yield "generator.cuda", torch.cuda.get_rng_state(training.lab.device)


def _restore(training: Training, found: Checkpoint, state: TrainingState) -> None:
    import torch

    tensors = found.tensors
    training.lab.facts.update(state.facts)
    training.sampler.go_on_from(state.sampler)
    training.schedule.load_state_dict(state.schedule)
    for group, rate in zip(training.optimiser.param_groups, state.rates, strict=True):
        group["lr"] = rate
    training.trained.network.load_state_dict(dict(_under("network.", tensors)))
    parameters = _parameters(training)
    for name, tensor in _under("optimiser.", tensors):
        place, _, what = name.partition(".")
        parameter = parameters[int(place)]
        training.optimiser.state[parameter][what] = _as(parameter, tensor)
    training.losses[:] = [
        Loss(int(step), None if math.isnan(loss) else loss, rate)
        for step, loss, rate in tensors["losses"].tolist()
    ]
    for name, tensor in _under("labels.", tensors):
        kind, _, place = name.rpartition(".")
        (training.aim if kind == "target" else training.relabel)(int(place), tensor)
    torch.set_rng_state(tensors["generator"])
    if "generator.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["generator.cuda"], training.lab.device)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    return ((name.removeprefix(prefix), one) for name, one in tensors.items() if name.startswith(prefix))


def _as(parameter: Tensor, tensor: Tensor) -> Tensor:
    """A moment lies in memory as its parameter does: the fused optimisers walk both side by side."""
    import torch

    if tensor.shape != parameter.shape:
        return tensor.to(parameter.device)
    return torch.empty_like(parameter).copy_(tensor)
