"""The training of teachers, judges and students, from its cases to its weights."""

# Legend: I J K voxel axes.

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

from bench.errors import StageError
from bench.settings.stage_specs import StudentSpec, TrainingSpec
from bench.stages.ensemble import teachers_of
from bench.stages.model import Trained, begin, normal, start_at
from bench.stages.training.figure_maps import keep
from bench.stages.training.loop import Loss, Training
from bench.stages.training.resume import Keeper
from bench.stages.training.sampler import TrainingCase
from bench.stages.training.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stages.context import Lab


def fit(lab: Lab) -> None:
    """Train what the stage's settings name and leave weights and losses in its folder.

    Raises:
        StageError: The loss, or a weight in the end, is not a number.
    """
    with Streams.of(lab).initialisation():
        _fit(lab)


def _fit(lab: Lab) -> None:
    spec = lab.spec_as(TrainingSpec)
    trained = begin(spec, lab.device)
    if isinstance(spec, StudentSpec) and spec.start:
        start_at(trained, teachers_of(lab, "start", spec.start))
    training = Training(lab, trained, list(_training_cases(lab)), Streams.of(lab))
    keeper = run(training)
    _refuse_broken(trained)
    keeper.lay(lab.folder)
    trained.save(lab.folder)
    _write_losses(lab, training.losses)
    keep(lab, trained)
    steps, sampling = training.steps, training.sampling
    lab.facts.update(
        steps=steps,
        voxels_seen=steps * sampling.batch * math.prod(sampling.patch),
        network_passes=steps * trained.method.networks,
        parameters=sum(p.numel() for p in trained.network.parameters()),
        final_loss=next((one.loss for one in reversed(training.losses) if one.loss is not None), None),
        skipped_steps=sum(one.loss is None for one in training.losses),
    )


def run(training: Training) -> Keeper:
    """All steps that are left, from the last checkpoint on where there is one; returns what was kept."""
    keeper = Keeper(training)
    keeper.go_on()
    while training.step < training.steps:
        training.advance()
        keeper.keep()
        loss = training.losses[-1].loss
        training.lab.progress(training.step, training.steps, "" if loss is None else f"loss {loss:.3f}")
    return keeper


def _refuse_broken(trained: Trained) -> None:
    """A loss says nothing of what its own step did to the weights."""
    for name, tensor in trained.network.state_dict().items():
        if not bool(tensor.isfinite().all()):
            raise StageError(
                f"the weights {name} are no numbers after the last step; a lower learning rate may help."
            )


def _training_cases(lab: Lab) -> Iterator[TrainingCase]:
    """Every case the stage may see: its manual label where it may, else the pseudo label."""
    import torch

    from bench.store.artifacts import stored_label

    for name in lab.image_cases:
        is_manual = name in lab.label_cases
        label_ijk = lab.label(name) if is_manual else stored_label(lab.input("pseudo"), name)[0]
        volume = lab.image(name)
        yield TrainingCase(name, normal(volume), torch.from_numpy(volume.on_image(label_ijk)), is_manual)


def _write_losses(lab: Lab, losses: list[Loss]) -> None:
    with (lab.folder / "losses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("step", "loss", "learning_rate"))
        writer.writerows(
            (step, "" if loss is None else repr(loss), repr(rate)) for step, loss, rate in losses
        )
