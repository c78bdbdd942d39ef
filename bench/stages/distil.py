"""Pseudo labels for the cases without a manual label, on whole volumes, by the teachers of the stage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.settings.stage_specs import PseudoLabelsSpec
from bench.stages.case_checkpoints import Piecemeal
from bench.stages.model import normal, opened
from bench.store.artifacts import store_label

if TYPE_CHECKING:
    from bench.stages.context import Lab


def distil(lab: Lab) -> None:
    """Write one pseudo label a case; the stage is given images alone, never a label."""
    from tsman.distillation import VIEWS
    from tsman.distillation import distil as vote

    spec = lab.spec_as(PseudoLabelsSpec)
    predictors = [
        partial(opened(folder, member, lab.device).segment, inference=spec.inference, patch=spec.patch)
        for folder, member in zip(lab.inputs("teacher"), spec.members, strict=True)
    ]
    cases, made = lab.image_cases, Piecemeal(lab)
    for done, case in enumerate(cases, start=1):
        if not made.has(case):
            volume = lab.image(case)
            label_ijk = vote(predictors, normal(volume), spec.distillation).label_ijk
            store_label(lab.folder, case, volume.on_scan(label_ijk.cpu().numpy()), volume)
            made.keep(case)
        lab.progress(done, len(cases))
    lab.facts.update(
        volumes=len(cases), network_passes=len(cases) * len(predictors) * len(VIEWS[spec.distillation.views])
    )
