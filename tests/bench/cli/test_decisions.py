"""What a plan can decide, before it runs; and what share of the gap was closed, when it ends."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.cli.run import summary
from bench.cli.run.text import gaps_known, power_of, say_gaps, say_power
from reports.statistics import measured_gaps, power
from reports.statistics.power import Components

REFERENCE = Path(__file__).parents[3] / "results" / "reference" / "development"


def told(capsys, sweep):
    say_power(power_of(sweep))
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("seeds", "words"), [((0,), "one seed"), ((0, 1), "two seeds")])
def test_a_plan_of_fewer_than_three_seeds_says_that_it_decides_nothing(capsys, tiny_lab, seeds, words):
    sweep = dataclasses.replace(tiny_lab.plan("densevoxnet", "tsman"), seeds=seeds)
    assert told(capsys, sweep) == [
        f"decides  nothing: {words}: no verdict; `--seeds 3` is the fewest that decides"
    ]
    assert power_of(sweep)["no_verdict"] == f"{words}: no verdict"


def test_a_plan_says_what_it_resolves_where_the_variances_are_committed(capsys, tiny_lab, monkeypatch):
    sweep = dataclasses.replace(tiny_lab.plan("densevoxnet", "tsman"), seeds=(0, 1, 2))
    unknown = told(capsys, sweep)[0]
    assert unknown.startswith("decides  spheres: what this plan resolves is not known")
    known = [
        Components("spheres", sweep.recipe.name, name, sd**2, 0.0, 0.0, 1.0, 1.0, 1.0, "a test")
        for name, sd in (("overall", 0.03), ("dice", 0.003))
    ]
    monkeypatch.setattr(power, "committed", lambda: known)
    found = power_of(sweep)["resolves"]["spheres"]
    # Two test cases: t of one degree of freedom, (12.706 + 1.376) sd / sqrt(3).
    assert found == pytest.approx(
        {"overall": 14.08 * 0.03 / 3**0.5, "dice": 14.08 * 0.003 / 3**0.5}, rel=1e-3
    )
    (said, *rest) = told(capsys, sweep)
    assert said.startswith("decides  spheres: this plan resolves about 0.24 overall, 0.024 Dice")
    assert max(len(line) for line in (said, *rest)) <= 80


def test_a_plan_says_how_much_there_is_to_gain_where_it_was_measured(capsys, tiny_lab, monkeypatch, tmp_path):
    sweep = tiny_lab.plan("densevoxnet")
    say_gaps(gaps_known(sweep))
    assert capsys.readouterr().out == ""
    assert gaps_known(sweep) == {}
    path = tmp_path / "gaps.json"
    measured = [{"xi": "0.7", "dice": [0.01, -0.01, 0.03]}, {"xi": "0.3", "dice": [0.067, 0.03, 0.112]}]
    path.write_text(json.dumps({"gaps": [{"dataset": "spheres", "source": "a test", "xi": measured}]}))
    monkeypatch.setattr(measured_gaps, "_COMMITTED", path)
    say_gaps(gaps_known(sweep))
    said = capsys.readouterr().out
    assert " ".join(said.split()) == (
        "gap spheres, labelled-only to full in Dice: ξ 0.3 0.067, 0.7 nothing to close here (a test)"
    )
    assert max(map(len, said.splitlines())) <= 80
    assert gaps_known(sweep)["spheres"]["dice"] == {"0.3": [0.067, 0.03, 0.112], "0.7": [0.01, -0.01, 0.03]}


@pytest.mark.parametrize("name", ["phantom-heart", "phantom-heart-v1"])
def test_the_gaps_that_plans_print_are_those_of_the_committed_measurement(name):
    kept = json.loads((REFERENCE / f"gap_{name}.json").read_text())
    gaps = measured_gaps.gaps_of(name)
    assert list(gaps["dice"].items()) == [(one["xi"], one["dice gap"]) for one in kept["xi"]]
    assert f"{len(kept['units'])} development trainings of {kept['steps']} steps" == gaps["source"]


def rows(seeds=3, cases=6, *, share=0.5, alone=0.6, full=0.8, noise="none", **changed):
    """Records as the store gives them: the method closes `share` of the gap at one ξ."""
    rng = np.random.default_rng(0)
    for seed in range(seeds):
        for case in map(str, range(cases)):
            reached = alone + share * (full - alone) + 0.01 * rng.standard_normal()
            for role, method, xi, dice in (
                ("labelled-only", "teachers", "0.3", alone), ("student", "tsman", "0.3", reached),
                ("supervised", "tsman", "1.0", full + 0.001 * rng.standard_normal()),
            ):  # fmt: skip
                of = {
                    "dataset": "heart",
                    "noise": "none" if xi == "1.0" else noise,
                    "variant": "",
                    "seed": seed,
                }
                yield SimpleNamespace(
                    **of, role=role, method=method, xi=xi, case=case, metric="dice", structure="wall", value=dice,
                )  # fmt: skip


def closed(monkeypatch, records):
    monkeypatch.setattr(summary.gather, "rows_of", lambda store, keys: records)
    return summary.closed(summary.dice_rows(None, ["scores-1"])).splitlines()


def test_the_end_of_a_run_says_what_share_of_the_gap_each_method_closes(monkeypatch):
    head, line = closed(monkeypatch, list(rows()))
    assert head == "heart: share of the gap from labelled-only to full closed"
    name, share, low, _, high = line.split()
    assert name == "tsman"
    assert float(share) == pytest.approx(0.5, abs=0.05)
    assert float(low.strip("(")) < float(share) < float(high.strip(")"))


def test_of_one_seed_the_share_is_over_cases_only_and_no_verdict(monkeypatch):
    *_, last = closed(monkeypatch, list(rows(seeds=1)))
    assert last == "  one seed: no verdict, the intervals are over cases only"


def test_without_a_gap_there_is_nothing_to_close_and_without_references_nothing_is_said(monkeypatch):
    assert closed(monkeypatch, list(rows(alone=0.8)))[1].split(None, 1)[1] == "nothing to close here"
    assert closed(monkeypatch, [row for row in rows() if row.role != "labelled-only"]) == []


def test_under_injected_noise_the_same_full_stands_above(monkeypatch):
    head, line = closed(monkeypatch, list(rows(noise="markov:0.2")))
    assert head.endswith("closed, noise markov:0.2")
    assert float(line.split()[1]) == pytest.approx(0.5, abs=0.05)


def test_a_failed_case_leaves_no_share(monkeypatch):
    found = list(rows())
    found[1].value = None
    assert closed(monkeypatch, found)[1].split(None, 1)[1] == "not known, a case failed or is absent"


def test_methods_on_the_manual_labels_alone_are_no_part_of_the_gap(monkeypatch):
    before = list(rows())
    others = [
        SimpleNamespace(**{**vars(row), "role": "labelled-only", "value": 0.1})
        for row in before
        if row.role == "student"
    ]
    assert closed(monkeypatch, [*before, *others]) == closed(monkeypatch, before)
