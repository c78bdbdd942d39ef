"""Measure how cost grows: planning with ξ, methods, seeds and volumes, training with volumes, scoring with voxels.

    python docs/experiments/growth.py           # four minutes on one core

Writes results/reference/growth.csv: seconds and memory at each size, and the exponents of their growth (least
squares of the logarithms). Memory is what is taken beyond the smallest thing of the kind: of planning and scoring
what Python and numpy allocate at most, of training what the process holds beyond a training on two scans.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.cli.console import say, table
from bench.data.catalogue import open_dataset
from bench.data.dataset import CaseFiles, Dataset, DataSettings, remember
from bench.data.images.volumes import write_scan
from bench.data.phantom import heart
from bench.execution.local import LocalEngine
from bench.execution.scheduler import run
from bench.metrics import score
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.store import provenance
from bench.store.record import planned_rows
from bench.store.stage import in_order
from bench.store.store import Store
from methods.registry import METHODS, classes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUT = Path(__file__).parents[2] / "results" / "reference" / "growth.csv"
TITLES = (
    "what", "grows_with", "size", "seconds", "memory_mib", "exponent_of_seconds", "exponent_of_memory", "commit",
)  # fmt: skip
MIB = 2**20
LARGE = (160, 128, 96)  # voxels of a scan that training holds
TINY = [
    "stream.stem=2", "stream.growth=2", "stream.units=1", "stream.decoder=[2,2]", "sampling.patch=[8,8,8]",
    "sampling.batch=1", "sampling.roi_margin=-1", "student.steps=1", "teachers.steps=[1]",
]  # fmt: skip
Measured = tuple[float, float]  # seconds, MiB


def main() -> None:
    """Measure, print and keep all tables."""
    rows = [
        # First: a process that is started counts what its parent holds as its own peak.
        *_grown("training, one step", "volumes", (16, 32, 64), _Trained()),
        *_grown("planning", "ξ", (9, 36, 144), lambda size: _planned(xis=size)),
        *_grown("planning", "seeds", (4, 16, 64), lambda size: _planned(seeds=size)),
        *_grown("planning", "methods", (1, 2, 4, 6), lambda size: _planned(methods=size)),
        *_grown("planning", "volumes", (20, 80, 320), lambda size: _planned(volumes=size)),
        *_grown("scoring", "voxels", (30_720, 245_760, 1_966_080), _scored),
    ]
    with OUT.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([TITLES, *rows])
    say(table([list(map(str, row[:-1])) for row in rows], TITLES[:-1]))


def _grown(
    what: str, by: str, sizes: Sequence[int], measure: Callable[[int], Measured]
) -> list[tuple[object, ...]]:
    found = [measure(size) for size in sizes]
    exponents = [_exponent(sizes, [one[place] for one in found]) for place in (0, 1)]
    return [
        (what, by, size, round(seconds, 5), round(memory, 3), *exponents, provenance.commit())
        for size, (seconds, memory) in zip(sizes, found, strict=True)
    ]


def _exponent(sizes: Sequence[int], amounts: Sequence[float]) -> float:
    slope, _ = np.polyfit(np.log(sizes), np.log(amounts), 1)
    return round(float(slope), 2)


def _measured(work: Callable[[], object]) -> Measured:
    """The least processor seconds of three calls, and the most memory of another."""
    seconds = []
    for _ in range(3):
        began = time.process_time()  # what others do on the machine is no growth
        work()
        seconds.append(time.process_time() - began)
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return min(seconds), peak / MIB


def _planned(*, xis: int = 9, methods: int = 4, seeds: int = 4, volumes: int = 160) -> Measured:
    """All stages of a sweep; half of the volumes are for training."""
    names = [f"scan_{number:04d}" for number in range(volumes)]
    cases = {case: CaseFiles((case,), case, f"image {case}", f"label {case}") for case in names}
    half = volumes // 2
    dataset = Dataset("scans", ("MRI",), ("wall", "blood"), cases, tuple(names[:half]), tuple(names[half:]))
    chosen = resolved(recipe("paper", (), classes()), device="cpu", native_bfloat16=True)
    shares = tuple(f"{number / (xis + 1):.4f}" for number in range(1, xis + 1))
    part = free_part(list(METHODS)[:methods], shares, chosen)
    return _measured(Sweep(chosen, (part,), tuple(range(seeds)), (dataset,)).stages)


def _scored(voxels: int) -> Measured:
    """Both structures of a heart phantom against itself moved by a voxel, by the default definition."""
    scale = round((voxels / 30_720) ** (1 / 3))
    label_ijk = heart(1000, (40 * scale, 32 * scale, 24 * scale)).label_ijk
    moved_ijk = np.roll(label_ijk, 1, 0)
    return _measured(
        lambda: score(moved_ijk, label_ijk, (1.0, 1.0, 1.0), (1, 2), definition="hvsmr2016", compute="fast")
    )


class _Trained:
    """A supervised training of one step on so many scans beyond the least, in a process of its own."""

    LEAST = 2

    def __init__(self) -> None:
        self._base: Measured | None = None

    def __call__(self, volumes: int) -> Measured:
        if self._base is None:
            self._fit(self.LEAST)  # what is imported is read from the disk now
            self._base = self._fit(self.LEAST)
        seconds, memory = self._fit(self.LEAST + volumes)
        return seconds - self._base[0], memory - self._base[1]

    def _fit(self, volumes: int) -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder) / "store")
            chosen = resolved(recipe("smoke", TINY, classes()), device="cpu", native_bfloat16=False)
            where = _scans(Path(folder) / "scans", volumes)
            dataset = open_dataset(f"decathlon:{where}", DataSettings(validate=False), store.workshop)
            remember(dataset, store.workshop)
            part = free_part(("densevoxnet",), ("0.5",), chosen)
            stages = Sweep(chosen, (part,), (0, 1), (dataset,)).stages()
            students = [s for s in stages if s.kind == "student" and "pseudo" not in dict(s.inputs)]
            for student in students:
                engine = LocalEngine(store, run="growth", device="cpu", jobs=1, threads=1)
                run(in_order([student]), store, engine, lambda _state: None, rows=planned_rows)
            made = [store.stage(student.key) for student in students]
            return min(one["seconds"] for one in made), min(one["peak_memory_mib"] for one in made)


def _scans(folder: Path, volumes: int) -> Path:
    """A Decathlon folder of so many training scans of noise, and one for test."""
    names = [f"scan_{number:04d}" for number in range(volumes + 1)]
    for sub in ("imagesTr", "labelsTr"):
        (folder / sub).mkdir(parents=True)
    rng = np.random.default_rng(0)
    image_ijk = rng.integers(0, 200, LARGE).astype(np.float32)
    label_ijk = np.zeros(LARGE, np.uint8)
    label_ijk[40:80, 40:80, 30:60] = 1
    for name in names:
        image_ijk[0, 0, 0] += 1.0  # each scan is another
        write_scan(image_ijk, np.eye(4), folder / "imagesTr" / f"{name}.nii.gz")
        write_scan(label_ijk, np.eye(4), folder / "labelsTr" / f"{name}.nii.gz")
    listed = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names]
    description = {
        "name": "noise", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "block"},
        "training": listed, "bench_test": names[-1:],
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
