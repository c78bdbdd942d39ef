"""Measure how students are trained, on development phantoms (first seeds from 1000 up) alone.

    python docs/experiments/measure_recipe.py as-was starts-200 --first-seeds 1000,1100 --store /somewhere
    python docs/experiments/measure_recipe.py starts-200 --noise markov:0.4 --clean   # a control of sensitivity
    python docs/experiments/measure_recipe.py --table

Each first seed is another ten training and other test phantoms, with a training seed of its own: one
training. All variants share stages through the store. A row of results/reference/development/recipe.csv is
the mean of one student, teacher ensemble or reference over its test cases; ``--table`` summarises them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.cli.console import say
from bench.data.catalogue import open_dataset
from bench.data.dataset import remember
from bench.data.split import shares
from bench.execution.local import LocalEngine
from bench.execution.scheduler import run
from bench.files.processor import has_native_bfloat16
from bench.plan.experiments import Noise, Part, contestants
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plugins import methods as known_methods
from bench.stages.context import Conduct
from bench.store import provenance, record
from bench.store.record import planned_rows
from bench.store.stage import in_order
from bench.store.store import Store
from methods.registry import PAPER, classes

if TYPE_CHECKING:
    from bench.store.stage import Stage

OUT = Path(__file__).parents[2] / "results" / "reference" / "development" / "recipe.csv"
LONG = ("optimiser.kind=adamw", "teachers.steps=[600,700,800]")
VARIANTS: dict[str, tuple[str, ...]] = {
    # Teachers of 150, 200, 250 steps and fresh students of 250, the `quick` before.
    "as-was": ("optimiser.kind=adamw", "teachers.steps=[150,200,250]", "student.steps=250", "student.start=fresh"),
    # Long teachers; students that start at them, by steps and learning rate.
    **{
        f"starts-{steps}-{rate}": (
            *LONG, f"student.steps={steps}", "student.start=auto", f"student.learning_rate={rate}")
        for steps in (100, 150, 200, 300, 400)
        for rate in (0.001, 0.002, 0.003, 0.006)
    },
    # The same teachers and fresh students.
    **{
        f"fresh-{steps}": (
            *LONG, f"student.steps={steps}", "student.start=fresh")
        for steps in (200, 250, 400, 1000)
    },
    # What `quick` cost before, of students that start fresh; and a start that is demanded under noise too.
    "fresh-equal": ("optimiser.kind=adamw", "teachers.steps=[200,250,300]", "student.steps=330", "student.start=fresh"),
    "demanded": ("student.start=teachers",),
    # `quick` as it stands, and four times as long.
    "quick": (),
    "quick-times-4": ("teachers.steps=[2000,2400,2800]", "student.steps=800"),
    # Four times as long as starts-200-0.003.
    "four-times": ("teachers.steps=[2400,2800,3200]", "student.steps=800", "student.start=auto", "student.learning_rate=0.003"),
}  # fmt: skip
MEASURES = ("overall", "dice")


def main() -> None:
    """Train what is missing and append it to the table, or print its summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variants", nargs="*", choices=[*VARIANTS, []])
    parser.add_argument("--data", default="phantom-heart")
    parser.add_argument("--xi", default="0.5")
    parser.add_argument("--first-seeds", default="1000,1100,1200,1300,1400,1500")
    parser.add_argument("--methods", default=",".join(PAPER))
    parser.add_argument("--noise", default="", help="also with injected noise, as markov:0.4")
    parser.add_argument("--plugin", type=Path, help="also a method of one's own, as frozen.py")
    parser.add_argument("--full", action="store_true", help="also on all manual labels")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("development"))
    parser.add_argument("--set", action="append", default=[], help="further settings, named in the table")
    parser.add_argument("--table", action="store_true")
    words = parser.parse_args()
    if words.table:
        say(summary(pd.read_csv(OUT, dtype={"xi": str})).to_string(index=False))
        return
    brought = known_methods.admit([words.plugin] if words.plugin else [])
    words.methods = ",".join([words.methods, *brought])
    with Store(words.store).locked():
        for first in words.first_seeds.split(","):
            for variant in words.variants:
                _keep(pd.DataFrame(_measured(words, variant, int(first))))


