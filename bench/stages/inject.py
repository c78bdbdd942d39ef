"""Noise of known truth: noisy labels for the withheld cases, the clean ones, and where they differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.images.grids import Grid
    from bench.data.noise.realised import MeasuredNoise
    from bench.data.noise.simulator import Simulator
    from bench.stages.context import Lab

MEASURED: Final = "noise.json"
"""What was asked for, and what the noise was measured to be, by case and structure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedNoise:
    """The noise that is asked for of the labels of a data set.

    Attributes:
        dataset: The name of the data set.
        structures: The names of its structures, that of label 1 first.
        seed: Of the split.
        kind: One of ``bench.plugins.noise.kinds()``, or several with + between.
        rate: As it was written, which is part of the seed.
        simulators: Kind -> simulator with its settings.
        chosen: The labels of the structures to corrupt; none means all.
    """

    dataset: str
    structures: tuple[str, ...]
    seed: int
    kind: str
    rate: str
    simulators: Mapping[str, Simulator]
    chosen: tuple[int, ...] = ()


def inject(lab: Lab) -> None:
    """Write ``labels``, ``truth`` and ``theta`` of every case; students read the labels alone."""
    spec = lab.spec_as(NoisyLabelsSpec)
    noise = InjectedNoise(
        dataset=lab.document.dataset,
        structures=tuple(spec.structures),
        seed=spec.seed,
        kind=spec.kind,
        rate=spec.rate,
        simulators={
            part: build(simulator(part, spec.plugins.get(part, "")), changed, f"noise {part}")
            for part, changed in spec.settings.items()
        },
    )
    measured: dict[str, dict[str, MeasuredNoise]] = {}
    cases = lab.label_cases
    for done, case in enumerate(cases, start=1):
        measured[case] = write_noisy_case(noise, case, *lab.label_on_grid(case), lab.folder)
        lab.progress(done, len(cases))
    told = {"kind": noise.kind, "rate": spec.rate, "settings": spec.settings, "cases": plain_value(measured)}
    write_text(lab.folder / MEASURED, json.dumps(told, indent=1))
    shortfalls = [
        f"{case}, {name}: {one.shortfall}"
        for case, by_structure in measured.items()
        for name, one in by_structure.items()
        if one.shortfall
    ]
    lab.facts.update(volumes=len(cases), shortfalls=shortfalls)


def write_noisy_case(
    noise: InjectedNoise, case: str, clean_ijk: NDArray[np.uint8], grid: Grid, folder: Path
) -> dict[str, MeasuredNoise]:
    """Write ``labels`` (noisy), ``truth`` (clean) and ``theta`` (1 where they differ) of a case.

    The chance of a case depends on data set, seed, kind and rate, and not on ξ: a case that is withheld at
    two ξ has the same noise at both.

    Args:
        noise: What is asked for.
        case: Its name.
        clean_ijk: Its clean label map.
        grid: On which the files are written.
        folder: In which the three folders lie.

    Returns:
        By name of structure, what its noise was measured to be.
    """
    rate, labels = float(noise.rate), range(1, len(noise.structures) + 1)
    spacing_mm = canonical_spacing_mm(grid)
    chance = generator(f"noise/{noise.dataset}/{noise.seed}", f"{noise.kind}:{noise.rate}/{case}")
    classes = len(noise.structures) + 1
    noisy_ijk = corrupt(
        clean_ijk, spacing_mm, noise.kind, rate, chance, classes, noise.simulators, noise.chosen
    )
    theta_ijk = (noisy_ijk != clean_ijk).astype(np.uint8)
    for name, map_ijk in (("labels", noisy_ijk), ("truth", clean_ijk), ("theta", theta_ijk)):
        path = folder / name / f"{checked_name(case, 'case')}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        write_label(map_ijk, grid, path)
    limit = limit_of(noise.kind, noise.simulators)
    found = realised(clean_ijk, noisy_ijk, spacing_mm, labels, wanted=rate, limit=limit)
    if noise.chosen:  # those that are left alone were not asked for anything
        alone = realised(clean_ijk, noisy_ijk, spacing_mm, labels)
        found |= {number: alone[number] for number in alone if int(number) not in noise.chosen}
    return {noise.structures[int(number) - 1]: one for number, one in found.items()}
