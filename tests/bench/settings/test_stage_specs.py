"""The specification of every stage of three plans: to the JSON that it had, and from it again."""

import json
import runpy
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.settings.schema import Optimiser
from bench.settings.stage_specs import (
    EnsembleSpec,
    Identity,
    LabelScoresSpec,
    ScoresSpec,
    StudentSpec,
    TeacherSpec,
    identity_in,
    parse,
    serialise,
)
from bench.store.record import IDENTITY

PLANS = runpy.run_path(str(Path(__file__).parents[2] / "frozen" / "plans.py"))["stages"]


@pytest.fixture(scope="module")
def planned():
    return [one for name in ("quick", "paper", "arena") for one in PLANS(name)]


@pytest.fixture(scope="module")
def of_kind(planned):
    """The JSON of the first stage of each kind."""
    return {one.kind: json.loads(one.settings) for one in reversed(planned)}


def test_every_stage_of_three_plans_is_read_and_written_unchanged(planned):
    assert {one.kind for one in planned} == {
        "split", "teacher", "ensemble", "pseudo", "noise", "judge", "student", "scores", "doubts",
    }  # fmt: skip
    for one in planned:
        again = parse(one.kind, json.loads(one.settings))
        assert again == one.spec
        assert type(again) is type(one.spec)
        assert json.dumps(serialise(again), sort_keys=True, separators=(",", ":")) == one.settings


def test_a_stage_is_read_from_its_json_only_when_it_is_asked(planned, of_kind):
    first = next(one for one in planned if one.kind == "student")
    stored = replace(first, planned=None)
    assert stored == first, "where the specification came from is no part of a stage"
    assert "spec" not in vars(stored)
    assert stored.spec == first.spec
    assert stored.spec is stored.spec
    unread = replace(stored, settings='{"from": "another world"}')
    with pytest.raises(DataError, match="settings of a student stage cannot be read: method is missing"):
        assert unread.spec


@pytest.mark.parametrize("key", ["streams", "start", "judges", "milestones"])
def test_what_a_student_may_do_without_is_left_out_of_its_json(planned, key):
    there = {key in json.loads(one.settings) for one in planned if one.kind == "student"}
    assert True in there
    (spec, *_) = [one.spec for one in planned if one.kind == "student"]
    bare = replace(spec, streams="", start=(), judges=(), milestones=())
    assert key not in serialise(bare)


def test_keys_of_another_version_are_passed_over_and_absent_ones_take_their_default(of_kind):
    document = of_kind["student"]
    newer = {**document, "of tomorrow": 1, "sampling": {**document["sampling"], "of tomorrow": [2]}}
    assert parse("student", newer) == parse("student", document)
    older = {**document, "optimiser": {k: v for k, v in document["optimiser"].items() if k != "power"}}
    del older["method"]["version"]
    assert parse("student", older).optimiser.power == Optimiser().power
    assert parse("student", older).method.version == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": "many"}, "steps: 'many' is not of type int"),
        ({"steps": True}, "steps: True is not of type int"),
        ({"sampling": {"patch": [16, 16]}}, "sampling: patch: [16, 16] is not a list of 3"),
        ({"sampling": {"views": "sideways"}}, "sampling: views: 'sideways' is none of 'axial-12'"),
        ({"sampling": {"patch": [5, 5, 5]}}, "sampling: patch (5, 5, 5) must have sides of 8, 12, 16"),
        ({"method": "tsman"}, "method: 'tsman' is not an object"),
        ({"start": {"member": 1}}, "start: {'member': 1} is not a list"),
    ],
)
def test_json_of_the_wrong_kind_is_named_by_its_path(of_kind, change, sentence):
    with pytest.raises(DataError) as raised:
        parse("student", {**of_kind["student"], **change})
    assert str(raised.value).startswith(f"the settings of a student stage cannot be read: {sentence}")


def test_a_kind_that_nobody_knows_is_refused():
    with pytest.raises(DataError, match="'dream' is no kind of stage"):
        parse("dream", {})


def test_a_whole_number_stays_one_where_a_number_is_expected(of_kind):
    document = {**of_kind["teacher"], "optimiser": {**of_kind["teacher"]["optimiser"], "weight_decay": 0}}
    assert json.dumps(serialise(parse("teacher", document))["optimiser"]["weight_decay"]) == "0"


def test_what_was_trained_and_what_is_scored_tell_the_classes_apart(planned):
    scored = [one for one in planned if one.kind == "scores"]
    for one in scored:
        below = dict(one.inputs)["of"]
        kind = {"teacher": TeacherSpec, "ensemble": EnsembleSpec, "student": StudentSpec}.get(below.kind)
        read = parse("scores", json.loads(one.settings))
        assert type(read) is (LabelScoresSpec if kind is None else ScoresSpec)
        assert kind is None or type(read.trained) is kind


def test_the_identity_is_read_without_the_rest():
    said = {"identity": {"dataset": "heart", "seed": 3}, "trained": "never looked at"}
    assert identity_in(said) == Identity(dataset="heart", seed=3)
    with pytest.raises(DataError, match="the identity of a stage cannot be read: None is not an object"):
        identity_in({"seed": 3})
    with pytest.raises(
        DataError, match="the identity of a stage cannot be read: seed: '3' is not of type int"
    ):
        identity_in({"identity": {"seed": "3"}})


def test_an_identity_has_the_columns_of_a_record():
    assert tuple(one.name for one in fields(Identity)) == IDENTITY


def test_a_specification_is_frozen(planned):
    with pytest.raises(FrozenInstanceError):
        planned[0].spec.seed = 1
