"""Render the tables of committed runs again, from their committed records.

    python docs/experiments/render_reference.py [NAME ...]

For a change of how tables are computed or written. The figures stay as they are.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from reports.inputs import other_tables
from reports.inputs.records import read
from reports.page import write

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def render(name: str) -> None:
    """Replace ``results/reference/<name>/tables``."""
    kept = REFERENCE / name
    with TemporaryDirectory() as made:
        folder = Path(made)
        for path in kept.glob("*.csv.gz"):
            (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        beside = other_tables.read(folder)
        write(read(kept / "records.csv"), folder, title=name, provenance={}, extras=beside)
        shutil.rmtree(kept / "tables")
        (kept / "tables").mkdir()
        for pattern in ("*.md", "*.csv"):
            for path in sorted((folder / "tables").glob(pattern)):
                shutil.copy(path, kept / "tables" / path.name)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or sorted(path.parent.name for path in REFERENCE.glob("*/records.csv")):
        render(chosen)
