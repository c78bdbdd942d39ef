from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_1samp

from reports.statistics.intervals import mean_interval
from reports.statistics.values import paired, table_of, values_of
from reports.statistics.variance import Table, ratio_bounds, spread


def values(table):
    """``{seed: {case: value}}`` as a frame."""
    return pd.DataFrame(
        [(seed, seed, case, value) for seed, of_case in table.items() for case, value in of_case.items()],
        columns=["seed", "split", "case", "value"],
    )


def crossed(seed_effects, case_effects):
    return values(
        {
            str(s): {f"case {c}": s_effect + c_effect for c, c_effect in enumerate(case_effects)}
            for s, s_effect in enumerate(seed_effects)
        }
    )


def drawn(rng, seeds, cases, *, of_seed=0.0, of_case=0.0, of_rest=0.0):
    """A table of seeds S and cases C with effects of these standard deviations, around zero."""
    seed_s, case_c = of_seed * rng.standard_normal(seeds), of_case * rng.standard_normal(cases)
    return seed_s[:, None] + case_c + of_rest * rng.standard_normal((seeds, cases))


def frame(table_sc):
    return values({str(s): dict(enumerate(map(float, row))) for s, row in enumerate(table_sc)})


def test_cases_are_averaged_before_seeds():
    found = mean_interval(values({"0": {"a": 0.0, "b": 1.0}, "1": {"c": 2.0}}))
    assert found.mean == pytest.approx(1.25)
    assert (found.cases, found.seeds) == (3, 2)


def test_of_one_seed_interval_and_p_are_those_of_students_t_over_cases():
    effects = np.linspace(-1, 1.4, 12)
    found, expected = mean_interval(crossed([0.0], effects)), ttest_1samp(effects, 0.0)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.seeds, found.over, found.no_verdict) == (1, "over cases only", "one seed: no verdict")


def test_where_only_seeds_differ_they_are_the_unit_however_many_cases_there_are():
    effects = np.array([0.1, 0.3, 0.2])
    expected = ttest_1samp(effects, 0.0)
    for cases in (3, 30):
        found = mean_interval(crossed(effects, [0.0] * cases))
        assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
        assert found.p == pytest.approx(expected.pvalue)


def test_where_only_cases_differ_more_seeds_narrow_nothing():
    # Were the cases of each of four seeds drawn apart, the interval would be half as wide.
    effects = np.linspace(-1, 1, 12)
    four, nine = (mean_interval(crossed([0.0] * seeds, effects)) for seeds in (4, 9))
    expected = effects.std(ddof=1) / np.sqrt(12)
    assert four.high == pytest.approx(t.isf(0.025, 3) * expected)
    assert nine.high == pytest.approx(t.isf(0.025, 8) * expected)


def test_where_each_seed_has_cases_of_its_own_the_means_of_seeds_hold_all():
    rng = np.random.default_rng(0)
    table = values({str(s): {f"{s} {c}": rng.normal(0.3) for c in range(9)} for s in range(4)})
    expected = ttest_1samp(table.groupby("seed")["value"].mean(), 0.0)
    found = mean_interval(table)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert (found.cases, found.p) == (36, pytest.approx(expected.pvalue))


def test_the_variance_of_a_mean_of_seeds_and_cases_is_the_sum_of_both():
    rng, of_trials = np.random.default_rng(1), []
    for _ in range(400):
        table = drawn(rng, 6, 12, of_seed=0.5, of_case=1.0, of_rest=0.8)
        of_trials.append(spread(table_of(frame(table).assign(method=""))).variance_m[0])
    assert np.mean(of_trials) == pytest.approx(0.5**2 / 6 + 1.0**2 / 12 + 0.8**2 / 72, rel=0.1)


@pytest.mark.parametrize(
    ("of_seed", "of_case", "of_rest"), [(0.55, 0.3, 1.23), (0.08, 0.1, 0.3), (1.0, 0.0, 0.3), (0.0, 1.0, 0.5)]
)
def test_at_least_92_of_100_intervals_of_three_seeds_hold_the_truth(of_seed, of_case, of_rest):
    """The truth is zero over new seeds and cases."""
    rng = np.random.default_rng(2)
    tables = np.stack(
        [drawn(rng, 3, 20, of_seed=of_seed, of_case=of_case, of_rest=of_rest) for _ in range(2000)]
    )
    trials = Table(tuple(map(str, range(len(tables)))), tables)
    found = spread(trials)
    held = np.abs(trials.mean_m) <= t.isf(0.025, found.freedom) * np.sqrt(found.variance_m)
    assert held.mean() >= 0.92


def test_an_interval_excludes_zero_exactly_where_p_is_below_5_percent():
    rng = np.random.default_rng(3)
    found = [
        mean_interval(frame(0.2 + drawn(rng, seeds, 8, of_seed=0.1, of_case=0.2, of_rest=0.3)))
        for seeds in (1, 2, 3, 5)
        for _ in range(40)
    ]
    excluded = [one.low > 0 or one.high < 0 for one in found]
    assert excluded == [one.p < 0.05 for one in found]
    assert 10 < sum(excluded) < 150