def _measured(words: argparse.Namespace, variant: str, first: int) -> list[dict[str, object]]:
    """One row for each method and role of a variant on one development data set."""
    store, seed = Store(words.store), first // 100 - 10
    chosen = recipe("quick", [f"data.first_seed={first}", *VARIANTS[variant], *words.set], classes())
    chosen = resolved(chosen, device="cpu", native_bfloat16=has_native_bfloat16())
    dataset = open_dataset(words.data, chosen.data, store.workshop)
    remember(dataset, store.workshop)
    who, xis = contestants(words.methods.split(","), chosen), tuple(shares(words.xi))
    parts = [Part(xis=xis, students=who, supervised=who if words.full else ())]
    if words.noise:
        kind, _, rate = words.noise.partition(":")
        parts.append(Part(xis=xis, students=who, noises=(Noise(kind, rate),)))
    sweep = Sweep(chosen, tuple(parts), (seed,), (dataset,))
    wanted = [
        one
        for one in sweep.stages()
        if _identity(one).get("role") in ("student", "supervised", "labelled-only")
    ]
    known_methods.keep(store.plugins)
    engine = LocalEngine(
        store, run=sweep.run, device="cpu", jobs=words.jobs, threads=chosen.compute.threads,
        conduct=Conduct(plugins=known_methods.handed()),
    )  # fmt: skip
    state = run(in_order(wanted), store, engine, lambda _state: None, rows=planned_rows)
    for key, reason in state.failed.items():
        sys.exit(f"{key} failed: {reason}")
    return [_row(store, one, words, variant, first) for one in wanted]


def _identity(stage: Stage) -> dict[str, object]:
    return dict(json.loads(stage.settings)["identity"]) if stage.kind == "scores" else {}


def _row(
    store: Store, stage: Stage, words: argparse.Namespace, variant: str, first: int
) -> dict[str, object]:
    identity = _identity(stage)
    found = pd.DataFrame(record.read(store.folder(stage.key) / "records.csv"))
    means = {name: round(float(found.loc[found["metric"] == name, "value"].mean()), 4) for name in MEASURES}
    trained = store.stage(dict(stage.inputs)["of"].key)
    named = {name: identity[name] for name in ("role", "method", "xi", "noise")}
    started = "teachers" if trained["settings"].get("start") else "fresh"
    return {
        "variant": " ".join([variant, *words.set]), "data": words.data, "first_seed": first, **named,
        **means, "start": started, "seconds": round(float(trained["seconds"]), 1), "commit": provenance.commit(),
    }  # fmt: skip


def _keep(rows: pd.DataFrame) -> None:
    """Add rows to the table at once, in the place of older ones of the same training."""
    before = [pd.read_csv(OUT, dtype={"xi": str})] if OUT.is_file() else []
    together = pd.concat([*before, rows])
    same = ["variant", "data", "first_seed", "role", "method", "xi", "noise"]
    together.drop_duplicates(same, keep="last").to_csv(OUT, index=False, lineterminator="\n")
    say(
        rows[["variant", "first_seed", "role", "method", "xi", "noise", *MEASURES, "seconds"]].to_string(
            index=False, header=False
        )
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """By variant, data, ξ, noise, role and method: mean and sd of each measure over the trainings."""
    by = table.groupby(["data", "variant", "xi", "noise", "role", "method"])
    columns = {f"{name}_{how}": (name, how) for name in MEASURES for how in ("mean", "std")}
    return (
        by.agg(trainings=("first_seed", "nunique"), **columns, seconds=("seconds", "mean"))
        .round(3)
        .reset_index()
    )


if __name__ == "__main__":
    main()
