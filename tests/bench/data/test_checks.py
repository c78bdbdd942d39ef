"""Each check finds the fault that was planted, names the case and the file, and nothing else is found."""

import json

import nibabel
import numpy as np
import pytest

from bench.checks.data import CHECKS, findings
from bench.checks.data.survey import survey
from bench.data.catalogue import listing_of
from bench.data.dataset import DataSettings, Workshop
from bench.data.images.volumes import write_scan

SHAPE = (20, 16, 12)
RNG = np.random.default_rng(7)


@pytest.fixture
def folder(tmp_path, decathlon_folder):
    return decathlon_folder(tmp_path / "Task")


def found_in(folder):
    complaints = []
    listing = listing_of(f"decathlon:{folder}", DataSettings(), Workshop(folder.parent / "data"), complaints)
    return findings(survey(listing, complaints))


def scan(folder, case, sub="imagesTr"):
    return folder / sub / f"case_{case:02d}.nii.gz"


def rewrite(path, change=None, affine=None, zooms=None):
    """The same scan with its voxels changed, on another affine, or with another voxel size in its header."""
    image = nibabel.load(path)
    voxels = np.array(image.dataobj)
    voxels = voxels if change is None else change(voxels)
    made = nibabel.Nifti1Image(voxels, image.affine if affine is None else affine(image.affine.copy()))
    if zooms is not None:
        made.header.set_zooms(zooms)
    path.unlink()
    nibabel.save(made, path)


def describe(folder, edit):
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    edit(description)
    path.write_text(json.dumps(description))


def with_value(value, at=(0, 0, 0)):
    def change(voxels):
        voxels = voxels.astype(np.float32)
        voxels[at] = value
        return voxels

    return change


def copy(folder, old, new, *, subs=("imagesTr", "labelsTr")):
    for sub in subs:
        scan(folder, new, sub).write_bytes(scan(folder, old, sub).read_bytes())


def both(folder, case, **changes):
    for sub in ("imagesTr", "labelsTr"):
        rewrite(scan(folder, case, sub), **changes)


def sheared(affine):
    affine[:3, 1] += 0.1 * affine[:3, 0]
    return affine


def without_inverse(affine):
    affine[:3, 2] = affine[:3, 1]
    return affine


def flipped(affine):
    return affine @ np.diag([-1.0, 1, 1, 1]) + np.eye(4) * 0


def moved(affine):
    affine[0, 3] += 5
    return affine


def scaled(by):
    return lambda affine: affine @ np.diag([by, by, by, 1])


PLANTED = {
    "a file that is cut": (
        lambda f: scan(f, 2).write_bytes(scan(f, 2).read_bytes()[:300]),
        {("error", "readable", "case_02", "imagesTr")},
    ),
    "a file that is not there": (
        lambda f: scan(f, 2, "labelsTr").unlink(),
        {("error", "readable", "case_02", "labelsTr")},
    ),
    "a file that is text": (
        lambda f: scan(f, 2).write_text("no image"),
        {("error", "readable", "case_02", "imagesTr")},
    ),
    "an affine without inverse": (
        lambda f: rewrite(scan(f, 3), affine=without_inverse),
        {("error", "affine", "case_03", "imagesTr"), ("error", "affine", "case_03", "imagesTr")},
    ),
    "a sheared pair": (
        lambda f: both(f, 3, affine=sheared),
        {("warning", "affine", "case_03", "imagesTr"), ("warning", "affine", "case_03", "labelsTr")},
    ),
    "a label elsewhere": (
        lambda f: rewrite(scan(f, 1, "labelsTr"), affine=moved),
        {("error", "affine", "case_01", "labelsTr")},
    ),
    "a label of another shape": (
        lambda f: rewrite(scan(f, 1, "labelsTr"), change=lambda v: v[:-1]),
        {("error", "shapes", "case_01", "labelsTr")},
    ),
    "voxel sizes that the affine contradicts": (
        lambda f: rewrite(scan(f, 4), zooms=(3.0, 3.0, 3.0)),
        {("error", "spacing", "case_04", "imagesTr")},
    ),
    "voxels three times as large": (
        lambda f: both(f, 4, affine=scaled(3)),
        {("warning", "spacing", "case_04", "imagesTr")},
    ),
    "voxels of a tenth of a micrometre": (
        lambda f: both(f, 4, affine=scaled(1e-4)),
        {("warning", "spacing", "case_04", "imagesTr"), ("warning", "spacing", "case_04", "labelsTr")},
    ),
    "another orientation": (
        lambda f: both(f, 5, affine=flipped),
        {("note", "orientation", "case_05", "imagesTr")},
    ),
    "two channels": (
        lambda f: rewrite(scan(f, 0), change=lambda v: np.stack([v, v], -1)),
        {("error", "shapes", "case_00", "imagesTr")},
    ),
    "NaN": (
        lambda f: rewrite(scan(f, 0), change=with_value(np.nan)),
        {("error", "intensities", "case_00", "imagesTr")},
    ),
    "a constant image": (
        lambda f: rewrite(scan(f, 0), change=np.ones_like),
        {("error", "intensities", "case_00", "imagesTr")},
    ),
    "a label of 7": (
        lambda f: rewrite(scan(f, 6, "labelsTr"), change=with_value(7)),
        {("error", "labels", "case_06", "labelsTr")},
    ),
    "a label of one half": (
        lambda f: rewrite(scan(f, 6, "labelsTr"), change=with_value(0.5)),
        {("error", "labels", "case_06", "labelsTr")},
    ),
    "a label of infinity": (
        lambda f: rewrite(scan(f, 6, "labelsTr"), change=with_value(np.inf)),
        {("error", "labels", "case_06", "labelsTr")},
    ),
    "a structure that one case lacks": (
        lambda f: rewrite(scan(f, 6, "labelsTr"), change=lambda v: np.minimum(v, 1)),
        {("note", "structures", "case_06", "labelsTr")},
    ),
    "a label map of background": (
        lambda f: rewrite(scan(f, 6, "labelsTr"), change=np.zeros_like),
        {("warning", "structures", "case_06", "labelsTr")},
    ),
    "a structure that all cases lack": (
        lambda f: describe(f, lambda d: d["labels"].update({"3": "rind"})),
        {("error", "structures", "", "")},
    ),
    "a case without a label": (
        lambda f: describe(f, lambda d: d["training"].append({"image": "./imagesTr/case_00.nii.gz"})),
        {("error", "listing", "", "")},
    ),
    "a path out of the folder": (
        lambda f: describe(f, lambda d: d["training"].append({"image": "../x.nii", "label": "y.nii"})),
        {("error", "listing", "", "")},
    ),
}  # fmt: skip


