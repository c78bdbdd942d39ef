"""Count the files that a reader passes through between two functions of one smoke run.

    python docs/experiments/walks.py [--root CHECKOUT] [--json]

It makes a small data set of NIfTI files, runs `bench run` at recipe smoke on it and `bench report`, and traces both, worker processes
too. A walk is one or more segments, each from a function that is entered to another that returns. Counted are the distinct files of
this project with a frame entered in between; what runs while a module is imported is not. `--root` traces another checkout, such as
an older one, from the same script.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

PACKAGES: Final = ("bench", "methods", "reports", "tsman")
FOLDER, ROOT = "BENCH_WALKS_FOLDER", "BENCH_WALKS_ROOT"
"""Environment variables by which a traced process knows where it writes, and which checkout it traces."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a walk: patterns of ``file:function``, where ``inside`` must be running when it starts."""

    walk: str
    number: int
    start: str
    end: str
    inside: str = ""


WALKS: Final = {
    "a": ("--xi to the first split", 15),
    "b": ("a NIfTI test case to a table's cell", 12),
    "c": ("a label file to the loss", 10),
    "d": ("walk b, of the report only what reads records and what makes the table", 12),
}
"""Walk -> what it is, and the most files that it should have."""
SCORES: Final = (r"bench/data/(images/)?volumes\.py:read_image", r".*:score_stage", r".*:score_stage")
PUBLISH: Final = (r"bench/(records/publish|publication)\.py:publish",) * 2
READ: Final = r"bench/(records|verbs)/reading\.py:(load_records|records_of)"
TABLE: Final = r"reports/tables/means\.py:comparison"
SEGMENTS: Final = (
    Segment("a", 1, r"bench/(cli|cli/run/options)\.py:run", r"bench/data/split\.py:manual_cases"),
    # The scores of the first network: from its first test scan to the rows of its stage.
    Segment("b", 1, *SCORES),
    # The rows of all stages gathered into records.csv, by the driver.
    Segment("b", 2, *PUBLISH),
    # The report, until the table of means (Table 3) is there.
    Segment("b", 3, READ, TABLE),
    # The first training: from the first label map that is read to the first value of the loss.
    Segment("c", 1, r"bench/data/(images/)?volumes\.py:read_label", r"methods/\w+\.py:.*\bloss", r"bench/stages/fit\.py:fit"),
    Segment("d", 1, *SCORES),
    Segment("d", 2, *PUBLISH),
    Segment("d", 3, READ, READ),
    Segment("d", 4, TABLE, TABLE),
)  # fmt: skip


class Tracer:
    """A profile function of one process: it writes a file for each segment that ended."""

    def __init__(self, root: str, folder: Path) -> None:
        """Trace the packages below ``root``."""
        self._root, self._folder = root.rstrip("/") + "/", folder
        self._importing = 0
        self._running: dict[str, int] = {}
        self._seen: dict[Segment, set[str]] = {}
        self._ended: set[Segment] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a frame that is entered or left."""
        if event not in ("call", "return"):
            return
        if frame.f_code.co_name == "<module>":
            if frame.f_globals.get("__name__") != "__main__":  # what had begun before the trace only returns
                self._importing = max(self._importing + (1 if event == "call" else -1), 0)
            return
        path = frame.f_code.co_filename
        if self._importing or not path.startswith(self._root):
            return
        file = path.removeprefix(self._root)
        if file.partition("/")[0] not in PACKAGES:
            return
        place = f"{file}:{frame.f_code.co_qualname}"
        for segment in SEGMENTS:
            if segment not in self._ended:
                self._follow(segment, place, file, event)

    def _follow(self, segment: Segment, place: str, file: str, event: str) -> None:
        if segment.inside and re.fullmatch(segment.inside, place):
            change = 1 if event == "call" else -1
            self._running[segment.inside] = self._running.get(segment.inside, 0) + change
        is_open = segment in self._seen
        if not is_open and event == "call" and re.fullmatch(segment.start, place):
            is_open = not segment.inside or self._running.get(segment.inside, 0) > 0
            if is_open:
                self._seen[segment] = set()
        if not is_open:
            return
        if event == "call":
            self._seen[segment].add(file)
        elif re.fullmatch(segment.end, place):
            self._ended.add(segment)
            text = json.dumps(sorted(self._seen[segment]))
            path = self._folder / f"{segment.walk}{segment.number}-{os.getpid()}.json"
            path.write_text(text, encoding="utf-8")


def install() -> None:
    """Trace this process: called as its interpreter starts, by ``sitecustomize`` in the folder of a run."""
    if FOLDER in os.environ:
        sys.setprofile(Tracer(os.environ[ROOT], Path(os.environ[FOLDER])))


def traced(root: Path, folder: Path) -> dict[str, list[set[str]]]:
    """Walk -> the files of each of its segments, from a smoke run of the checkout at ``root``."""
    module, _, function = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["bench"].partition(":")  # fmt: skip
    hook, found = folder / "hook", folder / "walks"
    for made in (hook, found):
        made.mkdir()
    start = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import walks; walks.install()\n"
    (hook / "sitecustomize.py").write_text(start, encoding="utf-8")
    plain = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    hooked = {**plain, "PYTHONPATH": f"{hook}:{root}", FOLDER: str(found), ROOT: str(root)}

    def bench(words: str, environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", f"from {module} import {function}; {function}()", *words.split()]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603

    bench("data make phantom-heart --to hearts --size smoke", plain)
    run = "run --recipe smoke --dataset decathlon:hearts --methods densevoxnet,tsman --xi 0.3 --jobs 1"
    bench(f"{run} --no-mlflow --store store", hooked)
    bench("report --store store", hooked)
    return {
        walk: [_union(found, f"{walk}{one.number}") for one in SEGMENTS if one.walk == walk] for walk in WALKS
    }


def _union(found: Path, name: str) -> set[str]:
    """The files of one segment, of whichever process it ended in first."""
    paths = sorted(found.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime_ns)
    if not paths:
        raise SystemExit(f"segment {name} was never walked: do its functions still have these names?")
    return set(json.loads(paths[0].read_text(encoding="utf-8")))


def main() -> None:
    """Trace a checkout and print its walks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="walks-") as folder:
        walks = traced(asked.root.resolve(), Path(folder))
    if asked.json:
        document = {walk: [sorted(files) for files in segments] for walk, segments in walks.items()}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return
    for walk, (what, most) in WALKS.items():
        files = set().union(*walks[walk])
        parts = " + ".join(str(len(segment)) for segment in walks[walk])
        sys.stdout.write(f"{walk}: {what}: {len(files)} files ({parts}), at most {most}\n")
        sys.stdout.writelines(f"   {name}\n" for name in sorted(files))


if __name__ == "__main__":
    main()
