"""Predictions for the organisers: by the student that is there, on the scans' own grids, whole or not at all."""

import json

import nibabel
import numpy as np
import pytest


@pytest.fixture(scope="module")
def trained(tmp_path_factory, hvsmr, bench, tiny):
    """A store with one student trained on HVSMR 2016, and the words that name it."""
    store = tmp_path_factory.mktemp("hearts") / "store"
    sets = [word for change in tiny for word in ("--set", change)]
    common = ["--dataset", f"hvsmr2016:{hvsmr}", "--recipe", "smoke", *sets, "--store", store]
    made = bench("run", *common, "--methods", "densevoxnet", "--xi", "0.4", "--no-mlflow", "--jobs", 1)
    assert made.returncode == 0, made.stderr
    return store, ["export", "predictions", *common, "--method", "densevoxnet"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory, trained, bench):
    _, words = trained
    to = tmp_path_factory.mktemp("submission") / "label maps"
    done = bench(*words, "--xi", "0.4", "--to", to, "--json")
    assert done.returncode == 0, done.stderr
    return to, json.loads(done.stdout)


def test_the_ten_label_maps_bear_the_names_that_the_organisers_want(exported):
    to, said = exported
    wanted = [f"testing_axial_crop_pat{number}-label.nii.gz" for number in range(10, 20)]
    assert sorted(path.name for path in to.iterdir()) == wanted
    assert said["files"] == [str(to / name) for name in wanted]


def test_each_label_map_lies_exactly_on_its_scan(exported, hvsmr):
    to, _ = exported
    for path in to.iterdir():
        scan = nibabel.load(next(hvsmr.rglob(path.name.replace("-label.nii.gz", ".nii*"))))
        predicted = nibabel.load(path)
        assert predicted.shape == scan.shape
        assert nibabel.aff2axcodes(predicted.affine) == nibabel.aff2axcodes(scan.affine)
        assert np.allclose(predicted.affine, scan.affine, atol=1e-5)
        assert set(np.unique(predicted.dataobj)) <= {0, 1, 2}


def test_a_scan_is_segmented_as_it_is_when_it_is_scored(exported, trained):
    """Scan 10 + i is training scan i once more; where that is test, its scores stage kept a label map."""
    store, _ = trained
    to, said = exported
    (scored,) = [
        path.parent
        for path in store.glob("stages/scores-*/stage.json")
        if json.loads(path.read_text())["inputs"].get("of") == said["student"]
        and json.loads(path.read_text())["settings"]["identity"]["role"] == "student"
    ]
    compared = 0
    for path in scored.glob("labels/*.nii.gz"):
        number = int(path.name.partition("_pat")[2].partition(".")[0])
        if number in (4, 5):  # these are zoomed, and their twins are not
            continue
        twin = to / f"testing_axial_crop_pat{10 + number}-label.nii.gz"
        assert np.array_equal(nibabel.load(path).dataobj, nibabel.load(twin).dataobj)
        compared += 1
    assert compared >= 1


def test_label_maps_of_zoomed_scans_lie_on_the_scans(trained, hvsmr):
    store, _ = trained
    written = [path for path in store.glob("stages/*/labels/*.nii.gz") if path.name[-8] in "45"]
    assert written
    for path in written:
        scan = nibabel.load(next(hvsmr.rglob(path.name.replace(".nii.gz", ".nii*"))))
        assert nibabel.load(path).shape == scan.shape
        assert np.allclose(nibabel.load(path).affine, scan.affine, atol=1e-5)


def test_the_same_export_again_changes_nothing(exported, trained, bench, tmp_path):
    to, _ = exported
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in to.iterdir()}
    again = bench(*trained[1], "--xi", "0.4", "--to", to)
    assert again.returncode == 0, again.stderr
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in to.iterdir()} == before
    elsewhere = bench(*trained[1], "--xi", "0.4", "--to", tmp_path / "more")
    assert elsewhere.returncode == 0, elsewhere.stderr
    for path in to.iterdir():
        assert (tmp_path / "more" / path.name).read_bytes() == path.read_bytes()


def test_a_folder_with_something_else_in_it_is_left_alone(exported, trained, bench, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = bench(*trained[1], "--xi", "0.4", "--to", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    for path in exported[0].iterdir():
        (tmp_path / path.name).write_bytes(b"another submission")
    (tmp_path / "notes.txt").unlink()
    done = bench(*trained[1], "--xi", "0.4", "--to", tmp_path)
    assert done.returncode == 2
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"another submission"}


def test_a_student_that_was_not_trained_is_refused_with_the_command_that_trains_it(trained, bench, tmp_path):
    store, words = trained
    done = bench(*words, "--xi", "0.9", "--to", tmp_path / "none")
    assert done.returncode == 2
    assert "bench run --dataset" in done.stderr
    assert "--methods densevoxnet --xi 0.9 --seeds 0, --recipe smoke" in done.stderr
    assert str(store) in done.stderr
    assert not (tmp_path / "none").exists()


def test_the_student_of_all_manual_labels_is_exported_by_xi_1(exported, trained, bench, tmp_path):
    done = bench(*trained[1], "--xi", "1.0", "--to", tmp_path / "full", "--json")
    assert done.returncode == 0, done.stderr
    said, store = json.loads(done.stdout), trained[0]
    assert said["student"] != exported[1]["student"]
    titles = json.loads(next(store.glob("runs/*/stages.json")).read_text())["stages"]
    assert titles[said["student"]] == "densevoxnet, 7 of 7 manual, seed 0"
    assert len(said["files"]) == len(exported[1]["files"])
    never = bench(*trained[1], "--xi", "1", "--seed", "7", "--to", tmp_path / "none")
    assert never.returncode == 2
    assert "--methods densevoxnet --xi 0.5 --seeds 7," in never.stderr


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--method", "tsmann"], "Did you mean 'tsman'"),
        (["--xi", "0.1:0.4"], "0.1:0.4"),
        (["--store", "nowhere"], "bench run"),
    ],
)
def test_words_that_name_no_one_student_are_refused(trained, bench, tmp_path, change, named):
    done = bench(*trained[1], "--xi", "0.4", "--to", tmp_path / "none", *change)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_data_set_with_a_label_for_each_scan_has_nothing_to_export(trained, swept, bench, tmp_path):
    words = ["--dataset", "phantom-heart", "--recipe", "smoke", "--method", "tsman", "--xi", "0.3"]
    done = bench("export", "predictions", *words, "--store", swept.path, "--to", tmp_path / "none")
    assert done.returncode == 4
    assert "phantom-heart" in done.stderr
