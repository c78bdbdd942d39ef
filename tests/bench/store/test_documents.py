"""What other versions of bench wrote is read as far as it is understood."""

import json

import pytest

from bench.errors import DataError
from bench.settings.stage_specs import Identity, SplitSpec, read
from bench.store.documents import FailureNote, FinishedStage, RunRequest
from bench.store.store import Store

SPLIT = {"seed": 0, "manual": ["a"], "pseudo": ["b"], "test": ["c"]}


def test_an_old_stage_lacks_keys_and_a_new_one_has_more(tmp_path):
    store = Store(tmp_path)
    for key, more in (("split-old", {}), ("split-new", {"seconds": 2, "of tomorrow": {"x": [1]}})):
        with store.making(key) as folder:
            document = {"key": key, "kind": "split", "settings": {**SPLIT, **more}, **more}
            (folder / "stage.json").write_text(json.dumps(document))
    old, new = store.finished_stage("split-old"), store.finished_stage("split-new")
    assert (old.seconds, old.commit, old.inputs, old.facts) == (0.0, "", {}, {})
    assert new.seconds == 2
    assert old.spec == new.spec == SplitSpec(seed=0, manual=("a",), pseudo=("b",), test=("c",))
    assert old.spec is old.spec


def test_a_stage_of_another_kind_than_is_read_is_named():
    stage = FinishedStage(kind="split", settings=SPLIT)
    with pytest.raises(DataError, match="a split stage was given where Identity is expected"):
        stage.spec_as(Identity)
    with pytest.raises(DataError, match="the identity of a stage cannot be read"):
        _ = stage.identity


def test_a_document_of_the_wrong_form_names_its_file_and_the_key(tmp_path):
    store = Store(tmp_path)
    with store.making("split-1") as folder:
        (folder / "stage.json").write_text(json.dumps({"kind": "split", "inputs": ["student-1"]}))
    with pytest.raises(
        DataError, match=r"split-1/stage.json cannot be read: inputs: \['student-1'\] is not an object"
    ):
        store.finished_stage("split-1")


def test_a_failure_is_written_and_read_the_same(tmp_path):
    store, note = Store(tmp_path), FailureNote(error="no.", when="2026")
    store.fail("student-1", note)
    assert store.failures() == {"student-1": note}


def test_facts_of_another_kind_count_nothing():
    stage = FinishedStage(facts={"steps": 6, "shortfalls": ["one"], "maps": 3})
    assert (stage.count("steps"), stage.count("maps"), stage.count("shortfalls"), stage.count("gone")) == (
        6,
        3,
        0,
        0,
    )
    assert (stage.words("shortfalls"), stage.words("steps")) == (["one"], [])


def test_a_request_that_lacks_all_is_empty():
    assert read(RunRequest, {"of tomorrow": 1}, "a request") == RunRequest()
