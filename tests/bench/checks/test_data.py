"""``bench data check``: exit code, one JSON document, 80 columns; made data are made and checked."""

import json

import pytest


@pytest.fixture
def damaged(tmp_path, decathlon_folder):
    folder = decathlon_folder(tmp_path / "Task")
    (folder / "imagesTr" / "case_01.nii.gz").write_bytes(b"junk")
    (folder / "labelsTr" / "case_02.nii.gz").unlink()
    return folder


def test_findings_are_one_document_and_errors_end_with_4(damaged, tmp_path, bench):
    done = bench("data", "check", f"decathlon:{damaged}", "--store", tmp_path / "store", "--json")
    assert done.returncode == 4
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert list(said) == ["dataset", "cases", "train", "test", "findings"]
    assert (said["dataset"], said["cases"], said["train"], said["test"]) == ("spheres", 7, 5, 2)
    assert [(one["severity"], one["check"], one["case"]) for one in said["findings"]] == [
        ("error", "readable", "case_01"),
        ("error", "readable", "case_02"),
    ]
    assert all(list(one) == ["severity", "check", "case", "file", "what"] for one in said["findings"])


def test_a_reader_sees_every_finding_in_80_columns(damaged, tmp_path, bench):
    done = bench("data", "check", f"decathlon:{damaged}", "--store", tmp_path / "store")
    assert done.returncode == 4
    lines = done.stdout.splitlines()
    assert "error: readable: case_01, imagesTr/case_01.nii.gz" in lines
    assert lines[-1] == "spheres: 7 cases (5 training, 2 test); 2 errors"
    assert all(len(line) <= 80 for line in lines)
    assert "    it does not exist" in lines


def test_sound_data_end_with_0_and_leave_no_store_behind(spheres, tmp_path, bench):
    done = bench("data", "check", f"decathlon:{spheres}", "--store", tmp_path / "store")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "spheres: 7 cases (5 training, 2 test); nothing is amiss\n"
    assert not (tmp_path / "store").exists()


def test_an_added_name_is_checked_where_it_lies(spheres, tmp_path, bench):
    store = ("--store", tmp_path / "store")
    assert bench("data", "add", "mine", "--from", spheres, *store).returncode == 0
    said = json.loads(bench("data", "check", "mine", *store, "--json").stdout)
    assert (said["dataset"], said["findings"]) == ("mine", [])


@pytest.mark.slow
def test_made_data_are_made_in_the_store_and_checked(tmp_path, bench):
    done = bench("data", "check", "phantom-heart", "--store", tmp_path / "store", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["dataset"], said["train"], said["test"]) == ("phantom-heart", 10, 30)
    assert (tmp_path / "store" / "data" / "phantom-heart-quick-0-v2").is_dir()


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [("phantom-hart", 2, "phantom-heart"), ("decathlon:none", 4, "dataset.json"), ("decathlon", 2, "DIR")],
)
def test_what_cannot_be_looked_through_is_refused(tmp_path, bench, words, code, named):
    done = bench("data", "check", words, "--store", tmp_path / "store")
    assert done.returncode == code
    assert named in done.stderr
