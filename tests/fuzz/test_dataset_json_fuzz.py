"""Hostile ``dataset.json``: the folder is opened, or refused in a sentence of ours."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.data.dataset import Workshop
from bench.data.sources.decathlon import listing, open_dataset
from bench.data.sources.listing import Complaints

SETTINGS = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
MANY = settings(SETTINGS, max_examples=4000, derandomize=False)
WORDS = st.one_of(
    st.sampled_from([
        "", " ", ".", "..", "../x.nii", "/etc/passwd", "a\0b", "a\nb", "\x1b[31mred", "CON", "nul.nii.gz", "all", "background",
        "case_00", "CASE_00", "x" * 5000, "caf\u00e9", "cafe\u0301", "\ud800", "\u202egz.iin", "0", "1", "01", "-1", "9" * 5000,
        "\uff11", "1_0", "./imagesTr/case_00.nii.gz", "./labelsTr/case_00.nii.gz", "imagesTr", "imagesTr/../../x.nii.gz",
        "dataset.json", "imagesTr/CON.nii.gz", "<script>", "=1+1", "{}", "%s%n", "\u0000",
    ]),
    st.text(max_size=20),
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.sampled_from([10**400, -1, 0, 1, 1e308])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
KEYS = (
    "name",
    "labels",
    "modality",
    "training",
    "bench_test",
    "bench_pieces",
    "description",
    "test",
    "numTest",
)
CASES = [f"case_{number:02d}" for number in range(5)]


def sound():
    return {
        "name": "spheres",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "shell", "2": "core"},
        "training": [
            {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in CASES
        ],
    }


@st.composite
def hostile_descriptions(draw):
    """A sound description with one to three values of any depth made anything."""
    made = sound()
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["key", "label", "channel", "case", "path", "held out", "all"]))
        item = {draw(st.sampled_from(["image", "label", "mask", "x"])): draw(JSON)}
        if how == "key":
            made[draw(st.sampled_from(KEYS))] = draw(JSON)
        elif how == "label" and isinstance(made["labels"], dict):
            made["labels"][draw(WORDS)] = draw(JSON)
        elif how == "channel" and isinstance(made["modality"], dict):
            made["modality"][draw(WORDS)] = draw(JSON)
        elif how == "case" and isinstance(made["training"], list):
            made["training"].append(draw(st.one_of(JSON, st.just(item))))
        elif how == "path" and isinstance(made["training"], list) and made["training"]:
            made["training"][0] = {**sound()["training"][0], **item}
        elif how == "held out":
            made["bench_test"] = draw(st.lists(st.one_of(WORDS, st.sampled_from(CASES)), max_size=4))
        else:
            made = {**made, **draw(st.dictionaries(WORDS, JSON, max_size=3))}
    return json.dumps(made, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def damaged_descriptions(draw):
    """The bytes of a sound description with some of them changed."""
    raw = bytearray(json.dumps(sound()).encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        how = draw(st.sampled_from(["set", "insert", "delete", "truncate", "repeat", "word"]))
        if how in ("set", "insert"):
            raw[at : at + (how == "set")] = draw(st.binary(min_size=1, max_size=3))
        elif how == "repeat":
            raw[at:at] = raw[at : at + 40]
        elif how == "word":
            word = draw(
                st.sampled_from(["NaN", "Infinity", "-1e999", "9" * 5000, '"name": 5,', "[" * 2000, "null"])
            )
            raw[at:at] = word.encode()
        else:
            del raw[at : at + 12 if how == "delete" else len(raw)]
    return bytes(raw)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, decathlon_folder):
    return decathlon_folder(tmp_path_factory.mktemp("hostile") / "Task", cases=5, shape=(8, 8, 8))


def opened_or_refused(folder, refused, tried, examples, raws):
    count, fine = [0], [0]

    @examples
    @given(raws)
    def run(raw):
        (folder / "dataset.json").write_bytes(raw)
        workshop = Workshop(folder.parent / "data")
        fine[0] += not refused(lambda: open_dataset(folder, workshop, validate=False))
        refused(lambda: listing(folder, Complaints([])))
        count[0] += 1

    run()
    assert 0 < fine[0] < count[0]
    tried("hostile dataset.json", count[0])


def test_a_description_of_hostile_values_is_taken_or_refused(folder, refused, tried, bounded):
    opened_or_refused(folder, refused, tried, SETTINGS, hostile_descriptions())


def test_a_damaged_description_is_taken_or_refused(folder, refused, tried, bounded):
    opened_or_refused(folder, refused, tried, SETTINGS, damaged_descriptions())


@pytest.mark.slow
def test_thousands_of_descriptions_are_taken_or_refused(folder, refused, tried, bounded):
    opened_or_refused(folder, refused, tried, MANY, st.one_of(hostile_descriptions(), damaged_descriptions()))
