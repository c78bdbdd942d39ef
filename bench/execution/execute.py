"""One task, carried out: the same on every engine, from a document and a store alone."""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.deterministic import deterministically
from bench.files.atomic import write_text
from bench.files.checksummed import sealed
from bench.plugins.audit import stage_folder
from bench.plugins.methods import admit_kept
from bench.settings.stage_specs import threads_of
from bench.stages.context import Conduct, Lab, open_lab, spent_before
from bench.store import provenance
from bench.store.integrity import checksum, contents

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from bench.store.store import Store


def execute(
    document: Mapping[str, object],
    store: Store,
    *,
    run: str,
    device: str,
    conduct: Conduct | None = None,
    stopping: threading.Event | None = None,
) -> None:
    """Make one stage, unless the store has it; its folder appears whole or not at all.

    Args:
        document: What ``Stage.document`` gives.
        store: Where the inputs lie and the result goes.
        run: The run that asked for it, for the records.
        device: ``cpu``, ``cuda`` or ``cuda:i``; never part of a key.
        conduct: How it is carried out; never part of a key.
        stopping: Set when the stage is to keep what it has and end.

    Raises:
        StoppedError: It was asked to stop.
        BenchError: In a sentence, what went wrong.
    """
    key = str(document["key"])
    if store.has(key):
        return
    with store.at_work(key):
        if not store.has(key):
            _make(document, store, run, device, conduct, stopping)


def _make(
    document: Mapping[str, object],
    store: Store,
    run: str,
    device: str,
    conduct: Conduct | None,
    stopping: threading.Event | None,
) -> None:
    began, started = datetime.now(UTC), time.monotonic()
    with store.making(str(document["key"])) as folder:
        lab = open_lab(document, store, folder, device, conduct=conduct, stopping=stopping)
        with stage_folder(folder):
            if lab.conduct.deterministic:
                with deterministically() as warned:
                    _carry_out(lab)
                lab.facts["nondeterministic"] = sorted(warned)
            else:
                _carry_out(lab)
        described = {
            **document,
            "made_from": {name: contents(store.stage(below)) for name, below in lab.document.inputs.items()},
            "facts": lab.facts,
            "run": run,
            "commit": provenance.commit(),
            "versions": provenance.versions(),
            "machine": provenance.machine(),
            "device": device,
            "started": began.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started + spent_before(lab), 3),
            "peak_memory_mib": _peak_memory_mib(),
            "files": {str(path.relative_to(folder)): checksum(path) for path in _files(folder)},
        }
        write_text(folder / "stage.json", json.dumps(sealed(described), indent=1))


def _carry_out(lab: Lab) -> None:
    kind = lab.document.kind
    if kind == "split":
        _split(lab)
        return
    if kind == "noise":
        from bench.stages.inject import inject

        inject(lab)
        return
    import torch

    admit_kept(lab.store.plugins, lab.conduct.plugins, lab.document.settings)
    torch.set_num_threads(threads_of(lab.document.spec))
    if kind in ("teacher", "judge", "student"):
        from bench.stages.fit import fit

        fit(lab)
    elif kind == "ensemble":
        from bench.stages.ensemble import ensemble

        ensemble(lab)
    elif kind == "pseudo":
        from bench.stages.distil import distil

        distil(lab)
    elif kind == "doubts":
        from bench.stages.doubts import doubts_stage

        doubts_stage(lab)
    else:
        from bench.stages.score import score_stage

        score_stage(lab)


def _split(lab: Lab) -> None:
    """Nothing to compute: who is who was decided when the sweep was planned, and is kept for the reader."""
    write_text(lab.folder / "split.json", json.dumps(lab.document.settings, indent=1))


def _peak_memory_mib() -> float:
    """Of the process so far: a worker that made several stages reports its largest."""
    # What getrusage says begins, on Linux, with the memory of the process that started this one.
    with suppress(OSError, StopIteration):
        said = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return round(int(next(line for line in said if line.startswith("VmHWM:")).split()[1]) / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
