"""Measure what a training step, a pass over a volume and the scoring of one take on this machine.

    python docs/experiments/measure_unit_costs.py                  # some minutes on one core
    python docs/experiments/measure_unit_costs.py --device cuda

Writes bench/plan/unit_costs.json, from which `bench run -n` says what a sweep costs where the store has no stages
alike. Run again it replaces what was measured on this processor and device and leaves the rest. A unit is the
difference of two stages that differ in their number of units alone, so that start-up and reading cost nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cli.console import say
from bench.data.catalogue import open_dataset
from bench.data.dataset import remember
from bench.data.phantom import heart
from bench.execution.local import LocalEngine
from bench.execution.scheduler import alike, run
from bench.files.atomic import write_text
from bench.files.processor import has_native_bfloat16
from bench.metrics import score
from bench.plan.cost import TABLE
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plan.workload import UnitOf, voxels_shown, work_of
from bench.settings.serialise import plain
from bench.store import provenance
from bench.store.record import planned_rows
from bench.store.stage import Stage, in_order
from bench.store.store import Store
from methods.registry import PAPER, classes

if TYPE_CHECKING:
    from bench.plan.recipes import Recipe

NEW = count(2)  # steps of a warming stage: each another, or it would be in the store already
SHAPE = (80, 64, 56)  # of the phantoms of size quick
FEW = {"quick": (10, 40), "paper": (2, 3)}  # steps of the two stages whose difference is taken
METHODS = {"quick": (*PAPER, "unet-2d", "unet-3d"), "paper": PAPER}


def main() -> None:
    """Measure all units and write them down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:0")
    device = parser.parse_args().device
    units = [_scoring()]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        _make(store, [_stages(store, "smoke", "densevoxnet", [], device)[0]], device)
        for name in FEW:
            for method in METHODS[name]:
                units.append(_step(store, name, method, device))
                say(json.dumps({key: units[-1][key] for key in ("unit", "method", "seconds")}))
            units.append(_pass(store, name, device))
            say(json.dumps({key: units[-1][key] for key in ("unit", "voxels", "seconds")}))
    _write(device, units)


def _write(device: str, units: list[dict[str, Any]]) -> None:
    processor, kind = provenance.machine()["processor"], device.partition(":")[0]
    table = {
        "processor": processor,
        "device": kind,
        "gpu": _gpu(device),
        "when": datetime.now(UTC).date().isoformat(),
        "commit": provenance.commit(),
        "versions": provenance.versions(),
        "units": units,
    }
    before = json.loads(TABLE.read_text(encoding="utf-8"))["machines"] if TABLE.is_file() else []
    kept = [
        one
        for one in before
        if (one["processor"], one["device"], one["gpu"]) != (processor, kind, table["gpu"])
    ]
    document = {"made_by": "docs/experiments/measure_unit_costs.py", "machines": [*kept, table]}
    write_text(TABLE, json.dumps(document, indent=1) + "\n")


def _gpu(device: str) -> str:
    if device == "cpu":
        return ""
    import torch

    return str(torch.cuda.get_device_name(device))


def _stages(store: Store, name: str, method: str, changes: list[str], device: str) -> list[Stage]:
    """The stages of one method at ξ = 0.9 of ten heart phantoms: one volume has pseudo labels."""
    chosen = _recipe(name, ["data.size=quick", *changes], device)
    dataset = open_dataset("phantom-heart", chosen.data, store.workshop)
    remember(dataset, store.workshop)
    return Sweep(chosen, (free_part((method,), ("0.9",), chosen),), (0,), (dataset,)).stages()


def _recipe(name: str, changes: list[str], device: str) -> Recipe:
    chosen = recipe(name, changes, classes())
    return resolved(chosen, device=device, native_bfloat16=has_native_bfloat16())


def _make(store: Store, wanted: list[Stage], device: str) -> list[float]:
    """The seconds of each wanted stage, made by one worker."""
    engine = LocalEngine(store, run="unit-costs", device=device, jobs=1, threads=1)
    # All alike: the order is the one asked for, so that the first stage pays for the worker's imports.
    state = run(in_order(wanted), store, engine, lambda _state: None, rows=planned_rows, expected=alike)
    if state.failed:
        raise SystemExit("\n".join(state.failed.values()))
    return [float(store.stage(one.key)["seconds"]) for one in wanted]


def _step(store: Store, name: str, method: str, device: str) -> dict[str, Any]:
    """One training step of all networks of a method."""
    wanted = [
        next(
            one
            for one in _stages(store, name, method, [f"student.steps={steps}"], device)
            if one.kind == "student" and "pseudo" not in dict(one.inputs)
        )
        for steps in (1, *FEW[name])
    ]
    warm = _stages(store, "smoke", "densevoxnet", [f"student.steps={next(NEW)}"], device)
    first = next(one for one in warm if one.kind == "student" and "pseudo" not in dict(one.inputs))
    # The first one pays for the worker's imports, a single step of the size for its memory.
    _, _, less, more = _make(store, [first, *wanted], device)
    work = work_of(wanted[0])
    return {
        "unit": "step",
        **_about(work.about),
        "networks": work.networks,
        "voxels": int(np.prod(work.about.patch)) * work.about.batch,
        "seconds": round((more - less) / (FEW[name][1] - FEW[name][0]), 6),
    }


def _pass(store: Store, name: str, device: str) -> dict[str, Any]:
    """One pass of one network over a volume, by the recipe's windows."""
    wanted = []
    for views in ("identity", "axial-12"):
        changes = ["teachers.steps=[1]", "student.steps=1", f"distillation.views={views}"]
        stages = _stages(store, name, "densevoxnet", changes, device)
        wanted.append(next(one for one in stages if one.kind == "pseudo"))
    less, more = _make(store, wanted, device)
    one, all_ = (work_of(stage) for stage in wanted)
    return {
        "unit": "pass",
        **_about(one.about),
        "networks": 1,
        "voxels": voxels_shown(SHAPE, one.about.inference, one.about.patch),
        "seconds": round((more - less) / (all_.amount - one.amount), 6),
    }


def _about(about: UnitOf) -> dict[str, Any]:
    stream, compute = plain(about.stream), plain(about.compute)
    return {
        "method": about.method.name,
        "stream": {name: stream[name] for name in ("stem", "growth", "units", "decoder")},
        **{name: compute[name] for name in ("precision", "layout", "path", "threads")},
    }


def _scoring() -> dict[str, Any]:
    """Two structures of one case, by the default definition, against a prediction a voxel aside."""
    label_ijk = heart(1000, SHAPE).label_ijk
    began = time.perf_counter()
    for _ in range(5):
        score(
            np.roll(label_ijk, 1, 0),
            label_ijk,
            (1.0, 1.0, 1.0),
            (1, 2),
            definition="hvsmr2016",
            compute="fast",
        )
    seconds = (time.perf_counter() - began) / 5
    return {
        "unit": "score",
        "networks": 0,
        "compute": "fast",
        "voxels": int(label_ijk.size),
        "seconds": round(seconds, 6),
    }


if __name__ == "__main__":
    main()
