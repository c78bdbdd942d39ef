"""What a folder holds: each case once, links followed, what is left out named."""

import numpy as np
import pytest
import SimpleITK

from bench.data.sources.found_files import case_of, ending_of, files_below, is_leftover, not_used, scans_in
from bench.errors import DataError
from bench.files.names import safe_name, safe_names


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("a.nii.gz", "a"),
        ("a.nii", "a"),
        ("a.b.NII.GZ", "a.b"),
        ("a.mha", "a"),
        ("a.mhd", "a"),
        ("a.hdr", "a"),
    ],
)
def test_a_case_is_named_as_its_file_without_the_ending(name, case):
    assert case_of(name) == case


@pytest.mark.parametrize("name", ["a.txt", "a.gz", ".nii.gz", "nii.gz", "a.json", "a.nii.gz.part"])
def test_other_files_have_no_ending_of_an_image(name):
    assert ending_of(name) == ""


def test_what_systems_leave_behind_and_other_files_are_left_out(tmp_path):
    folder = files(tmp_path, "a.nii.gz", "b.mha", "._a.nii.gz", ".DS_Store", "Thumbs.db", "notes.txt")
    found = scans_in(folder)
    assert {case: path.name for case, path in found.scans.items()} == {"a": "a.nii.gz", "b": "b.mha"}
    assert {path.name for path in found.left_out} == {"._a.nii.gz", ".DS_Store", "Thumbs.db", "notes.txt"}


def test_the_voxels_of_a_header_are_neither_a_case_nor_left_out(tmp_path):
    files(tmp_path, "a.mhd", "a.raw", "b.hdr", "b.img", "c.raw")
    (tmp_path / "a.mhd").write_text("ElementDataFile = a.raw\n")
    found = scans_in(tmp_path)
    assert set(found.scans) == {"a", "b"}
    assert [path.name for path in found.left_out] == ["c.raw"]


@pytest.mark.parametrize("other", ["a.nii", "a.mha", "a.NII.GZ"])
def test_two_files_of_one_case_are_refused_and_both_named(tmp_path, other):
    folder = files(tmp_path, "a.nii.gz", other)
    with pytest.raises(DataError, match="twice") as caught:
        scans_in(folder)
    assert str(folder / "a.nii.gz") in str(caught.value)
    assert str(folder / other) in str(caught.value)


def test_links_to_folders_are_followed_and_no_folder_is_entered_twice(tmp_path):
    files(tmp_path / "elsewhere", "deep/a.nii", "b.nii")
    (tmp_path / "root" / "own").mkdir(parents=True)
    (tmp_path / "root" / "linked").symlink_to("../elsewhere")
    (tmp_path / "root" / "own" / "up").symlink_to("..")
    (tmp_path / "root" / "own" / "again").symlink_to("../../elsewhere")
    (tmp_path / "root" / "dangling").symlink_to("nowhere")
    found = [str(path.relative_to(tmp_path / "root")) for path in files_below(tmp_path / "root")]
    assert found == ["dangling", "linked/b.nii", "linked/deep/a.nii"]


def test_hidden_folders_are_not_entered(tmp_path):
    files(tmp_path, "__MACOSX/._a.nii", ".git/a.nii", "a.nii", "._a.nii")
    assert [path.name for path in files_below(tmp_path)] == ["._a.nii", "a.nii"]
    assert is_leftover("._a.nii")


def test_what_is_left_out_is_named_in_a_sentence(tmp_path):
    assert not_used(tmp_path, []) == ""
    assert not_used(tmp_path, [tmp_path / "a"]) == f"a in {tmp_path} is not used."
    five = [tmp_path / name for name in "abcde"]
    assert not_used(tmp_path, five) == f"a, b, c and 2 more in {tmp_path} are not used."


def test_different_names_stay_different():
    texts = [
        "case 1",
        "case-1",
        "case/1",
        "é1",
        "è1",
        "病例一",
        "病例二",
        "x" * 90 + "a",
        "x" * 90 + "b",
        "plain",
    ]
    names = safe_names(texts, "case")
    assert len(set(names.values())) == len(texts)
    assert names["case-1"] == "case-1"
    assert names["plain"] == "plain"
    assert all(name.isascii() and len(name) <= 80 for name in names.values())
    assert safe_names(["case 1", "b"], "case")["case 1"] == "case-1"  # as it was called before


def test_a_name_stays_the_same_whatever_else_is_listed():
    assert safe_names(["病例一"], "case")["病例一"] == safe_names(["病例一", "a"], "case")["病例一"]
    assert safe_name("病例一", "case").startswith("case-")


@pytest.mark.parametrize("text", ["", "***", "-.-"])
def test_a_name_without_a_letter_of_any_script_is_refused(text):
    with pytest.raises(DataError, match="no letter or digit"):
        safe_name(text, "case")


def test_links_that_lead_nowhere_or_to_themselves_are_no_folders(tmp_path):
    folder = files(tmp_path, "a.nii.gz")
    (folder / "loop").symlink_to("loop")
    (folder / "gone").symlink_to("nowhere")
    assert [path.name for path in files_below(folder)] == ["a.nii.gz", "gone", "loop"]


@pytest.mark.parametrize("target", ["nowhere.nii.gz", "b.nii.gz"])
def test_a_scan_that_is_a_link_to_nothing_is_refused_and_not_left_out(tmp_path, target):
    folder = files(tmp_path, "a.nii.gz")
    (folder / "b.nii.gz").symlink_to(target)
    with pytest.raises(DataError, match=r"b\.nii\.gz is a link to a file that does not exist"):
        scans_in(folder)


def test_a_folder_that_is_called_as_a_scan_is_left_out_and_named(tmp_path):
    files(tmp_path, "a.nii.gz", "b.nii.gz/x")
    assert scans_in(tmp_path).left_out == (tmp_path / "b.nii.gz",)


@pytest.mark.parametrize("ending", [".mhd", ".hdr"])
def test_voxels_beside_a_header_are_used_whatever_their_name(tmp_path, ending):
    image = SimpleITK.GetImageFromArray(np.zeros((3, 3, 3), np.uint8))
    SimpleITK.WriteImage(image, str(tmp_path / f"Case{ending}"))
    if ending == ".mhd":
        (tmp_path / "Case.raw").rename(tmp_path / "voxels.bin")
        header = (tmp_path / "Case.mhd").read_text()
        (tmp_path / "Case.mhd").write_text(header.replace("Case.raw", "voxels.bin"))
    (tmp_path / "other.raw").write_bytes(b"x")
    assert scans_in(tmp_path).left_out == (tmp_path / "other.raw",)
