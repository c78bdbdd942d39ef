"""A stage is named by all that its result depends on, and by nothing else."""

import json
from dataclasses import replace
from itertools import combinations

from bench.store.stage import dependants, in_order, readers, stage
from bench.store.titles import title

PLACE = ("heart", "heart-abc")


def made(kind="teacher", settings=None, *, place=PLACE, images=None, labels=None, inputs=None):
    return stage(
        kind,
        {"steps": 5} if settings is None else settings,
        dataset=place,
        images={"a": "1"} if images is None else images,
        labels={"a": "2"} if labels is None else labels,
        inputs=inputs or {},
    )


def test_equal_stages_have_one_key_and_the_order_of_names_does_not_matter():
    one = made(settings={"a": 1, "b": [2]}, images={"x": "1", "y": "2"})
    other = made(settings={"b": [2], "a": 1}, images={"y": "2", "x": "1"})
    assert one == other


def test_everything_that_a_result_depends_on_is_in_the_key():
    variants = [
        made(),
        made("student"),
        made(settings={"steps": 6}),
        made(settings={"steps": "5"}),
        made(place=("brain", "heart-abc")),
        made(images={"a": "other"}),
        made(images={"b": "1"}),
        made(labels={"a": "other"}),
        made(labels={}),
        made(inputs={"split": made()}),
        made(inputs={"split": made(settings={"steps": 6})}),
        made(inputs={"other": made()}),
    ]
    for one, other in combinations(variants, 2):
        assert one.key != other.key


def test_where_the_data_lie_is_not_in_the_key():
    assert made(place=("heart", "heart-abc")).key == made(place=("heart", "elsewhere")).key


def test_a_key_begins_with_its_kind_and_is_a_safe_file_name():
    kind, _, digest = made("pseudo").key.partition("-")
    assert kind == "pseudo"
    assert len(digest) == 20
    assert set(digest) <= set("0123456789abcdef")


def test_a_document_is_json_and_names_its_inputs_by_key():
    first = made("split")
    document = made(inputs={"split": first}).document()
    assert json.loads(json.dumps(document)) == document
    assert document["inputs"] == {"split": first.key}
    assert document["labels"] == {"a": "2"}


def test_stages_come_once_and_inputs_before_what_reads_them():
    split = made("split")
    one, two = (made(settings={"member": n}, inputs={"split": split}) for n in (1, 2))
    pseudo = made("pseudo", inputs={"a": one, "b": two})
    assert in_order([pseudo, two]) == [split, one, two, pseudo]


def test_dependants_are_found_through_others():
    split = made("split")
    one, two = (made(settings={"member": n}, inputs={"split": split}) for n in (1, 2))
    pseudo = made("pseudo", inputs={"a": one})
    read_by = readers(in_order([pseudo, two]))
    assert read_by == {split.key: [one, two], one.key: [pseudo]}
    assert dependants(read_by, one.key) == {pseudo.key}
    assert dependants(read_by, split.key) == {one.key, two.key, pseudo.key}
    assert dependants(read_by, two.key) == set()


def test_a_stage_that_another_version_laid_out_otherwise_is_called_by_its_key():
    whole = made(kind="student", settings={"steps": 6}, inputs={"split": made()})
    assert title(whole) == whole.key
    of_tomorrow = replace(made(), kind="dream", key="dream-1")
    assert title(of_tomorrow) == "dream-1"
