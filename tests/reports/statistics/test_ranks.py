from __future__ import annotations

import pandas as pd
import pytest

from reports.statistics.ranks import ranks, student_confidence


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


def test_few_cases_ask_for_more_confidence_and_many_for_no_more():
    found = [student_confidence(0.95, cases) for cases in (2, 5, 10, 1000)]
    assert found == sorted(found, reverse=True)
    assert found[1:] == pytest.approx([0.9981, 0.9829, 0.9503], abs=2e-4)
    assert found[0] <= 1


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
