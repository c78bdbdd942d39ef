"""Settings are strict: every key is known, every value of its kind, and every mistake is named."""

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.plan.recipes import recipe
from bench.settings.schema import Metrics, Sampling
from bench.settings.serialise import assignment, build, merged, plain
from methods.registry import classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    rate: float = 0.5
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    steps: int = 3
    fill: bool = True
    sizes: tuple[int, ...] = (1, 2)
    seed: int | None = None
    inner: Inner = field(default_factory=Inner)


def test_settings_survive_the_way_through_plain_data():
    made = Outer(sizes=(4, 5, 6), seed=7, inner=Inner(rate=0.25, kind="b"))
    assert plain(made) == {
        "steps": 3,
        "fill": True,
        "sizes": [4, 5, 6],
        "seed": 7,
        "inner": {"rate": 0.25, "kind": "b"},
    }
    assert build(Outer, plain(made), "here") == made


def test_a_whole_number_serves_as_a_decimal_one_and_not_the_other_way_round():
    assert build(Inner, {"rate": 1}, "here").rate == 1.0
    with pytest.raises(UsageError, match="steps"):
        build(Outer, {"steps": 1.0}, "here")


@pytest.mark.parametrize(
    ("given_settings", "named"),
    [
        ({"steps": "many"}, "steps"), ({"steps": True}, "steps"), ({"steps": None}, "steps"),
        ({"fill": 1}, "fill"), ({"fill": "yes"}, "fill"), ({"sizes": 3}, "sizes"), ({"sizes": ["a"]}, "sizes"),
        ({"seed": "x"}, "seed"), ({"inner": {"rate": "fast"}}, "rate"), ({"inner": {"kind": "c"}}, "kind"),
        ({"inner": 5}, "inner"), ({"inner": [1]}, "inner"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_named(given_settings, named):
    with pytest.raises(UsageError, match=named) as caught:
        build(Outer, given_settings, "here")
    assert str(caught.value).startswith("here")


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"step": 5}, "here: unknown setting 'step'. Did you mean 'steps'"),
        ({"inner": {"rat": 1.0}}, "here: inner: unknown setting 'rat'. Did you mean 'rate'"),
        ({"inner.rate": 1.0}, "unknown setting 'inner.rate'"),
        ({"": 1}, "unknown setting ''"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(given_settings, sentence):
    with pytest.raises(UsageError, match=sentence):
        build(Outer, given_settings, "here")


def test_merging_replaces_leaves_and_leaves_the_rest():
    base = {"a": {"b": 1, "c": 2}, "d": [1, 2]}
    assert merged(base, {"a": {"c": 3}, "d": [9]}) == {"a": {"b": 1, "c": 3}, "d": [9]}
    assert base == {"a": {"b": 1, "c": 2}, "d": [1, 2]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("student.steps=500", (["student", "steps"], 500)),
        ("optimiser.learning_rate = 3e-3", (["optimiser", "learning_rate"], 0.003)),
        ("sampling.patch=[16, 16, 8]", (["sampling", "patch"], [16, 16, 8])),
        ("cleaning.fill_holes=false", (["cleaning", "fill_holes"], False)),
        ("optimiser.kind=adamw", (["optimiser", "kind"], "adamw")),
        ('optimiser.kind="adamw"', (["optimiser", "kind"], "adamw")),
        ("distillation.views=axial-4x3", (["distillation", "views"], "axial-4x3")),
        ("a=b=c", (["a"], "b=c")),
    ],
)
def test_an_assignment_is_a_path_and_a_value(text, expected):
    assert assignment(text) == expected


@pytest.mark.parametrize("text", ["", "student.steps", "=5", "a..b=5", ".a=5", "a.=5", "   =5"])
def test_what_is_no_assignment_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"student\.steps=500"):
        assignment(text)


@pytest.mark.parametrize(
    "value", ["[" * 5000, "9" * 5000, "{a = " * 3000], ids=["nested-lists", "huge-number", "nested-tables"]
)
def test_a_value_too_deep_or_too_long_to_be_meant_is_text_or_refused(value):
    try:
        _, found = assignment(f"student.steps={value}")
    except UsageError:
        return
    assert isinstance(found, str)


def test_a_value_that_goes_on_after_a_line_break_is_not_cut_there_silently():
    try:
        _, found = assignment("student.steps=5\nother = 3")
    except UsageError:
        return
    assert found != 5


@given(st.text(max_size=40))
@example("a=1")
@example("a='")
def test_any_text_is_an_assignment_or_refused(text):
    try:
        path, _ = assignment(text)
    except UsageError:
        return
    assert path
    assert all(path)


@pytest.mark.parametrize("patch", [(64, 32, 64), (4, 4, 4), (10, 10, 8), (16, 16, 0), (16, 16, -4)])
def test_a_patch_that_cannot_be_turned_or_halved_twice_is_refused(patch):
    with pytest.raises(UsageError, match="patch"):
        Sampling(patch=patch)


def test_the_plain_way_is_there_for_both_definitions_and_the_library_for_its_own():
    for definition in ("hvsmr2016", "medpy"):
        assert Metrics(definition=definition, compute="plain").compute == "plain"
    assert Metrics(definition="medpy", compute="medpy").compute == "medpy"
    with pytest.raises(UsageError, match="compute medpy needs metrics"):
        Metrics(definition="hvsmr2016", compute="medpy")
    assert Metrics().compute == "fast"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.spacing=foo", "data.spacing is 'foo'; expected 'pixdim' or 'sform'."),
        ("optimiser.kind=adam", "optimiser.kind is 'adam'; expected 'sgd', 'adamw' or 'muon'."),
        ("student.steps=x", "student.steps is 'x'; expected a whole number."),
        ("sampling.patch=[8,8]", "sampling.patch is (8, 8); expected a list of 3: "),
        ('teachers.steps=["a"]', "expected a list, each of it a whole number."),
        ("data.validate=maybe", "data.validate is 'maybe'; expected true or false."),
        ("split.seed=x", "split.seed is 'x'; expected a whole number."),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_what_is_expected(change, said):
    with pytest.raises(UsageError) as caught:
        recipe("smoke", [change], classes())
    assert said in str(caught.value)
    assert "Literal" not in str(caught.value)


def test_a_setting_that_came_later_is_left_out_at_its_default_and_only_there():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Later:
        old: float = 1.0
        rate: float = field(default=1.0, metadata={"later": True})
        on: bool = field(default=True, metadata={"later": True})
        table: dict[str, int] = field(default_factory=dict, metadata={"later": True})

    assert plain(Later()) == {"old": 1.0}
    assert plain(Later(rate=0.0, on=False, table={"a": 1})) == {
        "old": 1.0, "rate": 0.0, "on": False, "table": {"a": 1},
    }  # fmt: skip
