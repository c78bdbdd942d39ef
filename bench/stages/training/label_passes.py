"""What a method does with all its training cases at once: it studies them, or revises their labels."""

# Legend: C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import StageError
from bench.settings.stage_specs import StudentSpec, TrainingSpec
from bench.stages.model import Trained, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from bench.stages.context import Lab
    from bench.stages.training.sampler import TrainingCase
    from methods.interface import Case, Revises, Studies


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """Where a method looks at its training cases; all passes of networks over a volume are counted."""

    lab: Lab
    trained: Trained

    def revised(self, method: Revises, cases: list[TrainingCase], progress: float) -> dict[int, Tensor]:
        """New labels by the place of the case.

        Raises:
            StageError: The method changed a manual label.
        """
        found = method.revise(self._streamed(cases), self._predictor(), progress)
        places = _places(cases)
        for name in found:
            if name in places and cases[places[name]].is_manual:
                raise StageError(f"method {self.trained.method.name!r} changed the manual label of {name}.")
        return {place: found[name] for name, place in places.items() if name in found}

    def studied(self, method: Studies, cases: list[TrainingCase], progress: float) -> dict[int, Tensor]:
        """Soft targets, float16 (N, I, J, K), by the place of the case; judges are asked the first time.

        Raises:
            StageError: What the method gave is no such target.
        """
        import torch

        # Buffers and predictions, no training: what a method keeps of it must not hold a graph.
        with torch.no_grad():
            asks = method.judges and progress <= method.studies[0]
            streamed = self._streamed(cases, self._judges() if asks else None)
            found = method.study(self.trained.network, streamed, self._predictor(), progress)
        classes = self.lab.spec_as(TrainingSpec).classes
        places, targets = _places(cases), {}
        for name, target_nijk in found.items():
            if name not in places:
                raise StageError(
                    f"method {self.trained.method.name!r} gave a target for {name}, no case of its."
                )
            expected = (classes, *cases[places[name]].label_ijk.shape)
            _demand_target(self.trained.method.name, name, target_nijk, expected)
            targets[places[name]] = target_nijk.detach().cpu().half().contiguous()
        return targets

    def _streamed(
        self, cases: list[TrainingCase], judge: Callable[[str, Tensor], Tensor] | None = None
    ) -> Iterator[Case]:
        from methods.interface import Case

        device = self.lab.device
        for case in cases:
            target, label_ijk = case.target_nijk, case.label_ijk.to(device)
            yield Case(
                case.name,
                case.image_cijk.to(device),
                label_ijk,
                case.is_manual,
                target_nijk=None if target is None else target.to(device).float(),
                judged_nijk=None if judge is None else judge(case.name, case.image_cijk),
            )

    def _predictor(self) -> Callable[[Tensor], Tensor]:
        inference, patch = self.lab.spec_as(TrainingSpec).windows

        def predict(image_cijk: Tensor) -> Tensor:
            self._charge(self.trained.method.networks)
            return self.trained.segment(image_cijk, inference, patch)

        return predict

    def _judges(self) -> Callable[[str, Tensor], Tensor]:
        """A case's name and image -> what the judge that was not trained on it says of it."""
        spec = self.lab.spec_as(StudentSpec)
        inference, patch = spec.windows
        planned = spec.judges
        made = [opened(*one, self.lab.device) for one in zip(self.lab.inputs("judge"), planned, strict=True)]
        judge_of = {case: judge for judge, one in zip(made, planned, strict=True) for case in one.judged}

        def judged(name: str, image_cijk: Tensor) -> Tensor:
            self._charge(1)
            return judge_of[name].segment(image_cijk, inference, patch)

        return judged

    def _charge(self, passes: int) -> None:
        self.lab.facts.add("revision_passes", passes)


def _places(cases: list[TrainingCase]) -> dict[str, int]:
    return {case.name: place for place, case in enumerate(cases)}


def _demand_target(method: str, name: str, target_nijk: Tensor, expected: tuple[int, ...]) -> None:
    found = tuple(target_nijk.shape)
    if found != expected:
        raise StageError(f"method {method!r} gave a target of shape {found} for {name}, not {expected}.")
    total_ijk = target_nijk.float().sum(dim=0)
    if not bool(((total_ijk - 1).abs() < 1e-2).all()) or float(target_nijk.min()) < 0:
        raise StageError(f"method {method!r} gave a target for {name} that holds no probabilities.")
