"""Noise of known truth: noisy labels for the withheld cases, the clean ones, and where they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.data.images.volumes import canonical_spacing_mm, write_label
from bench.data.noise import corrupt, limit_of, realised
from bench.files.atomic import write_text
from bench.files.names import checked_name
from bench.plugins.noise import simulator
from bench.seeding import generator
from bench.settings.serialise import build, plain_value
from bench.settings.stage_specs import NoisyLabelsSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.images.grids import Grid
    from bench.data.noise.realised import MeasuredNoise
    from bench.stages.context import Lab

MEASURED: Final = "noise.json"
"""What was asked for, and what the noise was measured to be, by case and structure."""


def inject(lab: Lab) -> None:
    """Write ``labels`` (noisy), ``truth`` (clean) and ``theta`` (1 where they differ) of every case.

    Students read the labels alone. The chance of a case hangs on the data set, the seed of the split, the
    kind and the rate, and not on ξ: a case that is withheld at two ξ has the same noise at both.
    """
    spec = lab.spec_as(NoisyLabelsSpec)
    kind, rate, classes = spec.kind, float(spec.rate), spec.classes
    simulators = {
        part: build(simulator(part, spec.plugins.get(part, "")), changed, f"noise {part}")
        for part, changed in spec.settings.items()
    }
    measured: dict[str, dict[str, MeasuredNoise]] = {}
    shortfalls: list[str] = []
    cases = lab.label_cases
    for done, case in enumerate(cases, start=1):
        clean_ijk, grid = lab.label_on_grid(case)
        spacing_mm = canonical_spacing_mm(grid)
        chance = generator(f"noise/{lab.document.dataset}/{spec.seed}", f"{spec.name}/{case}")
        noisy_ijk = corrupt(clean_ijk, spacing_mm, kind, rate, chance, classes, simulators)
        _write(lab, case, {"labels": noisy_ijk, "truth": clean_ijk}, grid)
        _write(lab, case, {"theta": (noisy_ijk != clean_ijk).astype(np.uint8)}, grid)
        found = realised(
            clean_ijk, noisy_ijk, spacing_mm, range(1, classes), wanted=rate, limit=limit_of(kind, simulators)
        )
        measured[case] = {spec.structures[int(number) - 1]: one for number, one in found.items()}
        shortfalls += [
            f"{case}, {spec.structures[int(number) - 1]}: {one.shortfall}"
            for number, one in found.items()
            if one.shortfall
        ]
        lab.progress(done, len(cases))
    told = {"kind": kind, "rate": spec.rate, "settings": spec.settings, "cases": plain_value(measured)}
    write_text(lab.folder / MEASURED, json.dumps(told, indent=1))
    lab.facts.update(volumes=len(cases), shortfalls=shortfalls)


def _write(lab: Lab, case: str, maps: dict[str, NDArray[np.uint8]], grid: Grid) -> None:
    for name, map_ijk in maps.items():
        target = lab.folder / name / f"{checked_name(case, 'case')}.nii.gz"
        target.parent.mkdir(exist_ok=True)
        write_label(map_ijk, grid, target)
