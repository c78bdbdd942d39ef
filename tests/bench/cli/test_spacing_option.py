"""A header whose pixdim and sform contradict each other: every verb refuses it unless told which holds."""

import json

import nibabel
import numpy as np
import pytest


def contradicting(path):
    """The same scan with half the voxel size in its pixdim."""
    image = nibabel.load(path)
    made = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    made.header.set_zooms([size / 2 for size in image.header.get_zooms()])
    path.unlink()
    nibabel.save(made, path)


@pytest.fixture
def folder(tmp_path, decathlon_folder):
    """One case contradicts itself, image and label alike."""
    made = decathlon_folder(tmp_path / "Task")
    for sub in ("imagesTr", "labelsTr"):
        contradicting(made / sub / "case_03.nii.gz")
    return made


def mm(rows, metric="hdd"):
    return [row["value"] for row in rows if row["metric"] == metric and row["structure"] == "1"]


def test_score_refuses_takes_what_it_is_told_and_keeps_stdout_to_its_document(here, tmp_path, folder):
    label = folder / "labelsTr" / "case_03.nii.gz"
    moved = tmp_path / "moved.nii.gz"
    image = nibabel.load(label)
    nibabel.save(nibabel.Nifti1Image(np.roll(image.dataobj, 2, axis=2), None, image.header), moved)
    refused = here("score", moved, label, "--json")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "which contradict each other; say which holds with --spacing pixdim or sform" in refused.stderr
    found = {}
    for holds in ("pixdim", "sform"):
        done = here("score", moved, label, "--json", "--spacing", holds)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(f"its {holds} is taken") == 2
        found[holds] = mm(json.loads(done.stdout))
    assert found["sform"][0] == pytest.approx(2 * found["pixdim"][0], rel=1e-6)
    assert found["sform"][0] > 0


def test_noise_measure_refuses_and_takes_what_it_is_told(here, folder):
    label = folder / "labelsTr" / "case_03.nii.gz"
    assert here("noise", "measure", label, label).returncode == 4
    done = here("noise", "measure", label, label, "--spacing", "sform", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert "its sform is taken" in done.stderr


@pytest.mark.parametrize("words", [["score"], ["noise", "measure"]], ids=" ".join)
def test_another_word_is_no_spacing(here, folder, words):
    label = folder / "labelsTr" / "case_00.nii.gz"
    done = here(*words, label, label, "--spacing", "qform")
    assert done.returncode == 2
    assert "pixdim" in done.stderr


def planned(here, folder, *words):
    return here(
        "run", "--dataset", f"decathlon:{folder}", "--recipe", "smoke", "--store", "s", "-n", "--json", *words
    )


def test_run_refuses_and_takes_what_it_is_told(here, folder):
    refused = planned(here, folder)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "case_03.nii.gz has pixdim voxels of" in refused.stderr
    assert "--set data.spacing=pixdim or sform" in refused.stderr
    found = {}
    for holds in ("pixdim", "sform"):
        for _ in range(2):  # what was looked through once is told again
            done = planned(here, folder, "--set", f"data.spacing={holds}")
            assert done.returncode == 0, done.stderr
            assert done.stderr.count(f"its {holds} is taken") == 2
        found[holds] = json.loads(done.stdout)["datasets"]
    assert found["pixdim"] != found["sform"], "another place is another scan"
    assert planned(here, folder, "--set", "data.spacing=qform").returncode == 2
    assert planned(here, folder, "--set", "data.validate=false").returncode == 4


def test_the_setting_changes_no_key_of_a_data_set_that_is_sound(here, tmp_path, decathlon_folder):
    sound = decathlon_folder(tmp_path / "Sound")
    said = [planned(here, sound), planned(here, sound, "--set", "data.spacing=sform")]
    assert [done.stderr for done in said] == ["", ""]
    one, other = (json.loads(done.stdout)["datasets"] for done in said)
    assert one == other, "the fingerprints of all scans, which the keys of all stages hold"
    assert "spacing" not in json.loads(said[0].stdout)["recipe"]["data"]


def test_many_warnings_are_cut_and_counted(here, folder):
    for number in (0, 1, 2, 4, 5):
        for sub in ("imagesTr", "labelsTr"):
            contradicting(folder / sub / f"case_{number:02d}.nii.gz")
    done = planned(here, folder, "--set", "data.spacing=sform")
    assert done.stderr.count("its sform is taken") == 5
    assert "7 more such warnings" in done.stderr


def test_data_check_and_data_add_take_what_they_are_told(here, folder):
    spec = f"decathlon:{folder}"
    assert here("data", "check", spec).returncode == 4
    refused = here("data", "add", "mine", "--from", folder)
    assert (refused.returncode, "--spacing pixdim or sform" in refused.stderr) == (4, True)
    for holds in ("pixdim", "sform"):
        checked = here("data", "check", spec, "--spacing", holds, "--json")
        assert checked.returncode == 0, checked.stderr
        said = [one["what"] for one in json.loads(checked.stdout)["findings"] if one["check"] == "spacing"]
        assert any(f"its {holds} is taken, as was said" in what for what in said)
    added = here("data", "add", "mine", "--from", folder, "--spacing", "sform")
    assert added.returncode == 0, added.stderr
    words = ("--dataset", "mine", "--methods", "densevoxnet", "--xi", "0.5", "--recipe", "smoke", "-n")
    assert here("run", *words).returncode == 4
    assert here("run", *words, "--set", "data.spacing=sform").returncode == 0
