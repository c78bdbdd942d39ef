"""``KIND:RATE``: what is understood, and what is refused with what was expected."""

import pytest

from bench.data.noise import KINDS, kind_of, parse
from bench.data.noise.simulator import Simulator
from bench.errors import UsageError


def test_kinds_and_rates_are_pairs_of_plain_text():
    assert parse("markov:0.10,.2; dilate-erode + swap : 1.0;markov:0.1") == [
        ("markov", "0.1"),
        ("markov", "0.2"),
        ("dilate-erode+swap", "1"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("markvo:0.1", "Did you mean 'markov'"), ("markov", "has no rate"), ("markov:", "not a number"),
        ("markov:x", "not a number"), ("markov:0", r"outside \(0, 1\]"), ("markov:1.1", r"outside \(0, 1\]"),
        ("markov:nan", r"outside \(0, 1\]"), ("markov:0.0000001", "millionth"), ("markov+markov:0.1", "twice"),
        ("", "has no rate"), (":0.1", "unknown kind"), ("markov+:0.1", "unknown kind"), ("markov:0.1;", "has no rate"),
        ("x" * 30_000, "letters"), ("markov:" + ",".join(f"0.{n:04d}" for n in range(1, 2000)), "more than 1000"),
    ],
)  # fmt: skip
def test_other_words_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse(text)


def test_a_plugged_in_kind_is_known_where_it_is_named():
    assert kind_of("mine+markov", [*KINDS, "mine"]) == "mine+markov"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_keeps_to_the_protocol(kind):
    assert isinstance(kind(), Simulator)
    assert KINDS[kind.name] is kind
    assert kind() == kind()
    assert len(kind.what) <= 64
    assert kind.reference
    assert kind.limit
