"""What is no longer as it was written is found, moved aside and made again; what lies as it lay is not read twice."""

import json
import os
import random

import pytest

from bench.errors import DataError, StageError
from bench.execution.execute import execute
from bench.execution.scheduler import run
from bench.files.checksummed import sealed
from bench.records import gather
from bench.store import integrity, run_log
from bench.store.artifacts import WEIGHTS
from bench.store.documents import FailureNote
from bench.store.integrity import checksum, damage, damaged, put_damaged_aside
from bench.store.store import Store


def finished(store, key, **files):
    with store.making(key) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)
        written = {name: checksum(folder / name) for name in files}
        (folder / "stage.json").write_text(json.dumps(sealed({"key": key, "files": written, 3: (1, 2)})))
    return store.folder(key)


def flip_a_bit(path, place=0.5):
    """One bit, and every time of the file put back."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 16
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


DAMAGES = {"flipped": flip_a_bit, "truncated": truncate, "empty": empty, "gone": lambda path: path.unlink()}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", ["a", "stage.json"])
def test_a_file_that_is_not_what_was_written_is_named(tmp_path, how, name):
    folder = finished(Store(tmp_path), "split-1", a="text", b="more")
    assert damage(folder) == ""
    DAMAGES[how](folder / name)
    assert damage(folder).startswith(name)


def test_every_single_bit_of_a_stage_document_is_guarded(tmp_path):
    folder = finished(Store(tmp_path), "split-1", a="text")
    document = (folder / "stage.json").read_bytes()
    for place in range(len(document)):
        changed = bytearray(document)
        changed[place] ^= 1 << random.Random(place).randrange(8)
        (folder / "stage.json").write_bytes(changed)
        try:
            same = json.loads(changed) == json.loads(document)
        except ValueError:  # no JSON, or no text any more
            same = False
        is_seal_renamed = b'"seal"' not in changed  # then nothing else has changed
        assert same or is_seal_renamed or damage(folder), place


def test_a_folder_that_bears_another_stages_name_is_found(tmp_path):
    store = Store(tmp_path)
    finished(store, "split-1", a="text").rename(store.folder("split-2"))
    assert "stage.json" in damage(store.folder("split-2"))


def test_what_lies_as_it_lay_is_not_read_again_but_where_it_is_needed(tmp_path, monkeypatch):
    store = Store(tmp_path)
    keys = [finished(store, f"split-{number}", a=str(number)).name for number in range(3)]
    read = []
    monkeypatch.setattr(integrity, "damage", lambda folder: read.append(folder.name) or damage(folder))
    assert damaged(store, keys) == {}
    assert read == keys
    assert damaged(store, keys) == {}
    assert read == keys
    assert damaged(store, keys, anew={"split-1"}) == {}
    assert read == [*keys, "split-1"]
    flip_a_bit(store.folder("split-2") / "a")
    assert list(damaged(store, keys)) == ["split-2"]
    assert list(damaged(store, keys)) == ["split-2"]
    (tmp_path / integrity.NOTED).write_text('{"torn')
    assert list(damaged(store, keys)) == ["split-2"]


def carried_out(lab, stages):
    class Here:
        slots = 1

        def submit(self, document):
            execute(document, lab.store, run="test", device="cpu")
            self.key = document["key"]

        def wait(self, seconds):
            from bench.execution.scheduler import Outcome

            return [Outcome(self.key)]

        def close(self):
            pass

    return run(stages, lab.store, Here(), lambda state: None, rows=lambda stage: None)


@pytest.fixture
def made(tiny_lab):
    """A store with one tiny chain in it, its stages by kind, and their files."""
    stages = [one for one in tiny_lab.plan("densevoxnet").stages() if '"supervised"' not in one.settings]
    carried_out(tiny_lab, stages)
    assert put_damaged_aside(tiny_lab.store, stages) == {}
    return tiny_lab, stages


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("teacher", WEIGHTS),
        ("pseudo", "labels/*.nii.gz"),
        ("scores", "records.csv"),
        ("student", "stage.json"),
    ],
)
def test_damaged_results_are_put_aside_and_made_again_bit_for_bit(made, kind, pattern, tried):
    lab, stages = made
    stage = next(one for one in stages if one.kind == kind)
    folder = lab.store.folder(stage.key)
    path = min(folder.glob(pattern))
    before = {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    for number, how in enumerate(DAMAGES, start=1):
        DAMAGES[how](path)
        found = put_damaged_aside(lab.store, stages)
        assert list(found) == [stage.key]
        assert path.name in found[stage.key]
        assert (lab.store.path / "damaged" / f"{stage.key}.{number}").is_dir()
        state = carried_out(lab, stages)
        assert (state.done, state.cached) == (1, len(stages) - 1)
        after = {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
        assert before.keys() == after.keys()
        assert all(after[name] == text for name, text in before.items() if name.name != "stage.json")
    what = pattern.rpartition("/")[2].removeprefix("*.")
    tried(f"{what} of a {kind} stage: a bit flipped, truncated, empty, gone", len(DAMAGES))


def test_an_input_is_read_byte_by_byte_however_it_lies(made):
    lab, stages = made
    student = next(one for one in stages if one.kind == "student")
    pseudo = dict(student.inputs)["pseudo"]
    (lab.store.folder(student.key) / "stage.json").unlink()
    noted = json.loads((lab.store.path / integrity.NOTED).read_text())
    path = min(lab.store.folder(pseudo.key).glob("labels/*"))
    flip_a_bit(path)
    noted[pseudo.key] = integrity._mark(lab.store.folder(pseudo.key))  # as a disk that rots: no time changes
    (lab.store.path / integrity.NOTED).write_text(json.dumps(noted))
    assert set(put_damaged_aside(lab.store, stages)) == {student.key, pseudo.key}


def test_a_stage_refuses_an_input_that_was_damaged_since(made):
    lab, stages = made
    student = next(one for one in stages if one.kind == "student")
    lab.store.put_aside(lab.store.folder(student.key))
    pseudo = dict(student.inputs)["pseudo"]
    flip_a_bit(min(lab.store.folder(pseudo.key).glob("labels/*")))
    with pytest.raises(StageError, match=pseudo.key):
        execute(student.document(), lab.store, run="test", device="cpu")
    assert not lab.store.has(student.key)


def test_records_are_never_gathered_from_a_damaged_file(made):
    lab, stages = made
    scores = next(one for one in stages if one.kind == "scores")
    flip_a_bit(lab.store.folder(scores.key) / "records.csv")
    with pytest.raises(DataError, match=scores.key):
        gather.gather(lab.store)


def test_a_torn_note_of_a_failure_is_no_failure(tmp_path):
    store = Store(tmp_path)
    store.fail("student-1", FailureNote(error="no."))
    truncate(tmp_path / "failed" / "student-1.json")
    assert store.failures() == {}


def test_the_result_that_was_planned_last_stands_whatever_the_clock_says(tmp_path):
    store = Store(tmp_path)
    settings = {"identity": {"method": "tsman", "xi": "0.3"}, "metrics": {"definition": "hvsmr2016"}}
    for key, started in (("scores-a", "2031-01-01"), ("scores-b", "2026-01-02"), ("scores-c", "1970-01-01")):
        with store.making(key) as folder:
            (folder / "stage.json").write_text(json.dumps({"settings": settings, "started": started}))
    run_log.note(store, "first", {}, {"scores-a": "a"})
    run_log.note(store, "second", {}, {"scores-c": "c"})
    assert gather.superseded(store) == {"scores-a", "scores-b"}
    run_log.note(store, "first", {}, {"scores-a": "a"})
    assert gather.superseded(store) == {"scores-b", "scores-c"}
    before = (tmp_path / "runs/first/stages.json").stat().st_mtime_ns
    run_log.note(store, "first", {}, {"scores-a": "a"})
    assert (tmp_path / "runs/first/stages.json").stat().st_mtime_ns == before


def test_a_damaged_note_of_a_run_is_written_again(tmp_path):
    store = Store(tmp_path)
    run_log.note(store, "one", {"xi": ["0.3"]}, {"scores-a": "a"})
    for path in tmp_path.glob("runs/one/*.json"):
        truncate(path)
    assert run_log.plans(store) == {}
    assert run_log.request_document(store, "one") == {}
    run_log.note(store, "one", {"xi": ["0.3"]}, {"scores-a": "a"})
    assert run_log.request_document(store, "one") == {"xi": ["0.3"]}
    assert run_log.turns(store) == {"scores-a": (1, ())}
