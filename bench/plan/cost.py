"""What a sweep costs on this machine: units of work times what a unit was measured to take.

Where the store has stages alike, their seconds say it; else the committed table of measured unit costs.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.errors import DataError
from bench.plan.workload import voxels_shown, work_of
from bench.settings.stage_specs import read
from bench.store import provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.plan.workload import UnitOf, Work
    from bench.store.documents import FinishedStage
    from bench.store.stage import Stage
    from bench.store.store import Store
    from tsman.settings import StreamSettings

TABLE = Path(__file__).with_name("unit_costs.json")
"""Written by docs/experiments/measure_unit_costs.py."""
ENOUGH = 5
"""Stages alike that are looked at for the cost of their unit."""
TRIAL = 10
"""A stage of so many times fewer units than any that is planned says nothing: most of it is starting."""
MOST_READ = 400
"""Stages of the store beyond those of the sweep that are looked at for others alike."""

Source = Literal["store", "table", "guess", "nothing"]
"""Who says what a stage takes: stages alike, its row of the table, the row most alike, nobody."""
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSize:
    """What the cost of a stream depends on."""

    stem: int
    growth: int
    units: int

    @staticmethod
    def of(stream: StreamSettings) -> StreamSize:
        """Of a stream with all its settings."""
        return StreamSize(stem=stream.stem, growth=stream.growth, units=stream.units)

    @property
    def multiplications(self) -> float:
        """Of a dense block, up to a factor: units x growth x mean input channels."""
        added = self.growth * self.units
        return float(added * (self.stem + added / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """A row of the table: what one unit took."""

    unit: str
    networks: int
    voxels: int
    seconds: float
    # Of a network that is trained or asked; of scores the rest is left out.
    method: str = ""
    stream: StreamSize | None = None
    precision: str = ""
    layout: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTable:
    """Unit costs measured on one machine."""

    processor: str
    device: str
    when: str
    units: tuple[UnitCost, ...]


@dataclass(slots=True)
class Prices:
    """What a unit of each stage takes, in seconds.

    Attributes:
        measured: ``like`` of a work -> seconds of a unit, by the store's own stages.
        table: Unit costs measured on one machine; see ``machine_table``.
        shape: The shape of a data set's volumes, by the data set's name.
    """

    measured: Mapping[str, float]
    table: MachineTable | None
    shape: Callable[[str], Shape]
    _works: dict[str, Work] = field(default_factory=dict)
    _tabled: dict[str, tuple[float, Source]] = field(default_factory=dict)

    def work(self, stage: Stage) -> Work:
        """The work of a stage, counted once."""
        if stage.key not in self._works:
            self._works[stage.key] = work_of(stage)
        return self._works[stage.key]

    def priced(self, stage: Stage) -> tuple[float, Source]:
        """Seconds of a stage, and who says so; 0 and "nothing" where nobody has measured it."""
        work = self.work(stage)
        if work.like in self.measured:
            return work.amount * self.measured[work.like], "store"
        if work.like not in self._tabled:
            self._tabled[work.like] = self._from_table(work)
        unit, source = self._tabled[work.like]
        return work.amount * unit, source

    def seconds(self, stage: Stage) -> float:
        """About how long a stage takes; never 0, so that whatever is left is never nothing."""
        return max(self.priced(stage)[0], 0.01)

    def _from_table(self, work: Work) -> tuple[float, Source]:
        """Seconds of a unit by the table's row that is most alike, scaled by voxels and networks."""
        kind = "pass" if work.unit == "volume" else work.unit
        rows = [row for row in (self.table.units if self.table else ()) if row.unit == kind]
        if not rows:
            return 0.0, "nothing"
        voxels = self._voxels(work)
        row = min(rows, key=lambda one: _unlike(one, work.about, voxels))
        networks = work.networks / row.networks if work.networks else 1.0
        is_guess = any(_unlike(row, work.about, voxels)[:3])
        return row.seconds / row.voxels * voxels * networks, "guess" if is_guess else "table"

    def _voxels(self, work: Work) -> int:
        about = work.about
        if about.patch is None or about.batch is None:
            return math.prod(self.shape(about.dataset or ""))
        if about.inference is None:
            return math.prod(about.patch) * about.batch
        return voxels_shown(self.shape(about.dataset or ""), about.inference, about.patch)


def _unlike(row: UnitCost, about: UnitOf, voxels: int) -> tuple[float, ...]:
    """How unlike a row of the table is: by the stream's width, then method, then precision, then size."""
    size = abs(math.log(row.voxels / voxels))
    if row.stream is None or about.stream is None or about.method is None or about.compute is None:
        return 0.0, 0.0, float(about.metrics is not None and about.metrics.compute != "fast"), size
    precision = (about.compute.precision, about.compute.layout, about.compute.path)
    return (
        abs(math.log(row.stream.multiplications / StreamSize.of(about.stream).multiplications)),
        # Passes are measured of one network; whose it is matters little beside how many there are.
        _other(row.method, about.method.name) if row.unit == "step" else 0.0,
        float((row.precision, row.layout, row.path) != precision),
        size,
    )


def _other(method: str, wanted: str) -> float:
    """How unlike the step of another method is: most rivals are DenseVoxNets with another loss."""
    return 0.0 if method == wanted else 0.5 if method == "densevoxnet" else 1.0


def prices(stages: Sequence[Stage], store: Store, device: str, shape: Callable[[str], Shape]) -> Prices:
    """What the stages of a plan take on this machine and device.

    A stage of the store counts where it was made on a processor and a kind of device as here.
    """
    kind, there = device.partition(":")[0], store.finished()
    found = Prices({}, machine_table(kind), shape)
    samples: dict[str, list[float]] = {}
    wanted: dict[str, int] = {}  # like -> the fewest units that are planned
    for work in map(found.work, stages):
        if work.amount:
            wanted[work.like] = min(work.amount, wanted.get(work.like, work.amount))
    own = [stage for stage in stages if stage.key in there]
    for stage in own:
        work = found.work(stage)
        if work.amount and len(samples.get(work.like, ())) < ENOUGH:
            _sample(store.finished_stage(stage.key), work, kind, samples)
    if wanted.keys() - samples.keys():
        others = sorted(there - {stage.key for stage in own})  # keys are hashes: the first are any
        for key in others[:: -(-len(others) // MOST_READ) or 1]:
            with suppress(DataError):  # laid out as nobody here knows: no stage alike
                document = store.finished_stage(key)
                work = work_of(document)
                if work.like in wanted and work.amount * TRIAL >= wanted[work.like]:
                    _sample(document, work, kind, samples)
    found.measured = {like: median(seconds) for like, seconds in samples.items()}
    return found


def _sample(document: FinishedStage, work: Work, kind: str, samples: dict[str, list[float]]) -> None:
    """Take the seconds of a unit from a finished stage, if it was made on such a machine."""
    is_here = document.machine.get("processor") == provenance.machine()["processor"]
    if is_here and document.device.partition(":")[0] == kind and document.seconds:
        samples.setdefault(work.like, []).append(document.seconds / work.amount)


def machine_table(kind: str) -> MachineTable | None:
    """The unit costs measured on a kind of device: on this processor if they were, else on another."""
    machines = json.loads(TABLE.read_text(encoding="utf-8"))["machines"] if TABLE.is_file() else []
    tables = [read(MachineTable, machine, str(TABLE)) for machine in machines]
    here = provenance.machine()["processor"]
    alike = [table for table in tables if table.device == kind]
    return min(alike, key=lambda table: table.processor != here, default=None)
