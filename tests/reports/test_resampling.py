from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from reports.resampling import (
    holm,
    mean_interval,
    paired,
    ranks,
    sign_flips,
    student_confidence,
    values_of,
)


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


def test_cases_are_averaged_before_seeds():
    found = mean_interval(values({"0": {"a": 0.0, "b": 1.0}, "1": {"c": 2.0}}))
    assert found.mean == pytest.approx(1.25)
    assert (found.cases, found.seeds) == (3, 2)


def test_the_interval_of_one_seed_is_that_of_students_t_over_cases():
    case_effects = np.linspace(-1, 1, 12)
    found = mean_interval(crossed([0.0], case_effects))
    expected = t.ppf(0.975, 11) * case_effects.std(ddof=1) / np.sqrt(12)
    assert (found.low, found.high) == pytest.approx((-expected, expected), rel=0.08)
    assert found.seeds == 1


def test_the_plain_interval_is_the_bootstrap_over_cases_and_narrower():
    case_effects = np.linspace(-1, 1, 12)
    found = mean_interval(crossed([0.0], case_effects), widened=False)
    expected = 1.96 * case_effects.std() / np.sqrt(12)
    assert (found.low, found.high) == pytest.approx((-expected, expected), rel=0.05)


def test_few_cases_ask_for_more_confidence_and_many_for_no_more():
    found = [student_confidence(0.95, cases) for cases in (2, 5, 10, 1000)]
    assert found == sorted(found, reverse=True)
    assert found[1:] == pytest.approx([0.9981, 0.9829, 0.9503], abs=2e-4)
    assert found[0] <= 1


def test_the_number_of_cases_widens_and_the_number_of_seeds_does_not():
    case_effects = np.linspace(-1, 1, 8)
    asked = student_confidence(0.95, 8)
    for seeds in ([0.0], [0.0, 0.1, 0.2]):
        table = crossed(seeds, case_effects)
        assert mean_interval(table) == mean_interval(table, confidence=asked, widened=False)


def test_no_interval_reaches_beyond_the_worst_and_the_best_case():
    found = mean_interval(crossed([0.0], [0.1, 0.4]))
    assert (found.low, found.high) == (0.1, 0.4)


def test_a_recurring_case_stays_as_hard_under_every_seed():
    # Were the cases of each of four seeds drawn apart, the interval would be half as wide.
    case_effects = np.linspace(-1, 1, 12)
    one, four = mean_interval(crossed([0.0], case_effects)), mean_interval(crossed([0.0] * 4, case_effects))
    assert four.high - four.low == pytest.approx(one.high - one.low, rel=0.05)


def test_cases_of_their_own_in_every_seed_narrow_the_interval():
    case_effects = np.linspace(-1, 1, 12)
    apart = values({str(s): {f"{s} {c}": v for c, v in enumerate(case_effects)} for s in range(4)})
    one = mean_interval(crossed([0.0], case_effects), widened=False)
    four = mean_interval(apart, widened=False)
    assert four.high - four.low == pytest.approx((one.high - one.low) / 2, rel=0.05)


def test_the_spread_over_seeds_is_in_the_interval():
    seed_effects = np.linspace(-1, 1, 9)
    found = mean_interval(crossed(seed_effects, [0.0] * 5), widened=False)
    assert found.high == pytest.approx(1.96 * seed_effects.std() / 3, rel=0.05)


def test_cases_that_only_some_seeds_have_are_drawn_jointly():
    table = values({"0": {"a": 0.1, "b": 0.3}, "1": {"b": 0.3, "c": 0.2}, "2": {"c": 0.2, "a": 0.1}})
    found = mean_interval(table)
    assert found.mean == pytest.approx(0.2)
    assert 0.1 <= found.low < 0.2 < found.high <= 0.3


def test_one_case_has_no_interval():
    found = mean_interval(values({"0": {"a": 0.4}, "1": {"a": 0.6}}))
    assert (found.mean, found.low, found.high) == (0.5, None, None)


def test_what_is_only_rounding_of_the_machine_is_zero():
    third = values({"0": {"a": 0.1 + 0.2 - 0.3, "b": 0.1 + 0.2 - 0.3}})
    assert (mean_interval(third).low, mean_interval(third).high) == (0.0, 0.0)


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


def test_p_is_the_share_of_sign_flips_that_are_as_extreme():
    differences = np.array([0.3, 0.1, 0.25, -0.05, 0.4])
    means = [np.mean(signs * differences) for signs in itertools.product((-1, 1), repeat=5)]
    expected = np.mean(np.abs(means) >= differences.mean() - 1e-12)
    found = sign_flips(crossed([0.0], differences))
    assert found.p == pytest.approx(expected)
    assert found.smallest == 2 / 2**5


def test_differences_of_one_sign_reach_the_smallest_p_and_seeds_are_no_further_cases():
    found = sign_flips(crossed([0.01, 0.02, 0.03], [0.1, 0.2, 0.3, 0.4]))
    assert found.p == found.smallest == 2 / 2**4
    assert found.cases == 4


def test_many_cases_are_flipped_at_random_and_their_smallest_p_says_so():
    found = sign_flips(crossed([0.0], np.linspace(0.1, 1, 40)))
    assert found.p == found.smallest == 2 / 10_000


def test_no_difference_has_no_evidence():
    assert sign_flips(crossed([0.0], [0.0] * 5)).p == 1
    assert sign_flips(crossed([0.0], [0.1 + 0.2 - 0.3] * 5)).p == 1


def test_holm_multiplies_the_smallest_by_the_number_tested():
    assert holm([0.04, None, 0.01]) == [0.04, None, 0.02]
    assert holm([None]) == [None]


def methods(**of_method):
    return pd.concat([crossed(*effects).assign(method=name) for name, effects in of_method.items()])


def test_a_method_that_always_wins_is_first_beyond_doubt_and_equals_share_their_rank():
    cases = [0.1, 0.5, 0.9, 0.3]
    better = [case + 0.2 for case in cases]
    found = ranks(methods(tie=([0, 0.1], cases), winner=([0, 0.1], better), equal=([0, 0.1], cases)))
    rows = found.set_index("method")[["rank", "low", "high"]]
    assert rows.loc["winner"].tolist() == [1, 1, 1]
    assert rows.loc["tie"].tolist() == rows.loc["equal"].tolist() == [2.5, 2.5, 2.5]


def test_a_rank_that_hangs_on_the_cases_is_uncertain():
    found = ranks(methods(one=([0.0], [0.1, 0.9, 0.5, 0.2]), two=([0.0], [0.8, 0.1, 0.4, 0.5])))
    assert found[["low", "high"]].to_numpy().tolist() == [[1, 2], [1, 2]]


def test_where_low_is_good_the_lowest_is_first():
    found = ranks(methods(far=([0.0], [9.0, 8.0]), near=([0.0], [1.0, 2.0])), higher_is_better=False)
    assert list(found["method"]) == ["near", "far"]


def test_methods_of_different_cases_have_no_ranks():
    with pytest.raises(ValueError, match="the same seeds and cases"):
        ranks(methods(one=([0.0], [0.1, 0.2]), two=([0.0], [0.1])))
