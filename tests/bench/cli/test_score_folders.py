"""Folders that are scored: each case once, whatever an operating system or a tool left beside it."""

import json
import shutil

import numpy as np
import pytest

from bench.data.images.volumes import write_scan

APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(100)


@pytest.fixture
def folders(tmp_path):
    """Two folders of three cases, the prediction one voxel off."""
    for number in range(3):
        label = np.zeros((12, 12, 12), np.uint8)
        label[3 : 8 + number, 3:8, 3:8] = 1
        for name, voxels in (("ref", label), ("pred", np.roll(label, 1, 0))):
            (tmp_path / name).mkdir(exist_ok=True)
            write_scan(voxels, np.eye(4), tmp_path / name / f"case_{number}.nii.gz")
    return tmp_path / "pred", tmp_path / "ref"


@pytest.mark.parametrize("words", [("score",), ("noise", "measure")])
def test_leftovers_beside_the_label_maps_change_nothing_and_are_named(folders, bench, words):
    plain = bench(*words, *folders, "--json")
    assert plain.returncode == 0, plain.stderr
    assert plain.stderr == ""
    (folders[0] / "._case_0.nii.gz").write_bytes(APPLE)
    (folders[1] / "._case_0.nii.gz").write_bytes(APPLE)
    (folders[1] / ".DS_Store").write_bytes(b"x")
    (folders[0] / "summary.json").write_text("{}")
    done = bench(*words, *folders, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(plain.stdout)
    for name in ("._case_0.nii.gz", ".DS_Store", "summary.json"):
        assert name in done.stderr


@pytest.mark.parametrize("words", [("score",), ("noise", "measure")])
@pytest.mark.parametrize("side", [0, 1])
def test_a_case_in_two_files_is_refused_and_both_are_named(folders, bench, words, side):
    stale = folders[side] / "case_1.nii"
    write_scan(np.ones((12, 12, 12), np.uint8), np.eye(4), stale)
    done = bench(*words, *folders)
    assert done.returncode == 4
    assert done.stdout == ""
    assert str(stale) in done.stderr
    assert str(stale.with_suffix(".nii.gz")) in done.stderr


def test_other_formats_of_a_folder_are_scored_alike(folders, bench):
    plain = json.loads(bench("score", *folders, "--json").stdout)
    import SimpleITK

    for path in sorted(folders[0].glob("*.nii.gz")):
        name = path.name.removesuffix(".nii.gz")
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(path.with_name(f"{name}.mha")))
        path.unlink()
    assert json.loads(bench("score", *folders, "--json").stdout) == plain


def test_links_of_label_maps_and_of_folders_are_followed(folders, bench, tmp_path):
    plain = bench("score", *folders, "--json").stdout
    (tmp_path / "links").mkdir()
    for path in folders[0].iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    (tmp_path / "linked").symlink_to(folders[1], target_is_directory=True)
    assert bench("score", tmp_path / "links", tmp_path / "linked", "--json").stdout == plain


def test_a_folder_without_label_maps_says_which_files_are_looked_for(folders, bench):
    shutil.rmtree(folders[1])
    folders[1].mkdir()
    done = bench("score", *folders)
    assert done.returncode == 4
    assert ".nii.gz" in done.stderr
    assert ".mha" in done.stderr
