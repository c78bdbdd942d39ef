"""Data that change under a store: said before a run, refused while one runs, made again where they can be."""

import gzip
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.data.sources import cases, fingerprints
from bench.data.sources.changes import changes
from bench.errors import DataError
from bench.stages.context import open_lab


@pytest.fixture
def folder(tmp_path, spheres):
    return shutil.copytree(spheres, tmp_path / "Task")


def other_voxels(path, at=(0, 0, 0)):
    """Write other voxels under the same name."""
    image = nibabel.load(path)
    voxels = np.array(image.dataobj)
    voxels[at] = 2 if voxels[at] != 2 else 1
    path.unlink()
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), path)


def describe(folder, edit):
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    edit(description)
    path.write_text(json.dumps(description))


def opened(folder, workshop):
    return open_dataset(f"decathlon:{folder}", DataSettings(), workshop)


def add_case(folder):
    for sub in ("imagesTr", "labelsTr"):
        shutil.copy(folder / sub / "case_00.nii.gz", folder / sub / "new.nii.gz")
    item = {"image": "./imagesTr/new.nii.gz", "label": "./labelsTr/new.nii.gz"}
    describe(folder, lambda d: d["training"].append(item))


CHANGES = {
    "1 case has another label (case_03)": lambda f: other_voxels(f / "labelsTr" / "case_03.nii.gz"),
    "1 case has another image (case_04)": lambda f: other_voxels(f / "imagesTr" / "case_04.nii.gz"),
    "1 case came (new)": add_case,
    "1 case went (case_00)": lambda f: describe(f, lambda d: d["training"].pop(0)),
    "2 cases went (case_00, case_01)": lambda f: describe(f, lambda d: d.update(training=d["training"][2:])),
    "which cases are test": lambda f: describe(f, lambda d: d.update(bench_test=["case_00"])),
    "its structures": lambda f: describe(f, lambda d: d["labels"].update({"2": "kernel"})),
    "its channels": lambda f: describe(f, lambda d: d.update(modality={"0": "CT"})),
    "how its structures are treated": lambda f: describe(f, lambda d: d.update(bench_pieces="single")),
    "5 cases have other labels (case_00, case_01, case_02, ...)": lambda f: [
        other_voxels(f / "labelsTr" / f"case_{n:02d}.nii.gz") for n in range(5)
    ],
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_since_the_last_run_is_said_once(folder, tmp_path, what, tried):
    workshop = Workshop(tmp_path / "data")
    before = opened(folder, workshop)
    assert changes(before, workshop) == []
    remember(before, workshop)
    assert changes(opened(folder, workshop), workshop) == []
    CHANGES[what](folder)
    now = opened(folder, workshop)
    said, then = changes(now, workshop)
    assert what in said
    assert "spheres" in said
    assert "keys" in then
    manifest = workshop.path / f"{now.id}.json"
    remember(now, workshop)
    later = manifest.stat().st_mtime_ns + 10_000_000
    os.utime(manifest, ns=(later, later))
    assert changes(now, workshop) == []
    tried("data set changed between two runs")


def elsewhere(files):
    """A case of a made data set of another size: under the same name, in another folder of the store."""
    images = tuple(path.replace("-smoke-", "-quick-") for path in files.images)
    return replace(
        files, images=images, image_print="another", label=files.label.replace("-smoke-", "-quick-")
    )


def test_a_made_data_set_of_another_size_is_no_change(phantom, tmp_path):
    workshop = Workshop(shutil.copytree(phantom, tmp_path / "data"))
    dataset = open_dataset("phantom-heart", DataSettings(size="smoke"), workshop)
    remember(dataset, workshop)
    other = replace(dataset, cases={case: elsewhere(files) for case, files in dataset.cases.items()})
    assert other.id != dataset.id
    assert changes(other, workshop) == []


def test_a_run_says_what_changed_before_it_computes(folder, tmp_path, bench, tiny, tried):
    sets = [word for change in tiny for word in ("--set", change)]
    words = [
        "run",
        "--recipe",
        "smoke",
        "--dataset",
        f"decathlon:{folder}",
        "--methods",
        "densevoxnet",
        "--xi",
        "0.5",
    ]
    words += ["--store", tmp_path / "store", "--no-mlflow", "--jobs", 1, *sets]
    first = bench(*words)
    assert (first.returncode, first.stderr) == (0, "")
    other_voxels(folder / "labelsTr" / "case_02.nii.gz")
    second = bench(*words)
    assert second.returncode == 0
    assert (
        "spheres changed since this store last knew it: 1 case has another label (case_02)" in second.stderr
    )
    tried("data set changed between two runs")


# --- while a run is at work


@pytest.fixture
def lab(folder, tmp_path, tiny):
    """The lab of a planned teacher on data of its own; ``open`` opens it as a worker would."""
    from bench.plan.experiments import free_part
    from bench.plan.recipes import recipe, resolved
    from bench.plan.sweep import Sweep
    from bench.store.store import Store
    from methods.registry import classes

    store = Store(tmp_path / "store")
    dataset = opened(folder, store.workshop)
    remember(dataset, store.workshop)
    chosen = resolved(recipe("smoke", list(tiny), classes()), device="cpu", native_bfloat16=False)
    sweep = Sweep(chosen, (free_part(["densevoxnet"], ("0.5",), chosen),), (0,), (dataset,))
    teacher = next(stage for stage in sweep.stages() if stage.kind == "teacher")
    return SimpleNamespace(
        open=lambda: open_lab(teacher.document(), store, tmp_path, "cpu"),
        store=store,
        case=teacher.images[0][0],
    )


def test_an_unchanged_file_costs_no_second_reading(lab, monkeypatch):
    def never(path, *_):
        raise AssertionError(f"{path} was read for its fingerprint")

    monkeypatch.setattr(fingerprints, "fingerprint", never)
    assert lab.open().image(lab.case).image_cijk.shape == (1, 20, 16, 12)
    assert lab.open().label(lab.case).shape == (20, 16, 12)


def test_a_file_that_was_only_touched_is_read(folder, lab):
    (folder / "imagesTr" / f"{lab.case}.nii.gz").touch()
    lab.open().image(lab.case)


def test_a_stage_without_the_cache_takes_the_fingerprints_itself_and_leaves_the_cache_alone(folder, lab):
    path = cases.fingerprints_path(lab.store.workshop)
    path.unlink()
    lab.open().image(lab.case)
    assert not path.exists()
    other_voxels(folder / "imagesTr" / f"{lab.case}.nii.gz")
    with pytest.raises(DataError, match="changed since the run was planned"):
        lab.open().image(lab.case)


def keep_times(path, change):
    """Change a file as one who hides it would: the same length, the old times."""
    status = path.stat()
    change(path)
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def unpacked_with_other_voxel(path):
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[-5] ^= 64
    path.write_bytes(gzip.compress(bytes(raw), mtime=0))


UNDER_A_RUN = {
    "other voxels": other_voxels,
    "other voxels in the same file": unpacked_with_other_voxel,
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "deleted": Path.unlink,
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "another affine": lambda path: nibabel.save(
        nibabel.Nifti1Image(np.array(nibabel.load(path).dataobj), np.eye(4)), path
    ),
    "a bit flipped, its times set back": lambda path: keep_times(
        path, lambda p: p.write_bytes(p.read_bytes()[:-20] + bytes([p.read_bytes()[-20] ^ 1]) + p.read_bytes()[-19:])
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", UNDER_A_RUN)
@pytest.mark.parametrize("kind", ["image", "label"])
def test_a_stage_never_reads_other_data_than_it_was_planned_with(folder, lab, how, kind, tried):
    worker = lab.open()  # which has read the cache when the file was still as planned
    UNDER_A_RUN[how](folder / f"{kind}sTr" / f"{lab.case}.nii.gz")
    for one in (worker, lab.open()):
        with pytest.raises(
            DataError, match=f"{kind} of {lab.case} changed since the run was planned.*run again"
        ):
            getattr(one, kind)(lab.case)
    tried("data changed under a running sweep")


def test_a_file_that_changes_while_it_is_read_is_refused(folder, lab, monkeypatch, tried):
    path = folder / "imagesTr" / f"{lab.case}.nii.gz"
    from bench.stages import context as room

    def read_and_change(files):
        other_voxels(path)

    monkeypatch.setattr(room, "image_of", read_and_change)
    with pytest.raises(DataError, match="changed since"):
        lab.open().image(lab.case)
    tried("data changed under a running sweep")


# --- what a store knows of data


def flipped(path, at=-40):
    raw = bytearray(path.read_bytes())
    raw[at] ^= 8
    path.write_bytes(raw)


def replaced(path):
    shutil.copy(path.with_name("heart_0001.nii.gz"), path)


IMAGE, LABEL = "imagesTr/heart_0003.nii.gz", "labelsTr/heart_0019.nii.gz"
MADE_DAMAGES = {
    "an image cut": (IMAGE, lambda path: path.write_bytes(path.read_bytes()[:900])),
    "an image with a bit flipped": (IMAGE, flipped),
    "a label with a bit flipped in its checksum": (LABEL, lambda path: flipped(path, -6)),
    "a label of nothing": (LABEL, lambda path: path.write_bytes(b"")),
    "a label gone": (LABEL, Path.unlink),
    "an image that is another one": (IMAGE, replaced),
    "a label that was repainted": (LABEL, other_voxels),
    "a description cut": ("dataset.json", lambda path: path.write_bytes(path.read_bytes()[:200])),
    "a description with another name in it": (
        "dataset.json",
        lambda path: path.write_text(path.read_text().replace("blood_pool", "blood_fool")),
    ),
    "a description gone": ("dataset.json", Path.unlink),
    "fingerprints cut": ("prints.json", lambda path: path.write_bytes(path.read_bytes()[:100])),
}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Where a made data set lies, to copy."""
    workshop = Workshop(tmp_path_factory.mktemp("made") / "data")
    open_dataset("phantom-heart", DataSettings(size="smoke"), workshop)
    return workshop.path


QUICK = ("an image with a bit flipped", "a description gone")  # each makes twenty patients again


@pytest.mark.parametrize(
    "how", [how if how in QUICK else pytest.param(how, marks=pytest.mark.slow) for how in MADE_DAMAGES]
)
def test_made_data_that_were_damaged_are_made_again_and_it_is_said(phantom, tmp_path, how, caplog, tried):
    workshop = Workshop(shutil.copytree(phantom, tmp_path / "data"))
    settings = DataSettings(size="smoke")
    before = open_dataset("phantom-heart", settings, workshop)
    assert caplog.messages == []
    name, damage = MADE_DAMAGES[how]
    damage(workshop.path / "phantom-heart-smoke-0-v2" / name)
    again = open_dataset("phantom-heart", settings, workshop)
    (said,) = caplog.messages
    assert said.startswith("damaged: ")
    assert "made again from its seeds" in said
    assert again == before
    assert open_dataset("phantom-heart", settings, workshop) == before
    assert caplog.messages == [said]
    assert not list(workshop.path.glob(".phantom*"))
    tried("made data damaged in the store")


NO_JSON = [b"", b"{", b"[1]", b"null", b'{"a": 5}', b"\xff\xfe", b"[" * 50_000, b'{"a": {"b": 1}}']


@pytest.mark.parametrize("raw", NO_JSON)
def test_a_damaged_cache_of_fingerprints_is_begun_anew(folder, tmp_path, raw, tried):
    workshop = Workshop(tmp_path / "data")
    before = opened(folder, workshop)
    cases.fingerprints_path(workshop).write_bytes(raw)
    assert opened(folder, workshop) == before
    assert (
        len(json.loads(cases.fingerprints_path(workshop).read_text())) == 5 * 7
    )  # looked through, and fingerprint and content of two files
    tried("cache of fingerprints damaged")


@pytest.mark.parametrize("raw", [raw for raw in NO_JSON if not raw.startswith(b'{"a')])
def test_damaged_names_are_said_and_begun_anew(spheres, tmp_path, raw, caplog, bench, tried):
    workshop = Workshop(tmp_path / "data")
    workshop.path.mkdir()
    workshop.names_path.write_bytes(raw)
    assert workshop.names() == {}
    (said,) = caplog.messages
    assert "names.json" in said
    assert "added again" in said
    tried("names of data sets damaged")


@pytest.mark.parametrize("raw", NO_JSON)
def test_a_damaged_manifest_is_refused_with_what_to_do_and_is_no_change(folder, tmp_path, raw, tried):
    workshop = Workshop(tmp_path / "data")
    dataset = opened(folder, workshop)
    remember(dataset, workshop)
    (workshop.path / f"{dataset.id}.json").write_bytes(raw)
    with pytest.raises(DataError, match="is damaged; run the same"):
        recall(dataset.id, workshop)
    assert changes(dataset, workshop) == []
    remember(dataset, workshop)
    assert recall(dataset.id, workshop) == dataset
    tried("manifest of a data set damaged")


def test_a_manifest_that_says_other_prints_than_its_name_is_damaged(folder, tmp_path):
    workshop = Workshop(tmp_path / "data")
    dataset = opened(folder, workshop)
    remember(dataset, workshop)
    path = workshop.path / f"{dataset.id}.json"
    path.write_text(path.read_text().replace(dataset.cases["case_00"].label_print, "0" * 24))
    with pytest.raises(DataError, match="is damaged"):
        recall(dataset.id, workshop)
