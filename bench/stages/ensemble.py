"""The teachers of a stage as one network whose prediction is the mean of theirs; nothing is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.settings.stage_specs import EnsembleSpec
from bench.stages.model import begin, opened, start_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.settings.stage_specs import TrainingSpec
    from bench.stages.context import Lab
    from bench.stages.model import Trained


def ensemble(lab: Lab) -> None:
    """Put the weights of all teachers into the folder of the stage, each as one network of its method."""
    spec = lab.spec_as(EnsembleSpec)
    together = begin(spec, lab.device)
    start_at(together, teachers_of(lab, "teacher", spec.members))
    together.save(lab.folder)
    lab.facts.update(networks=together.method.networks)


def teachers_of(lab: Lab, prefix: str, members: Sequence[TrainingSpec]) -> list[Trained]:
    """The trained teachers among the inputs of a stage, given the specification of each."""
    folders = zip(lab.inputs(prefix), members, strict=True)
    return [opened(folder, spec, lab.device) for folder, spec in folders]
