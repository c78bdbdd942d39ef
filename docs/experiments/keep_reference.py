"""Copy what a finished run is cited by from its store into results/reference: its tables, manifest, report.

    python docs/experiments/keep_reference.py STORE NAME MINUTES 'COMMAND' ['COMMAND' ...]

The report is made anew from the records; of the figures the PNGs are kept. MINUTES is what the commands took.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cli.report import report
from bench.files.limits import cores
from bench.records import gather
from bench.records.publish import BESIDE
from bench.store import provenance, record
from bench.store.store import Store

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def keep_tables(store: Path, folder: Path) -> None:
    """Write the tables beside the records of a store that have rows, compressed."""
    for name in BESIDE:
        content = (store / name).read_bytes() if (store / name).is_file() else b""
        if content.count(b"\n") > 1:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


def surroundings() -> dict[str, object]:
    """Versions and machine, for a manifest."""
    return {"versions": provenance.versions(), "machine": {**provenance.machine(), "cores": cores()}}


def main(store: Path, name: str, minutes: float, commands: list[str]) -> None:
    """Replace ``results/reference/<name>``."""
    keep = REFERENCE / name
    shutil.rmtree(keep, ignore_errors=True)
    keep.mkdir(parents=True)
    (keep / "records.csv").write_text(record.text_of(gather.standing(Store(store))), encoding="utf-8")
    keep_tables(store, keep)
    with TemporaryDirectory() as folder:
        report(store, Path(folder), strict=False, as_json=False)
        for kind, pattern in (("tables", "*.md"), ("tables", "*.csv"), ("figures", "*.png")):
            (keep / kind).mkdir(exist_ok=True)
            for path in sorted((Path(folder) / kind).glob(pattern)):
                shutil.copy(path, keep / kind / path.name)
    made_at = sorted(
        {str(json.loads(path.read_text())["commit"]) for path in store.glob("stages/*/stage.json")}
    )
    manifest = {
        "commands": commands,
        "minutes": minutes,
        "commits": made_at,
        **surroundings(),
        "runs": sorted(path.name for path in (store / "runs").iterdir()),
    }
    (keep / "run.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:])
