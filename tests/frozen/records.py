"""Two smoke sweeps whose tables are compared byte for byte while code moves; outside the suite, minutes.

    python tests/frozen/records.py --write   # before: the checksums of this processor's tables
    python tests/frozen/records.py           # after: compares

Left out are the columns that name the commit and what a clock says.
"""

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path(__file__).with_name("records.json")
SWEEPS = {
    "pseudo": ("--methods", "all", "--xi", "0.1,0.5", "--references", "methods"),
    "noise": ("--methods", "every", "--xi", "0.5", "--noise", "markov:0.2"),
}
TABLES = ("records", "doubts", "gradients", "costs")
LEFT_OUT = ("commit", "peak_memory_mib", "when")


def checksums(words: tuple[str, ...], store: Path) -> dict[str, str]:
    """The checksum of each table of a sweep, by the table's name."""
    main = [sys.executable, "-c", "from bench.cli.main import main; main()"]
    own = ("--recipe", "smoke", "--store", str(store), "--no-mlflow", "--jobs", "1")
    subprocess.run([*main, "run", *words, *own], check=True, stdout=subprocess.DEVNULL)
    found = {}
    for name in TABLES:
        with (store / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = [
                {k: v for k, v in row.items() if k not in LEFT_OUT and not k.startswith("seconds")}
                for row in csv.DictReader(file)
            ]
        text = json.dumps(rows, sort_keys=True)
        found[name] = f"{len(rows)} rows {hashlib.sha256(text.encode()).hexdigest()[:20]}"
    return found


def main() -> None:
    """Write the checksums, or compare with those that were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {name: checksums(line, Path(folder) / name) for name, line in SWEEPS.items()}
    if words.write:
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    for name, tables in found.items():
        for table, checksum in tables.items():
            same = "equal" if kept[name][table] == checksum else f"DIFFERS from {kept[name][table]}"
            print(f"{name} {table}: {checksum}, {same}")  # noqa: T201
    sys.exit(found != kept)


if __name__ == "__main__":
    main()