def test_a_seed_is_drawn_with_all_its_shares():
    """An average over ξ that share the luck of a seed is not as sure as one over independent trainings."""
    rng = np.random.default_rng(4)
    luck_s = rng.standard_normal(5)
    shared = [luck_s[:, None] + 0.1 * rng.standard_normal((5, 9)) for _ in range(9)]
    apart = [rng.standard_normal((5, 1)) + 0.1 * rng.standard_normal((5, 9)) for _ in range(9)]
    one, together = mean_interval(frame(shared[0])), mean_interval(frame(np.mean(shared, axis=0)))
    assert together.high - together.low == pytest.approx(one.high - one.low, rel=0.1)
    independent = mean_interval(frame(np.mean(apart, axis=0)))
    assert independent.high - independent.low < 0.7 * (one.high - one.low)


def test_cases_that_only_some_seeds_have_count_in_their_seeds():
    table = values({"0": {"a": 0.1, "b": 0.3}, "1": {"b": 0.3, "c": 0.2}, "2": {"c": 0.2, "a": 0.1}})
    found = mean_interval(table)
    assert found.mean == pytest.approx(0.2)
    assert found.low < 0.2 < found.high


def test_where_some_cases_recur_the_interval_holds_the_truth():
    rng, held = np.random.default_rng(5), 0
    for _ in range(300):
        case_c, table = rng.standard_normal(10), {}
        for seed in range(4):
            own = rng.choice(10, 7, replace=False)
            luck = 0.3 * rng.standard_normal()
            table[str(seed)] = {int(c): luck + case_c[c] + 0.5 * rng.standard_normal() for c in own}
        found = mean_interval(values(table))
        held += found.low <= 0 <= found.high
    assert held / 300 >= 0.92


def test_the_interval_of_a_ratio_holds_the_true_ratio_and_nothing_where_the_base_may_be_zero():
    rng, held = np.random.default_rng(6), 0
    for _ in range(200):
        base = 1.0 + drawn(rng, 4, 10, of_seed=0.1, of_case=0.2, of_rest=0.2)
        top = 0.4 * base + drawn(rng, 4, 10, of_seed=0.1, of_case=0.1, of_rest=0.2)
        low, high = ratio_bounds(top, base)
        held += low <= 0.4 <= high
    assert held / 200 >= 0.92
    assert ratio_bounds(top, base - 1.0) is None


def test_the_interval_of_a_ratio_to_a_constant_is_that_of_the_mean():
    rng = np.random.default_rng(7)
    top = drawn(rng, 3, 9, of_seed=0.1, of_case=0.2, of_rest=0.3)
    mean = mean_interval(frame(top))
    assert ratio_bounds(top, np.full_like(top, 2.0)) == pytest.approx((mean.low / 2, mean.high / 2), abs=1e-8)


def test_one_case_has_no_interval():
    found = mean_interval(values({"0": {"a": 0.4}, "1": {"a": 0.6}}))
    assert (found.mean, found.low, found.high, found.p) == (0.5, None, None, None)


def test_what_is_only_rounding_of_the_machine_is_zero():
    third = mean_interval(values({"0": {"a": 0.1 + 0.2 - 0.3, "b": 0.1 + 0.2 - 0.3}}))
    assert (third.low, third.high, third.p) == (0.0, 0.0, 1.0)


def test_a_difference_that_is_the_same_everywhere_has_no_spread():
    found = mean_interval(crossed([0.1 + 0.2] * 3, [0.0] * 4))
    assert (found.low, found.high, found.p) == (0.3, 0.3, 0.0)


def test_the_interval_is_the_same_in_any_order_of_rows():
    table = crossed([0.0, 0.3], [0.1, 0.5, 0.2])
    assert mean_interval(table) == mean_interval(table.sample(frac=1, random_state=3))


def test_less_confidence_is_a_narrower_interval():
    table = crossed([0.0, 0.3], [0.1, 0.5, 0.2, 0.9])
    wide, narrow = mean_interval(table), mean_interval(table, confidence=0.9)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (values({}), "there is no value"),
        (values({"0": {"a": 0.1, "b": float("nan")}}), "1 of 2 values are absent"),
        (pd.concat([values({"0": {"a": 0.1}})] * 2), "a case stands twice"),
    ],
)
def test_a_mean_over_less_than_everything_is_refused(broken, sentence):
    with pytest.raises(ValueError, match=sentence):
        mean_interval(broken)


def test_values_are_paired_by_seed_split_and_case():
    one = values({"0": {"a": 0.9, "b": 0.5}, "1": {"a": 0.8}})
    other = values({"1": {"a": 0.5, "c": 0.1}, "0": {"b": 0.1, "a": 0.2}})
    found = paired(one, other).set_index(["seed", "case"])["value"]
    assert found.to_dict() == pytest.approx({("0", "a"): 0.7, ("0", "b"): 0.4, ("1", "a"): 0.3})


def test_a_measure_of_case_scores_becomes_values():
    scores = pd.DataFrame({"seed": ["0"], "split": ["7"], "case": ["a"], "dice": [0.5], "adb": [1.0]})
    assert values_of(scores, "dice").to_dict("records") == [
        {"seed": "0", "split": "7", "case": "a", "value": 0.5}
    ]
