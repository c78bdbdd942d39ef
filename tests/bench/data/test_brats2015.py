"""BRATS 2015 is found in its folders, flattened or not, and no channel is taken for another."""

import json
import shutil

import numpy as np
import pytest
import SimpleITK

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.data.images.volumes import read_label
from bench.data.sources.brats2015 import CHANNELS
from bench.errors import DataError
from bench.stages.context import image_of

SHAPE = (10, 12, 14)
LEVELS = {"Flair": 100, "T1": 200, "T1c": 300, "T2": 400}


def write(path, voxels_ijk):
    """As the organisers store them: int16, 1 mm, axes to the left and to the back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(voxels_ijk.transpose(2, 1, 0))
    image.SetOrigin((0.0, -239.0, 0.0))
    SimpleITK.WriteImage(image, str(path), useCompression=True)


def patient(folder, seed, *, flat=False):
    rng = np.random.default_rng(seed)
    label_ijk = rng.integers(0, 5, SHAPE).astype(np.int16)
    noise_ijk = rng.integers(1, 50, SHAPE).astype(np.int16)
    names = {
        f"VSD.Brain.XX.O.MR_{m}.{seed}{place}": LEVELS[m] + noise_ijk for place, m in enumerate(CHANNELS)
    }
    names[("VSD.Brain_3more.XX.O.OT", "VSD.Brain_5more.XX.XX.OT")[seed % 2] + f".{seed}9"] = label_ijk
    for name, voxels_ijk in names.items():
        write(folder / ("." if flat else name) / f"{name}.mha", voxels_ijk)
    return label_ijk


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Six high and four low grade patients, one name in both grades, flat and nested, junk between."""
    parent = tmp_path_factory.mktemp("brats")
    root = parent / "BRATS2015_Training"
    for number in range(6):
        patient(root / "HGG" / f"brats_2013_pat000{number}_1", number, flat=number == 2)
    for number in range(4):
        patient(root / "LGG" / f"brats_2013_pat000{number}_1", 10 + number)
    one = root / "HGG" / "brats_2013_pat0000_1"
    (one / "VSD.Brain.XX.O.MR_T1.00.txt").write_text("junk")
    (one / "VSD.Brain_3more.XX.O.OT.09" / "OT.nii.gz").write_bytes(b"junk")
    (one / "._VSD.Brain.XX.O.MR_T1.00.mha").write_bytes(b"junk")
    (root / "HGG" / "patients.csv").write_text("junk")
    (parent / "BRATS2015_Testing" / "HGG_LGG").mkdir(parents=True)
    return parent


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "brats")


def opened(folder, workshop):
    return open_dataset(f"brats2015:{folder}", DataSettings(), workshop)


def refused(folder):
    with pytest.raises(DataError) as caught:
        opened(folder, Workshop(folder.parent / "data"))
    return str(caught.value)


@pytest.fixture(scope="module")
def dataset(written, tmp_path_factory):
    return opened(written, Workshop(tmp_path_factory.mktemp("workshop")))


def test_channels_tissues_and_patients_of_both_grades_are_there(dataset):
    assert dataset.name == "brats2015"
    assert dataset.channels == ("Flair", "T1", "T1c", "T2")
    assert dataset.structures == ("necrosis", "oedema", "non_enhancing_core", "enhancing_core")
    assert dataset.pieces == "any"
    assert len(dataset.cases) == 10
    assert {"HGG-brats_2013_pat0001_1", "LGG-brats_2013_pat0001_1"} <= set(dataset.cases)


