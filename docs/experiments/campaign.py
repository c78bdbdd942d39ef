"""Run one part of the reference campaign and keep its records, compressed, under results/reference/campaign.

    python docs/experiments/campaign.py --list
    python docs/experiments/campaign.py hearts-0                       # on phantoms: nothing is needed
    python docs/experiments/campaign.py hippocampus-0 --real-data DIR  # DIR holds msd-hippocampus
    bench merge results/reference/campaign/hearts-* --to hearts && bench report --store hearts

A part is one seed of one study and takes less than two hours on 2 cores, so that it fits into one session. It is to
be run from a tagged commit; a part whose records are kept already is refused. A part that was stopped goes on
in its store (``--store``). All parts of a study are merged by ``bench merge``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from keep_reference import keep_tables, surroundings

from bench.cli.console import say
from bench.records import gather
from bench.store import record
from bench.store.run_log import data_sets
from bench.store.store import Store

KEPT = Path(__file__).parents[2] / "results" / "reference" / "campaign"
VALIDITY = (
    "tsman,decoupling,deep-level-set,densevoxnet,gce,sce,nr-dice,co-teaching,mean-teacher,forward-correction"
)
"""The ten methods of the validity study, named before any of its numbers were seen: the paper's four, and of the
rivals one robust loss of each form, one that selects samples, one that averages, one that models the noise."""


class Study(NamedTuple):
    """One question of the campaign: what is run for each seed."""

    question: str
    seeds: int
    words: tuple[str, ...]  # of ``bench run``; DATA stands for the folder of real data


STUDIES = {
    "hearts": Study(
        "the paper's Tables 1 and 2 and Figure 6 on heart phantoms",
        8,
        ("--experiment", "table1,table2,figure6", "--dataset", "phantom-heart", "--recipe", "quick"),
    ),
    "hippocampus": Study(
        "the paper's four methods on real MR",
        5,
        (
            "--methods", "all", "--xi", "0.1,0.3,0.5,0.7,0.9", "--dataset", "decathlon:DATA/msd-hippocampus",
            "--recipe", "quick", "--set", "teachers.steps=[1000,1500,2000]", "--set", "student.steps=400",
        ),
    ),
    "tumours": Study(
        "the paper's Table 4 on tumour phantoms",
        5,
        ("--experiment", "table4", "--dataset", "phantom-tumour", "--recipe", "quick"),
    ),
    "arena": Study(
        "all methods under noise of known truth, on heart phantoms",
        5,
        ("--methods", "every", "--xi", "0.3", "--noise", "markov:0.2", "--noise", "annotator:0.2", "--recipe", "quick",
         "--set", "noise.annotator.person=0"),
    ),
    "validity": Study(
        "whether ranks on heart phantoms predict ranks on real MR: ten methods, one noise",
        5,
        (
            "--methods", VALIDITY, "--xi", "0.3", "--noise", "markov:0.2",
            "--dataset", "decathlon:DATA/msd-hippocampus", "--recipe", "quick",
        ),
    ),
}  # fmt: skip


def main() -> None:
    """Run the part that is named, and keep what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", help="STUDY-SEED, as hearts-0")
    parser.add_argument("--list", action="store_true", help="list the parts, and which are kept")
    parser.add_argument("--real-data", type=Path)
    parser.add_argument("--store", type=Path, help="where the part runs; campaign-PART by default")
    parser.add_argument("--out", type=Path, default=KEPT)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument(
        "--set", action="append", default=[], help="further settings: no part of the campaign then"
    )
    words = parser.parse_args()
    if words.list or not words.part:
        for name, study in STUDIES.items():
            kept = [str(seed) for seed in range(study.seeds) if (words.out / f"{name}-{seed}").is_dir()]
            say(f"{name}-0 .. {name}-{study.seeds - 1}: {study.question}; kept: {', '.join(kept) or 'none'}")
        return
    name, _, seed = words.part.rpartition("-")
    if name not in STUDIES or not seed.isdigit() or int(seed) >= STUDIES[name].seeds:
        parser.error(f"no part {words.part!r}; --list names them")
    if (words.out / words.part).exists():
        parser.error(f"{words.out / words.part} is kept already; remove it to run it again")
    store = words.store or Path(f"campaign-{words.part}")
    command = _command(STUDIES[name], seed, words, store)
    began = time.monotonic()
    code = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", "from bench.cli.main import main; main()", *command], check=False
    ).returncode
    if code:
        sys.exit(code)  # the same command goes on
    _keep(store, words.out / words.part, command, (time.monotonic() - began) / 60)


def _command(study: Study, seed: str, words: argparse.Namespace, store: Path) -> list[str]:
    wants_data = any("DATA" in word for word in study.words)
    if wants_data and words.real_data is None:
        sys.exit("this part reads real data: name their folder with --real-data DIR")
    filled = [word.replace("DATA", str(words.real_data)) for word in study.words]
    changed = [word for change in words.set for word in ("--set", change)]
    own = ["--seeds", f"{seed},", "--store", str(store), "--jobs", str(words.jobs), "--no-mlflow"]
    return ["run", *filled, *own, *changed]


def _keep(store: Path, folder: Path, command: list[str], minutes: float) -> None:
    """Write the standing records and the tables beside them, compressed, and where they come from."""
    rows = gather.standing(Store(store))
    folder.mkdir(parents=True)
    (folder / "records.csv.gz").write_bytes(gzip.compress(record.text_of(rows).encode(), mtime=0))
    keep_tables(store, folder)
    shown = [Path(word).name if Path(word).is_absolute() else word for word in command]
    manifest = {
        "command": " ".join(["bench", *shown]),
        "minutes": round(minutes, 1),
        "commits": sorted({row.commit for row in rows}),
        "data_sets": data_sets(Store(store)),
        **surroundings(),
    }
    (folder / "run.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    say(f"{folder}: {len(rows)} rows, {size / 1024:.0f} KiB, {minutes:.0f} minutes")


if __name__ == "__main__":
    main()
