"""What a planned sweep says of itself: what it compares, what is there already, what it costs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cli import console
from bench.execution import scheduler
from bench.plan.stage_builder import Cell
from bench.plugins.methods import classes
from bench.store import provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plan.estimate import Estimate, Sums, UnitCostSources
    from bench.plan.experiments import Part
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage
    from bench.store.store import Store

WIDTH = 80


def say_methods(parts: tuple[Part, ...]) -> None:
    """Which methods, and of how many."""
    every = [one.method.name for part in parts for one in (*part.students, *part.supervised)]
    names = list(dict.fromkeys(every))
    ablations = len({one.variant for part in parts for one in part.students if one.variant})
    more = f"; {ablations} ablations" if ablations else ""
    listed = ", ".join(names) or "none but the teachers"
    console.say(f"methods  {len(names)} of {len(classes())}: {listed}{more}")


def say_plan(sweep: Sweep, stages: Sequence[Stage], store: Store, left_out: Sequence[str]) -> None:
    """Data, ξ, seeds, recipe, and the stages with how many are there."""
    for sentence in left_out:
        console.say(f"left out {sentence}")
    for dataset in sweep.datasets:
        cases = f"{len(dataset.train)} training, {len(dataset.test)} test cases"
        _say("data", f"{dataset.name}: {cases}; {', '.join(dataset.structures)}")
    for leak in sweep.allowed_leaks:
        console.say(f"leak     {leak.dataset}: {leak.note.sentence}")
    seeds = ", ".join(map(str, sweep.seeds))
    if sweep.experiments:
        console.say(f"paper    {', '.join(sweep.experiments)}")
    console.say(f"sweep    ξ {', '.join(sweep.xis)} · seeds {seeds}")
    say_other_shares(sweep)
    if sweep.noises:
        console.say(f"noise    {', '.join(sweep.noises)}, in place of pseudo labels")
    console.say(f"recipe   {sweep.recipe.name} · {sweep.recipe.compute.precision} · run {sweep.run}")
    say_power(power_of(sweep))
    say_gaps(gaps_known(sweep))
    counted = scheduler.summary(stages, store)
    parts = [f"{n['stages']} {kind}" for kind, n in counted.items()]
    cached = sum(n["cached"] for n in counted.values())
    _say("stages", f"{len(stages)} ({', '.join(parts)}), {cached} there already")
    half_made = {stage.key for stage in stages} & set(store.checkpointed()) - store.finished()
    if half_made:
        goes = "goes" if len(half_made) == 1 else "go"
        console.say(f"         {len(half_made)} of them {goes} on from a checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The differences that a plan resolves, or why it decides nothing."""

    no_verdict: str  # why nothing; empty where it can
    resolves: dict[str, dict[str, float]]  # data set -> measure -> the difference that is resolved


def power_of(sweep: Sweep) -> Power:
    """What the plan can decide: why nothing, or what difference it resolves on each data set."""
    from reports.statistics.evidence import no_verdict
    from reports.statistics.power import TARGETS, committed_for, resolved

    seeds, recipe = len(sweep.seeds), sweep.recipe
    resolves: dict[str, dict[str, float]] = {}
    for dataset in sweep.datasets:
        below = [xi for xi in sweep.xis if float(xi) < 1]
        shares = len(Cell.of(recipe, dataset, sweep.seeds[0]).different(below)) or 1
        known = {name: committed_for(dataset.name, recipe.name, name) for name in TARGETS}
        resolves[dataset.name] = {
            name: resolved(one, seeds=seeds, cases=len(dataset.test), shares=shares)
            for name, one in known.items()
            if one and seeds > 1 and len(dataset.test) > 1
        }
    return Power(no_verdict=no_verdict(seeds), resolves=resolves)


def say_power(power: Power) -> None:
    """What the plan can decide, in a line a data set."""
    from reports.statistics.evidence import MORE_SEEDS
    from reports.statistics.power import UNITS

    if power.no_verdict:
        _say("decides", f"nothing: {power.no_verdict}; {MORE_SEEDS}")
        return
    for name, found in power.resolves.items():
        if found:
            amounts = ", ".join(f"{number:.2g} {UNITS[measure]}" for measure, number in found.items())
            _say(
                "decides", f"{name}: this plan resolves about {amounts} between two methods, with 80 % power"
            )
        else:
            _say("decides", f"{name}: what this plan resolves is not known, for want of committed variances")


def gaps_known(sweep: Sweep) -> dict[str, dict[str, object]]:
    """Data set -> the measured gap between labelled-only and full of each ξ, and where it was measured."""
    from reports.statistics.measured_gaps import gaps_of

    found = {dataset.name: gaps_of(dataset.name) for dataset in sweep.datasets}
    return {name: gaps for name, gaps in found.items() if gaps}


def say_gaps(known: dict[str, dict[str, object]]) -> None:
    """How much there is to gain on each data set, in a line; nothing where nobody measured it."""
    from reports.statistics.measured_gaps import words_of

    for name, gaps in known.items():
        each = ", ".join(words_of(gaps))
        _say("gap", f"{name}, labelled-only to full in Dice: ξ {each} ({gaps['source']})")


def say_other_shares(sweep: Sweep) -> None:
    """Each ξ that is another ξ on a data set."""
    for name, phrases in sweep.other_shares().items():
        on = f"{name}: " if len(sweep.datasets) > 1 else ""
        _say("ξ", f"{on}{'; '.join(phrases)}")


def _say(name: str, text: str) -> None:
    """A named part of the plan, in lines of 80 columns under one another."""
    lines = textwrap.wrap(text, WIDTH - 9, break_on_hyphens=False, break_long_words=False)
    for number, line in enumerate(lines):
        console.say(f"{name if number == 0 else '':9}{line}")


def say_cost(cost: Estimate) -> None:
    """The cost in a few lines."""
    whole, left, jobs = cost.whole, cost.left, cost.jobs
    console.say(f"cost     {_amount(whole)}")
    if left != whole:
        console.say(f"left     {left.stages} stages: {_amount(left)}" if left.stages else "left     nothing")
    if whole.hours is None:
        console.say("time     not known: nothing like it was measured on such a device")
        return
    at_once = f"{jobs} job{'s' if jobs > 1 else ''} at a time"
    console.say(f"time     about {_duration(whole.hours)}, {at_once}")
    if left.stages and left != whole and left.hours is not None:
        console.say(f"         about {_duration(left.hours)} of it left")
    for words in _sources(cost.unit_costs):
        console.say(f"         {words}")


def _amount(sums: Sums) -> str:
    return f"{sums.network_steps:,} network steps, {sums.network_passes:,} network passes"


def _duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours:,.0f} hours ({hours / 24:,.0f} days)"
    if hours >= 1:
        return f"{hours:,.1f} hours"
    return f"{hours * 60:.0f} minutes" if hours * 60 >= 1.5 else "a minute"


def _sources(unit_costs: UnitCostSources) -> list[str]:
    """Who says so, a line each."""
    words = {
        "store": "by stages alike in this store",
        "table": "by measured unit costs",
        "guess": "by the measured unit costs most alike",
    }
    shares, table = unit_costs.share_of_time, unit_costs.table
    lines = [f"{shares[name]:.0%} {text}" for name, text in words.items() if shares.get(name, 0) >= 0.005]
    if table:
        lines.append(f"measured {table.when} on {table.processor}")
        if table.processor != provenance.machine()["processor"]:
            lines.append("which is another processor than this one")
    return lines