def test_each_channel_is_the_one_that_it_is_called(dataset):
    for files in dataset.cases.values():
        lows = image_of(files).image_cijk.reshape(4, -1).min(axis=1)
        assert (lows // 100).tolist() == [1, 2, 3, 4]


def test_a_scan_lies_where_its_metaimage_says(written, dataset, tmp_path):
    files = dataset.cases["HGG-brats_2013_pat0003_1"]
    volume = image_of(files)
    assert volume.spacing_mm == (1.0, 1.0, 1.0)
    assert np.allclose(volume.own.affine, [[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
    label_ijk = patient(tmp_path / "again", 3)
    from pathlib import Path

    assert np.array_equal(read_label(Path(files.label))[0], label_ijk[::-1, ::-1])


def test_both_grades_are_tested_in_the_shares_of_the_paper(dataset, tmp_path):
    assert [name[:3] for name in dataset.test] == ["HGG", "LGG"]
    assert set(dataset.train) | set(dataset.test) == set(dataset.cases)
    assert not set(dataset.train) & set(dataset.test)
    assert dataset.drawn(5) is dataset


def test_of_220_and_54_patients_25_and_5_are_test():
    from bench.data.sources.brats2015 import _test_cases

    high, low = ([f"{number:03d}" for number in range(count)] for count in (220, 54))
    assert len(set(_test_cases(high, "HGG"))) == 25
    assert len(set(_test_cases(low, "LGG"))) == 5
    assert _test_cases(high, "HGG") == _test_cases(high, "HGG")
    assert _test_cases(low[:3], "LGG") == []


def test_the_folder_itself_and_the_one_it_lies_in_are_the_same_data_set(written, dataset, tmp_path):
    again = opened(written / "BRATS2015_Training", Workshop(tmp_path))
    assert again == dataset
    remember(again, Workshop(tmp_path))
    assert recall(again.id, Workshop(tmp_path)) == dataset


def one_of(folder, name):
    return next((folder / "BRATS2015_Training" / "HGG" / "brats_2013_pat0001_1").rglob(f"*{name}*.mha"))


@pytest.mark.parametrize(
    ("name", "called"), [("MR_T1.", "T1;"), ("MR_T1c.", "T1c;"), ("MR_Flair.", "Flair;"), ("OT.", "label;")]
)
def test_a_file_that_is_missing_is_named_with_its_patient(folder, name, called):
    one_of(folder, name).unlink()
    sentence = refused(folder)
    assert f"brats_2013_pat0001_1 lacks {called}" in sentence


def test_two_files_of_one_channel_are_refused_and_named(folder):
    path = one_of(folder, "MR_T2.")
    shutil.copy(path, path.with_name("VSD.Brain.XX.O.MR_T2.77_corrected.mha"))
    assert "MR_T2.77_corrected.mha" in refused(folder)


def test_a_label_that_there_is_not_is_refused_and_named(folder):
    path = one_of(folder, "OT.")
    write(path, np.full(SHAPE, 5, np.int16))
    sentence = refused(folder)
    assert str(path) in sentence
    assert "label 5" in sentence


@pytest.mark.parametrize("damage", ["truncated", "no header", "empty", "flat", "colour"])
def test_a_damaged_metaimage_is_refused_and_named(folder, damage):
    path = one_of(folder, "MR_T1c.")
    whole = path.read_bytes()
    if damage == "flat":
        SimpleITK.WriteImage(SimpleITK.Image([8, 8], SimpleITK.sitkInt16), str(path))
    elif damage == "colour":
        SimpleITK.WriteImage(SimpleITK.Image([10, 12, 14], SimpleITK.sitkVectorInt16, 2), str(path))
    else:
        path.write_bytes({"truncated": whole[:-500], "no header": b"x" * 900, "empty": b""}[damage])
    assert str(path) in refused(folder)


def test_a_channel_of_another_shape_is_refused_and_named(folder):
    path = one_of(folder, "MR_T2.")
    write(path, np.arange(11 * 12 * 14, dtype=np.int16).reshape(11, 12, 14))
    assert str(path) in refused(folder)


def test_a_folder_without_patients_or_with_too_few_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    assert "no patients in HGG or LGG" in refused(tmp_path / "none")
    for number in range(3):
        patient(tmp_path / "few" / "HGG" / f"pat{number}", number)
    assert "3 patients" in refused(tmp_path / "few")


def test_a_note_is_no_label_and_is_named_as_not_used(folder, tmp_path, caplog):
    one = folder / "BRATS2015_Training" / "HGG" / "brats_2013_pat0001_1"
    write(one / "VSD.Brain.XX.O.NOTE.77.mha", np.zeros(SHAPE, np.int16))
    opened(folder, Workshop(tmp_path / "data"))
    assert "VSD.Brain.XX.O.NOTE.77.mha" in caplog.text


def test_capitals_of_grades_and_modalities_make_no_difference(folder, dataset, tmp_path):
    root = folder / "BRATS2015_Training"
    for path in sorted(root.rglob("*MR_T1c*.mha")):
        path.rename(path.with_name(path.name.replace("T1c", "T1C")))
    (root / "HGG").rename(root / "hgg")
    assert opened(folder, Workshop(tmp_path / "data")).id == dataset.id


def test_nifti_is_read_where_it_replaces_what_was_published(folder, dataset, tmp_path):
    for path in sorted((folder / "BRATS2015_Training").rglob("*.mha")):
        if not path.name.startswith("."):
            SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(path.with_suffix(".nii.gz")))
        path.unlink()
    next((folder / "BRATS2015_Training").rglob("OT.nii.gz")).unlink()  # junk of the folder
    again = opened(folder, Workshop(tmp_path / "data"))
    assert set(again.cases) == set(dataset.cases)
    case = sorted(dataset.cases)[0]
    one, other = (image_of(found.cases[case]).image_cijk for found in (dataset, again))
    np.testing.assert_array_equal(one, other)


def test_linked_modalities_of_a_patient_are_followed(folder, dataset, tmp_path):
    patient_folder = folder / "BRATS2015_Training" / "LGG" / "brats_2013_pat0003_1"
    patient_folder.rename(tmp_path / "elsewhere")
    patient_folder.mkdir()
    for path in (tmp_path / "elsewhere").iterdir():
        (patient_folder / path.name).symlink_to(path)
    assert opened(folder, Workshop(tmp_path / "data")).id == dataset.id


def test_a_check_says_what_is_wrong_with_a_patient_where_no_patient_is_whole(tmp_path, bench):
    for number in range(4):
        one = tmp_path / "brats" / "HGG" / f"pat{number}"
        patient(one, number, flat=True)
        next(one.glob("*MR_T2.*")).unlink()
    done = bench("data", "check", f"brats2015:{tmp_path / 'brats'}", "--store", tmp_path / "store", "--json")
    assert done.returncode == 4
    said = [finding["what"] for finding in json.loads(done.stdout)["findings"]]
    assert sum("lacks T2" in sentence for sentence in said) == 4
    assert not any("has no patients" in sentence for sentence in said)


def test_one_label_in_nifti_beside_modalities_in_metaimage_is_read(folder, dataset, tmp_path):
    patient_folder = folder / "BRATS2015_Training" / "HGG" / "brats_2013_pat0002_1"
    path = next(patient_folder.rglob("*OT*.mha"))
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(path.with_suffix(".nii.gz")))
    path.unlink()
    found = opened(folder, Workshop(tmp_path / "store"))
    case = "HGG-brats_2013_pat0002_1"
    assert found.cases[case].label.endswith(".nii.gz")
    assert found.contents[case] == dataset.contents[case]


def test_a_label_in_lower_case_is_one(folder, dataset, tmp_path):
    for path in list(folder.rglob("*.OT.*.mha")):
        path.rename(path.with_name(path.name.lower()))
    assert opened(folder, Workshop(tmp_path / "store")).id == dataset.id


def test_two_folders_of_one_grade_are_refused_and_named(folder):
    root = folder / "BRATS2015_Training"
    shutil.copytree(root / "LGG", root / "lgg")
    assert "LGG and lgg" in refused(folder)


def test_a_folder_that_is_missing_or_a_file_is_said_to_be_so(tmp_path):
    assert "nowhere does not exist" in refused(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    assert "is no folder" in refused(tmp_path / "file")
