"""Measure settings that the paper leaves open, on development phantoms (seeds from 1000 up) alone.

    python docs/experiments/measure_defaults.py warm_up        # or attention, level_set, stream, cleaning
    python docs/experiments/measure_defaults.py attention --xi 0.3,0.5 --seeds 0,1 --store /somewhere

Each variant trains students on shared pseudo labels and scores them on clean development labels. The rows that
docs/decisions cite are in results/reference/development/<experiment>.csv, written by this script.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from statistics import fmean

from bench.cli.console import say, table
from bench.data.catalogue import open_dataset
from bench.data.dataset import remember
from bench.data.split import shares
from bench.execution.local import LocalEngine
from bench.execution.scheduler import run
from bench.files.limits import cores
from bench.files.processor import has_native_bfloat16
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plan.words import seeds_of
from bench.store import provenance, record
from bench.store.record import planned_rows
from bench.store.stage import Stage, in_order
from bench.store.store import Store
from methods.registry import classes

DEVELOPMENT = "data.first_seed=1000"
FORM = [
    "tsman.loss_attention.warm_up=0.5",
    "tsman.attention.hidden_share=1.0",
    "tsman.attention.spatial_hidden_share=0.5",
]
F4 = ["tsman.attention.f1=false", "tsman.attention.f2=false", "tsman.attention.f3=false"]
EXPERIMENTS: dict[str, list[tuple[str, str, list[str]]]] = {
    # what it is called, the method, what is set
    "warm_up": [
        ("plain cross-entropy, two networks", "densevoxnet", []),
        *[(f"decoupling, warm-up {w}", "decoupling", [f"decoupling.warm_up={w}"]) for w in (0.2, 0.5, 0.7)],
        *[(f"f4, warm-up {w}", "tsman", [*F4, f"tsman.loss_attention.warm_up={w}"]) for w in (0.2, 0.5, 0.7)],
        ("f4, paper-literal (count, no warm-up)", "tsman", [*F4, "tsman.loss_attention.normaliser=paper-literal"]),
        ("f4, auxiliary weighed too", "tsman", [*F4, "tsman.loss_attention.warm_up=0.5", "stream.auxiliary_rule=own"]),
    ],
    "attention": [
        ("f4 alone", "tsman", [*F4, "tsman.loss_attention.warm_up=0.5"]),
        *[
            (f"f1-f4, {gain}, {gradient}, bias {bias}", "tsman",
             [*FORM, f"tsman.attention.gain={gain}", f"tsman.attention.gradient={gradient}", f"tsman.attention.start_bias={bias}"])
            for gain, gradient, bias in (
                ("plain", "through", 0.0), ("plain", "through", 2.0), ("double", "through", 0.0),
                ("residual", "through", 0.0), ("double", "detach_inputs", 0.0),
            )
        ],
        ("f1-f4, double, hidden a quarter", "tsman",
         ["tsman.loss_attention.warm_up=0.5"]),
        ("f1-f4, double, hidden a quarter, warm-up 0.2", "tsman", ["tsman.loss_attention.warm_up=0.2"]),
        ("f1-f4, double, placement C", "tsman", [*FORM, "tsman.attention.placement=C"]),
    ],
    "stream": [
        ("as chosen", "densevoxnet", []),
        ("crops of 32, batch 2", "densevoxnet", ["sampling.patch=[32, 32, 32]", "sampling.batch=2"]),
        ("dropout 0.2", "densevoxnet", ["stream.dropout=0.2"]),
        ("statistics over 1000 steps", "densevoxnet", ["stream.average_fraction=0.999"]),
        ("decoder 16, 8", "densevoxnet", ["stream.decoder=[16, 8]"]),
        ("units 4, growth 6", "densevoxnet", ["stream.units=4", "stream.growth=6"]),
        ("deconvolution kernel 2", "densevoxnet", ["stream.deconv_kernel=2"]),
        ("AdamW with betas 0.9, 0.999", "densevoxnet", ["optimiser.betas=[0.9, 0.999]", "optimiser.learning_rate=0.003"]),
        ("SGD 0.05", "densevoxnet", ["optimiser.kind=sgd", "optimiser.learning_rate=0.05"]),
        ("no cleaning", "densevoxnet", ["cleaning.min_component=0.0", "cleaning.fill_holes=false"]),
    ],
    "level_set": [
        ("plain cross-entropy, two networks", "densevoxnet", []),
        ("as chosen", "deep-level-set", []),
        ("alpha 1, gamma 0.5", "deep-level-set",
         ["deep-level-set.evolution.alpha=1.0", "deep-level-set.evolution.gamma=0.5"]),
        ("not anchored to the label", "deep-level-set", ["deep-level-set.anchor=0.0"]),
        ("one late revision", "deep-level-set", ["deep-level-set.revisions=[0.7]"]),
    ],
}  # fmt: skip


def main() -> None:
    """Run one experiment and print, and write down, its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--xi", default="0.3,0.5")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--store", type=Path, default=Path("development"))
    parser.add_argument("--only", default="", help="variants whose name contains this")
    parser.add_argument("--set", action="append", default=[], help="further settings for all variants")
    words = parser.parse_args()
    store = Store(words.store)
    header = ["variant", *[f"{what} ξ {xi}" for xi in shares(words.xi) for what in ("overall", "Dice")]]
    rows: list[list[object]] = []
    with store.locked():
        for name, contestant, changes in EXPERIMENTS[words.experiment]:
            if words.only in name:
                rows.append([name, *_measured(words, store, contestant, [*words.set, *changes])])
                say("  ".join(map(str, rows[-1])))
                _keep(words, header, rows[-1])
    say(table([[str(cell) for cell in row] for row in rows], header))


