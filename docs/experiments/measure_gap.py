"""Measure what is left to learn on a data set: full minus labelled-only, for each ξ, at convergence.

    python docs/experiments/measure_gap.py phantom-heart --first-seeds 1000,2000 --seeds 1 --store /somewhere
    python docs/experiments/measure_gap.py decathlon:DIR --xi 0.1,0.3,0.5 --seeds 0,1,2 --steps 2000

`labelled-only` is DenseVoxNet trained on the manual scans of a ξ alone, `full` the same network and steps on all
training scans. A unit is one training seed of one data set (of one `--first-seeds`, where the data set is made
on demand); intervals resample units, crossed with test cases. `pseudo` is the quality of what the labelled-only
network predicts for training scans without a manual label, the same scans at every ξ: those of the largest.
Writes one JSON document. Its trainings stay in the store: the same command with more seeds goes on. What
docs/decisions/0035 cites is in results/reference/development/gap_*.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cli.console import say, table
from bench.data.catalogue import is_made, open_dataset
from bench.data.dataset import remember
from bench.data.split import shares
from bench.execution.local import LocalEngine
from bench.execution.scheduler import run
from bench.files import processor
from bench.plan.recipes import recipe, resolved
from bench.plan.stage_builder import SUPERVISED, Cell
from bench.plan.training_labels import Way
from bench.plan.words import seeds_of
from bench.store import provenance, record
from bench.store.record import planned_rows
from bench.store.stage import Stage, in_order
from bench.store.store import Store
from methods.registry import classes

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAWS = 10_000
Values = dict[tuple[str, str], float]  # (case, structure) -> value
Unit = dict[str, dict[str, Values]]  # what was scored -> metric -> values
Cases = dict[str, dict[str, float]]  # unit -> case -> value


def main() -> None:
    """Train what is missing, then print and write the gap of each ξ."""
    words = _parser().parse_args()
    store, xis = Store(words.store), shares(words.xi)
    firsts = words.first_seeds.split(",") if is_made(words.dataset) else [""]
    units: dict[str, Mapping[str, Stage]] = {}
    with store.locked():
        for first in firsts:
            for seed in seeds_of(words.seeds, 1):
                units[f"{first or words.dataset}/{seed}"] = _plan(words, store, xis, first, seed)
        wanted = in_order([stage for unit in units.values() for stage in unit.values()])
        engine = LocalEngine(store, run="gap", device=words.device, jobs=words.jobs, threads=words.threads)
        run(wanted, store, engine, lambda _state: None, rows=planned_rows)
    found = {
        name: {what: _rows(store, stage) for what, stage in unit.items()} for name, unit in units.items()
    }
    rows = [_summary(xi, found, last=xis[-1]) for xi in xis]
    document = {
        "dataset": words.dataset,
        "steps": words.steps,
        "networks": words.networks,
        "units": list(units),
    }
    document |= {"set": words.set, "commit": provenance.commit(), "xi": rows}
    words.to.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    header = list(rows[0])
    say(table([[str(row[column]) for column in header] for row in rows], header))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", help="a name or KIND:DIR, as --dataset of bench run takes it")
    parser.add_argument("--xi", default="0.3,0.5,0.7")
    parser.add_argument(
        "--seeds", default="1", help="of training and split, how many or which, as bench run takes them"
    )
    parser.add_argument("--first-seeds", default="1000", help="one made data set each; 1000 and up only")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--networks", type=int, default=1, help="averaged, in both references")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("development"))
    parser.add_argument("--to", type=Path, default=Path("gap.json"))
    parser.add_argument("--set", action="append", default=[], help="further settings")
    return parser


def _plan(words: argparse.Namespace, store: Store, xis: list[str], first: str, seed: int) -> dict[str, Stage]:
    """The scores of one unit: `full`, and `xi/…` and `pseudo/…` of each ξ."""
    changes = [
        f"teachers.steps={[words.steps] * words.networks}",
        f"compute.threads={words.threads}",
        *words.set,
    ]
    changes += [f"data.first_seed={first}"] if first else []
    chosen = recipe(words.recipe, changes, classes())
    native = processor.has_native_bfloat16()
    chosen = resolved(chosen, device=words.device, native_bfloat16=native)
    dataset = open_dataset(words.dataset, chosen.data, store.workshop)
    remember(dataset, store.workshop)
    cell = Cell.of(chosen, dataset, seed)
    way = Way(tuple(range(words.networks)), chosen.distillation)
    plan = {}
    for xi in [*xis, SUPERVISED]:
        split = cell.split(xi)
        networks = [cell.teacher(split, xi, member) for member in range(words.networks)]
        trained = networks[0] if words.networks == 1 else cell.ensemble(networks)
        own = {"role": "labelled-only", "method": "teachers"}
        identity = replace(cell.identity(xi), **own)
        plan["full" if xi == SUPERVISED else f"xi/{xi}"] = cell.scores(trained, identity)
        if xi != SUPERVISED:
            plan[f"pseudo/{xi}"] = cell.pseudo_scores(cell.pseudo(xi, networks, way), xi, way)
    return plan


def _rows(store: Store, stage: Stage) -> dict[str, Values]:
    """The values of a scores stage by metric."""
    found: dict[str, Values] = {}
    for row in record.read(store.folder(stage.key) / "records.csv"):
        if row.value is not None:
            found.setdefault(row.metric, {})[row.case, row.structure] = row.value
    return found


def _summary(xi: str, units: Mapping[str, Unit], last: str) -> dict[str, Any]:
    """One ξ: both references, their gap with its interval, and the pseudo labels."""
    row: dict[str, Any] = {"xi": xi}
    for metric, digits in (("dice", 3), ("overall", 2)):
        alone, full, pseudo = (_by_case(units, what, metric) for what in (f"xi/{xi}", "full", f"pseudo/{xi}"))
        gaps = {unit: {case: full[unit][case] - alone[unit][case] for case in alone[unit]} for unit in alone}
        row[f"{metric} labelled-only"] = round(_mean(alone), digits)
        row[f"{metric} full"] = round(_mean(full), digits)
        row[f"{metric} gap"] = [round(value, digits) for value in (_mean(gaps), *_interval(gaps))]
        row[f"{metric} gap by unit"] = [round(fmean(cases.values()), digits) for cases in gaps.values()]
        withheld = _by_case(units, f"pseudo/{last}", metric)
        shared = {unit: {case: pseudo[unit][case] for case in withheld[unit]} for unit in pseudo}
        row[f"{metric} pseudo"] = round(_mean(shared), digits)
    return row


def _by_case(units: Mapping[str, Unit], what: str, metric: str) -> Cases:
    """Unit -> case -> mean over structures."""
    found: Cases = {}
    for unit, scored in units.items():
        values: dict[str, list[float]] = {}
        for (case, _), value in scored[what][metric].items():
            values.setdefault(case, []).append(value)
        found[unit] = {case: fmean(some) for case, some in values.items()}
    return found


def _mean(cases: Cases) -> float:
    return fmean(fmean(values.values()) for values in cases.values())


def _interval(gaps: Cases) -> tuple[float, float]:
    """Of 95 %: units drawn with replacement, and the cases of their data set, the same for all its units."""
    rng = np.random.default_rng(0)
    tables: dict[tuple[str, ...], list[list[float]]] = {}
    for cases in gaps.values():
        tables.setdefault(tuple(cases), []).append(list(cases.values()))
    means = []
    for values in tables.values():  # of one data set, (unit, case)
        weights = rng.multinomial(len(values[0]), np.full(len(values[0]), 1 / len(values[0])), size=DRAWS)
        means.append(weights @ np.array(values).T / len(values[0]))
    by_unit = np.hstack(means)
    drawn = rng.multinomial(len(gaps), np.full(len(gaps), 1 / len(gaps)), size=DRAWS)
    low, high = np.quantile((by_unit * drawn).sum(axis=1) / len(gaps), [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
