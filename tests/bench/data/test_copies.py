"""Test cases that are training cases, and structures nowhere: refused before anything is computed."""

import csv
import json

import nibabel
import numpy as np
import pytest

from bench.data.catalogue import open_dataset
from bench.data.copies import doubtful, leak_of
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.data.sources.fingerprints import Fingerprints


def scan(folder, case, sub="imagesTr"):
    return folder / sub / f"{case}.nii.gz"


def opened(folder, **settings):
    return open_dataset(f"decathlon:{folder}", DataSettings(**settings), Workshop(folder.parent / "data"))


@pytest.fixture
def folder(tmp_path, decathlon_folder):
    return decathlon_folder(tmp_path / "Task")


@pytest.fixture
def listed(spheres):
    return opened(spheres)


def rewritten(old, new, change=None, affine=None, axes=None):
    """A scan written under another name, with other voxels, another place or along other axes."""
    image = nibabel.load(old)
    voxels = np.array(image.dataobj)
    image = nibabel.Nifti1Image(
        voxels if change is None else change(voxels), image.affine if affine is None else affine
    )
    nibabel.save(image if axes is None else image.as_reoriented(np.array(axes)), new)


DISGUISES = {
    "the same file": {},
    "another type": {"change": lambda voxels: voxels.astype(np.float64)},
    "another place": {"affine": np.diag([1.5, 1.0, 2.0, 1.0])},
    "other axes": {"axes": [[1, -1], [0, 1], [2, 1]]},
}


@pytest.mark.parametrize("how", DISGUISES)
def test_a_test_case_that_is_a_training_case_is_known_whatever_its_file_is(folder, listed, how):
    train, test = listed.train[0], listed.test[0]
    for sub in ("imagesTr", "labelsTr"):
        rewritten(scan(folder, train, sub), scan(folder, test, sub), **DISGUISES[how])
    found = leak_of(opened(folder), None)
    assert found.pairs == ((test, train),)
    assert found.note.sentence == "1 of 2 test cases is a copy of a training case"


def test_distinct_cases_and_empty_or_equal_label_maps_are_no_leak(folder, listed):
    assert leak_of(listed, None) is None
    assert list(doubtful(listed, None)) == []
    scan(folder, listed.test[0], "labelsTr").write_bytes(
        scan(folder, listed.train[0], "labelsTr").read_bytes()
    )
    for case in (listed.test[1], listed.train[1]):
        old = scan(folder, case, "labelsTr")
        rewritten(old, old, np.zeros_like)
    now = opened(folder)
    assert leak_of(now, None) is None
    (said,) = doubtful(now, None)
    assert "1 of 2 test cases have the label map of a training case" in said
    assert listed.test[0] in said


def test_drawn_test_cases_are_looked_at_as_each_seed_draws_them(tmp_path, hvsmr_folder):
    folder = hvsmr_folder(tmp_path / "HVSMR")
    for kind in ("", "-label"):
        # The fifth patient is shown zoomed and the first is not: their voxels are equal all the same.
        old, new = (next(folder.rglob(f"training_axial_crop_pat{n}{kind}.nii*")) for n in (0, 4))
        rewritten(old, new)
    dataset = open_dataset(f"hvsmr2016:{folder}", DataSettings(), Workshop(tmp_path / "data"))
    names = {f"training_axial_crop_pat{number}" for number in (0, 4)}
    leaking = {seed for seed in range(8) if leak_of(dataset.drawn(seed), seed)}
    assert leaking == {seed for seed in range(8) if len(names & set(dataset.drawn(seed).test)) == 1}
    assert 0 < len(leaking) < 8


def test_what_files_hold_is_found_once_and_in_older_stores_too(folder, monkeypatch):
    from bench.data.sources import cases, fingerprints

    before = opened(folder)
    path = folder.parent / "data" / "fingerprints.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps({mark: of for mark, of in known.items() if not mark.startswith("content|")}))
    assert opened(folder).contents == before.contents
    readers = [(fingerprints, name) for name in ("fingerprint", "fingerprint_and_content")]
    for module, reader in [*readers, (cases, "read_label"), (cases, "read_image")]:
        monkeypatch.setattr(module, reader, lambda *_, **__: pytest.fail("a file was read again"))
    assert opened(folder).contents == before.contents
    assert Fingerprints(path).content_of(scan(folder, before.test[0]), "image")


def test_what_files_hold_is_not_remembered_with_a_data_set(listed, tmp_path):
    workshop = Workshop(tmp_path)
    remember(listed, workshop)
    assert recall(listed.id, workshop) == listed
    assert "contents" not in (tmp_path / f"{listed.id}.json").read_text()


