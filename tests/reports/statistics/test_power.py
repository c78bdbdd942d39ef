from __future__ import annotations

import json

import numpy as np
import pytest

from reports.statistics import power
from reports.statistics.power import Components, committed, resolved, seeds_needed
from reports.statistics.variance import Table, spread


def components(seed=0.0, case=0.0, rest=0.0, shared=(0.0, 0.0, 0.0)):
    return Components("heart", "quick", "dice", seed, case, rest, *shared, "a test")


def test_what_a_plan_resolves_is_found_with_a_power_of_80_percent():
    known, rng = components(0.02**2, 0.01**2, 0.04**2), np.random.default_rng(0)
    for seeds in (4, 8):
        difference = resolved(known, seeds=seeds, cases=20, shares=1)
        trials = difference + (
            0.02 * rng.standard_normal((4000, seeds, 1))
            + 0.01 * rng.standard_normal((4000, 1, 20))
            + 0.04 * rng.standard_normal((4000, seeds, 20))
        )
        table = Table(tuple(map(str, range(4000))), trials)
        found = np.mean(table.mean_m > spread(table).half_width_m())
        assert found == pytest.approx(0.8, abs=0.06)


def test_the_seeds_needed_are_the_fewest_that_resolve_the_target():
    known = components(0.02**2, 0.002**2, 0.03**2)
    seeds = seeds_needed(known, 0.01, cases=30, shares=1)
    assert resolved(known, seeds=seeds, cases=30, shares=1) <= 0.01
    assert resolved(known, seeds=seeds - 1, cases=30, shares=1) > 0.01


def test_three_seeds_are_the_fewest_and_no_seeds_help_where_cases_differ_too_much():
    assert seeds_needed(components(rest=1e-9), 0.01, cases=30, shares=1) == 3
    assert seeds_needed(components(case=1.0), 0.01, cases=10, shares=1) is None


def test_more_shares_help_as_far_as_they_say_something_new():
    apart, alike = components(1.0), components(1.0, shared=(1.0, 1.0, 1.0))
    one, nine = (resolved(apart, seeds=3, cases=10, shares=shares) for shares in (1, 9))
    assert nine == pytest.approx(one / 3)
    assert resolved(alike, seeds=3, cases=10, shares=9) == pytest.approx(one)


def test_one_seed_resolves_nothing():
    with pytest.raises(ValueError, match="1 seeds of 10 cases resolve nothing"):
        resolved(components(1.0), seeds=1, cases=10, shares=1)


def test_what_is_committed_can_be_read_and_is_replaced_by_name(tmp_path, monkeypatch):
    assert all(one.source for one in committed())  # of recipes as they are now; none is measured yet
    path = tmp_path / "components.json"
    monkeypatch.setattr(power, "_COMMITTED", path)
    power.write([components(1.0)], path)
    power.write([components(2.0)], path)
    assert [one["seed"] for one in json.loads(path.read_text())["components"]] == [2.0]
    assert power.committed_for("heart", "quick", "dice") == components(2.0)
    assert power.committed_for("heart", "other", "dice") is None