def _keep(words: argparse.Namespace, header: list[str], row: list[object]) -> None:
    """Write one variant into the experiment's table at once: what was measured outlives an interruption."""
    out = Path(__file__).parents[2] / "results" / "reference" / "development" / f"{words.experiment}.csv"
    out.parent.mkdir(parents=True, exist_ok=True)
    titles = [*header, "seeds", "recipe", "commit"]
    kept: dict[str, list[object]] = {}
    if out.is_file():
        with out.open(newline="", encoding="utf-8") as file:
            before = list(csv.reader(file))
        kept = {line[0]: list(line) for line in before[1:] if before[0] == titles}
    kept[str(row[0])] = [*row, words.seeds, words.recipe, provenance.commit()]
    with out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([titles, *kept.values()])


def _measured(words: argparse.Namespace, store: Store, contestant: str, changes: list[str]) -> list[float]:
    """Mean overall score and mean Dice at each ξ, over test cases, structures and seeds."""
    chosen = recipe(words.recipe, [DEVELOPMENT, *changes], classes())
    chosen = resolved(chosen, device="cpu", native_bfloat16=has_native_bfloat16())
    dataset = open_dataset("phantom-heart", chosen.data, store.workshop)
    remember(dataset, store.workshop)
    xis = tuple(shares(words.xi))
    sweep = Sweep(chosen, (free_part((contestant,), xis, chosen),), seeds_of(words.seeds, 1), (dataset,))
    wanted = [stage for stage in sweep.stages() if _role(stage) == "student"]
    engine = LocalEngine(store, run=sweep.run, device="cpu", jobs=words.jobs, threads=chosen.compute.threads)
    run(in_order(wanted), store, engine, lambda _state: None, rows=planned_rows)
    figures = []
    for xi in xis:
        here = [stage for stage in wanted if stage.spec.identity.xi == xi]
        found = [row for stage in here for row in record.read(store.folder(stage.key) / "records.csv")]
        for metric in ("overall", "dice"):
            values = [row.value for row in found if row.metric == metric and row.value is not None]
            figures.append(round(fmean(values), 3))
    return figures


def _role(stage: Stage) -> str:
    return stage.spec.identity.role if stage.kind == "scores" else ""


if __name__ == "__main__":
    main()