def seen(found):
    return {(one.severity, one.check, one.case, one.file.split("/")[-2] if one.file else "") for one in found}


def test_nothing_is_amiss_with_a_sound_folder(folder):
    assert found_in(folder) == []


@pytest.mark.parametrize("how", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else(folder, how):
    plant, expected = PLANTED[how]
    plant(folder)
    found = found_in(folder)
    assert seen(found) == expected
    assert all(one.what.isprintable() for one in found)


def split(folder):
    return listing_of(f"decathlon:{folder}", DataSettings(), Workshop(folder.parent / "data"), [])


def number(name):
    return int(name.rpartition("_")[2])


def test_a_copy_among_the_training_cases_is_a_duplicate_and_no_leak(folder):
    old, new = (number(name) for name in split(folder).train[:2])
    copy(folder, old, new)
    name = f"case_{new:02d}"
    assert seen(found_in(folder)) == {("warning", "duplicates", name, s) for s in ("imagesTr", "labelsTr")}


def test_a_training_case_that_is_test_under_another_name_is_a_leak(folder):
    listed = split(folder)
    old, new = number(listed.train[0]), number(listed.test[0])
    copy(folder, old, new, subs=["imagesTr"])
    leaks = [one for one in found_in(folder) if one.check == "leaks"]
    assert [(one.severity, one.case) for one in leaks] == [("error", listed.test[0])]
    assert listed.train[0] in leaks[0].what


@pytest.mark.parametrize(
    "disguise",
    [{"affine": moved}, {"affine": scaled(1.2)}, {"change": lambda v: v.astype(np.float64)}],
)
def test_a_copy_is_found_under_another_affine_or_type(folder, disguise):
    listed = split(folder)
    old, new = number(listed.train[0]), number(listed.test[0])
    copy(folder, old, new)
    both(folder, new, **disguise)
    found = [one for one in found_in(folder) if one.check in ("duplicates", "leaks")]
    assert len(found) == 4
    assert any("another affine" in one.what for one in found) is ("affine" in disguise)


def test_a_copy_that_is_stored_along_other_axes_is_found(folder):
    listed = split(folder)
    old, new = number(listed.train[0]), number(listed.test[0])
    image = nibabel.load(scan(folder, old))
    turned = image.as_reoriented(np.array([[1, -1], [0, 1], [2, 1]]))
    scan(folder, new).unlink()
    nibabel.save(turned, scan(folder, new))
    assert ("error", "leaks", listed.test[0], "imagesTr") in seen(found_in(folder))


def test_empty_label_maps_are_equal_and_no_copies_of_each_other(folder):
    for case in range(7):
        rewrite(scan(folder, case, "labelsTr"), change=np.zeros_like)
    assert not {"duplicates", "leaks"} & {one.check for one in found_in(folder)}


def test_an_empty_mask_and_a_mask_elsewhere_are_found(folder):
    (folder / "masksTr").mkdir()
    affine = nibabel.load(scan(folder, 0)).affine
    write_scan(np.zeros(SHAPE, np.uint8), affine, scan(folder, 0, "masksTr"))
    write_scan(np.ones(SHAPE, np.uint8), moved(affine.copy()), scan(folder, 1, "masksTr"))
    names = ("./masksTr/case_00.nii.gz", "./masksTr/case_01.nii.gz")
    describe(folder, lambda d: [item.update(mask=m) for item, m in zip(d["training"], names, strict=False)])
    expected = {("error", "intensities", "case_00", "masksTr"), ("error", "affine", "case_01", "masksTr")}
    assert seen(found_in(folder)) == expected


def test_all_faults_are_listed_and_not_only_the_first(folder):
    scan(folder, 0).write_text("no image")
    scan(folder, 1, "labelsTr").unlink()
    rewrite(scan(folder, 2), change=with_value(np.nan))
    rewrite(scan(folder, 3, "labelsTr"), change=with_value(9))
    found = found_in(folder)
    assert [one.case for one in found] == ["case_00", "case_01", "case_02", "case_03"]


def test_every_check_is_named_by_what_it_finds():
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)


def test_a_challenge_with_missing_and_damaged_files_is_still_looked_through(tmp_path, hvsmr_folder):
    folder = hvsmr_folder(tmp_path / "HVSMR")
    next(folder.rglob("training_axial_crop_pat3-label.nii.gz")).unlink()
    next(folder.rglob("training_axial_crop_pat1.nii*")).write_bytes(b"junk")
    complaints = []
    listing = listing_of(f"hvsmr2016:{folder}", DataSettings(), Workshop(tmp_path / "data"), complaints)
    found = findings(survey(listing, complaints))
    assert "pat3-label" in complaints[0]
    assert {one.check for one in found} == {"listing", "readable", "orientation", "duplicates"}
    assert [one.case for one in found if one.check == "readable"] == ["training_axial_crop_pat1"]
