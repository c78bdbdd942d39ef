"""ξ as people write it, and the quotas and nested splits that come of it."""

import time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.data.split import manual_cases, quota, shares
from bench.errors import UsageError

CASES = [f"case_{number:02d}" for number in range(20)]
GOLDEN = ("case_04", "case_05", "case_09", "case_15", "case_19")
XI = st.decimals("0.01", "0.99", places=2).map(str)


def test_the_papers_range_is_nine_exact_decimals():
    assert shares("0.1:0.9") == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3", ["0.3"]),
        ("0.30", ["0.3"]),
        (" .5 ", ["0.5"]),
        ("0.7,0.3,0.30", ["0.3", "0.7"]),
        ("0.1:0.9:0.4", ["0.1", "0.5", "0.9"]),
        ("0.1:0.4:0.2", ["0.1", "0.3"]),
        ("0.5:0.5", ["0.5"]),
        ("0.1:0.3,0.25", ["0.1", "0.2", "0.25", "0.3"]),
        ("5e-2", ["0.05"]),
    ],
)
def test_shares_come_ascending_each_once_as_plain_decimals(text, expected):
    assert shares(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ",", "0.3,", "abc", "0", "1", "1.0", "1.5", "-0.1", "nan", "inf", "sNaN", "0.9:0.1", "0.1:", ":0.9",
        "0.1:0.9:0", "0.1:0.9:-0.1", "0.1:0.5:0.9:1", "0,3", "0.1-0.9", "30%", "0.1:0.9:0.000001",
    ],
)  # fmt: skip
def test_what_is_no_share_between_0_and_1_is_refused_with_the_value_and_the_grammar(text):
    with pytest.raises(UsageError) as caught:
        shares(text)
    assert "ξ" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["0.1:0.9:1e-5000", "0.1:0.9:1e-99999", "1e-999999", "1e-99999999"])
def test_a_share_too_small_to_be_meant_is_refused_at_once(text):
    began = time.process_time()
    with pytest.raises(UsageError):
        shares(text)
    assert time.process_time() - began < 1


@given(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet="0123456789.:,-+eE nNaif_", max_size=16),
        st.lists(XI, min_size=1, max_size=4).map(":".join),
    )
)
@example("0.1:0.9")
@example("0.5:0.5:0.1,0.2")
def test_any_text_is_refused_in_a_sentence_or_gives_shares_inside_0_and_1(text):
    try:
        found = shares(text)
    except UsageError:
        return
    assert found
    assert all(0 < Decimal(share) < 1 for share in found)
    assert found == sorted(set(found), key=Decimal)


@pytest.mark.parametrize(
    ("xi", "num_cases", "expected"),
    [
        ("0.25", 10, 3), ("0.35", 10, 4), ("0.45", 10, 5), ("0.24", 10, 2), ("0.1", 10, 1), ("0.9", 10, 9),
        ("0.01", 10, 1), ("0.99", 10, 9), ("0.05", 3, 1), ("0.99", 2, 1), ("0.3", 45, 14), ("1.0", 10, 10),
    ],
)  # fmt: skip
def test_a_quota_is_rounded_half_up_and_leaves_at_least_one_on_each_side(xi, num_cases, expected):
    assert quota(xi, num_cases) == expected


@given(XI, XI, st.integers(0, 10_000), st.integers(2, 20))
def test_the_manual_cases_of_a_smaller_share_are_among_those_of_a_larger(one, other, seed, num_cases):
    low, high = sorted((one, other), key=Decimal)
    few = manual_cases(CASES[:num_cases], low, dataset="d", seed=seed)
    many = manual_cases(CASES[:num_cases], high, dataset="d", seed=seed)
    assert set(few) <= set(many) < set(CASES[:num_cases])
    assert len(few) == quota(low, num_cases)


def test_a_split_is_drawn_from_the_name_and_the_seed_and_not_from_the_order_of_the_cases():
    first = manual_cases(CASES, "0.3", dataset="d", seed=0)
    assert first == manual_cases(CASES[::-1], "0.3", dataset="d", seed=0)
    assert first != manual_cases(CASES, "0.3", dataset="d", seed=1)
    assert first != manual_cases(CASES, "0.3", dataset="e", seed=0)


def test_every_case_is_manual_for_some_seed():
    seen = {case for seed in range(100) for case in manual_cases(CASES, "0.1", dataset="d", seed=seed)}
    assert seen == set(CASES)


def test_the_split_of_seed_0_is_this_one_on_every_machine():
    assert manual_cases(CASES, "0.25", dataset="phantom-heart", seed=0) == GOLDEN