def with_label(description):
    description["labels"]["3"] = "rind"


@pytest.mark.parametrize("validate", [True, False])
def test_a_declared_structure_that_no_label_map_has_is_refused(tmp_path, bench, decathlon_folder, validate):
    folder = decathlon_folder(tmp_path / "Task", change=with_label)
    words = ("run", "--dataset", f"decathlon:{folder}", "--recipe", "smoke", "--store", tmp_path / "store")
    done = bench(*words, "-n", "--set", f"data.validate={str(validate).lower()}")
    assert done.returncode == 4
    assert "spheres: label 3 (rind) is in none of 7 label maps" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_data_set_without_any_structure_is_refused_and_the_labels_are_named(folder):
    for path in (folder / "labelsTr").iterdir():
        rewritten(path, path, np.zeros_like)
    with pytest.raises(Exception, match=r"labels 1 \(shell\), 2 \(core\) are in none of 7 label maps"):
        opened(folder)


def test_a_structure_that_one_side_of_a_split_lacks_is_told(folder, listed):
    for case in listed.test:
        old = scan(folder, case, "labelsTr")
        rewritten(old, old, lambda voxels: np.minimum(voxels, 1))
    (said,) = doubtful(opened(folder), None)
    assert "no test case has label 2 (core)" in said
    for case in listed.train:
        old = scan(folder, case, "labelsTr")
        rewritten(old, old, lambda voxels: (voxels > 0).astype(np.uint8) * 2)
    (said, more) = sorted(doubtful(opened(folder), None))
    assert "no test case has label 2 (core)" in said
    assert "no training case has label 1 (shell), so no method can learn it" in more


@pytest.fixture
def leaking(folder, listed):
    """Both test cases are copies, of one training case each."""
    for test, train in zip(listed.test, listed.train, strict=False):
        for sub in ("imagesTr", "labelsTr"):
            scan(folder, test, sub).write_bytes(scan(folder, train, sub).read_bytes())
    return folder


SENTENCE = "2 of 2 test cases are copies of training cases"


def test_a_run_on_copies_is_refused_or_marked_everywhere(leaking, listed, bench, tiny, tmp_path):
    store = tmp_path / "store"
    sets = [word for one in tiny for word in ("--set", one)]
    words = (
        "--dataset",
        f"decathlon:{leaking}",
        "--methods",
        "densevoxnet,gce",
        "--xi",
        "0.5",
        "--recipe",
        "smoke",
    )
    words = ("run", *words, *sets, "--store", store, "--no-mlflow", "--jobs", 1)
    refused = bench(*words)
    assert refused.returncode == 4
    assert f"spheres: {SENTENCE}, the first is {listed.test[0]}, whose image is that of" in refused.stderr
    assert "--allow-leaks" in refused.stderr
    assert not (store / "stages").exists()
    planned = bench(*words, "-n", "--json")
    assert planned.returncode == 4
    (leak,) = json.loads(planned.stdout)["leaks"]
    assert (leak["copies"], leak["test_cases"], leak["first"][0]) == (2, 2, listed.test[0])
    shown = bench(*words, "-n", "--allow-leaks")
    assert (shown.returncode, SENTENCE in shown.stdout) == (0, True)
    made = bench(*words, "--allow-leaks")
    assert made.returncode == 0, made.stderr
    assert f"leak     spheres: {SENTENCE}" in made.stdout
    with (store / "records.csv").open() as file:
        assert {row["status"] for row in csv.DictReader(file)} <= {"ok", "empty_prediction"}
    compared = bench("compare", "densevoxnet", "gce", "--store", store)
    assert SENTENCE in compared.stdout
    done = bench("report", "--store", store)
    assert done.returncode == 0, done.stderr
    tables = [path for path in (store / "report" / "tables").glob("*.md") if path.stem != "audit"]
    assert len(tables) >= 8
    assert [path.name for path in tables if SENTENCE not in path.read_text()] == []
    page = (store / "report" / "index.html").read_text()
    assert page.count(SENTENCE) > len(tables)


def test_leaks_change_no_key(leaking, tiny_lab, tmp_path):
    from dataclasses import replace

    sweep = replace(tiny_lab.plan("densevoxnet"), datasets=(opened(leaking),))
    marked = replace(sweep, allowed_leaks=sweep.leaks())
    assert len(marked.allowed_leaks) == 1
    assert [one.key for one in marked.stages()] == [one.key for one in sweep.stages()]
    assert marked.run != sweep.run
    assert "leaks" not in sweep.description()
