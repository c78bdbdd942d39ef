"""What a student is on its way and aims at in the end, for whoever asks later what it doubted when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.files.names import checked_name
from bench.settings.stage_specs import StudentSpec, TrainingSpec
from bench.stages.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from bench.stages.training.checkpoint import Checkpoints
    from bench.stages.training.loop import Training

FOLDER: Final = "milestones"
_KIND: Final = "milestone"


def milestone(folder: Path, per_cent: int) -> Path:
    """Where a student's folder has its weights after so many per cent of its steps."""
    return folder / FOLDER / f"{per_cent:03d}.safetensors"


def aim(folder: Path, case: str) -> Path:
    """Where a student's folder has the last soft target of a case, if its method gave one."""
    return folder / "targets" / f"{checked_name(case, 'case')}.safetensors"


def read_aim(folder: Path, case: str) -> Tensor | None:
    """The last soft target of a case, float16 (N, I, J, K) where the image lies."""
    from safetensors.torch import load_file

    path = aim(folder, case)
    return load_file(path)["target"] if path.is_file() else None


class Milestones:
    """The weights that a stage's settings ask for; none for most stages."""

    def __init__(self, training: Training, checkpoints: Checkpoints) -> None:
        """Look what an earlier attempt left."""
        self._training = training
        self._checkpoints = checkpoints
        spec = training.lab.spec_as(TrainingSpec)
        asked = spec.milestones if isinstance(spec, StudentSpec) else ()
        self._step_of = {one: max(1, one * training.steps // 100) for one in asked}
        self._kept = dict(checkpoints.saved(_KIND)) if asked else {}

    def lacking(self, step: int) -> str:
        """What a training that goes on from a step would lack; empty where it lacks nothing."""
        lost = [one for one, at in self._step_of.items() if at <= step and at not in self._kept]
        return f"the weights after {lost[0]} % are not there" if lost else ""

    def begin(self) -> None:
        """Forget those that lie after the step from which the training goes on: it comes by them again."""
        self._kept = {step: one for step, one in self._kept.items() if step <= self._training.step}
        if self._step_of:
            self._checkpoints.drop(_KIND, after=self._training.step)

    def keep(self) -> None:
        """Keep the weights if the step that was just done is a milestone."""
        step = self._training.step
        if step not in self._step_of.values() or step in self._kept:
            return
        here = Checkpoint(dict(_weights(self._training)), {})
        self._checkpoints.save(_KIND, step, here, kept=len(self._step_of))
        self._kept[step] = here

    def lay(self, folder: Path) -> None:
        """Write them into the folder of the finished stage."""
        from safetensors.torch import save

        for per_cent, step in self._step_of.items():
            path = milestone(folder, per_cent)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(save(dict(self._kept[step].tensors)))
        for case in self._training.cases if self._step_of else ():
            if case.target_nijk is not None and not case.is_manual:
                aim(folder, case.name).parent.mkdir(exist_ok=True)
                aim(folder, case.name).write_bytes(save({"target": case.target_nijk}))


def _weights(training: Training) -> dict[str, Tensor]:
    state = training.trained.network.state_dict()
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
