"""A Decathlon folder is read whole, or refused in a sentence that names what is wrong."""

import json
import os

import numpy as np
import pytest

from bench.data.dataset import Workshop
from bench.data.images.volumes import read_grid, write_scan
from bench.data.sources import cases
from bench.data.sources.decathlon import open_dataset
from bench.errors import DataError
from bench.stages.context import image_of
from bench.stages.model import normal

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


@pytest.fixture
def folder(tmp_path, decathlon_folder):
    return decathlon_folder(tmp_path / "Task")


def opened(folder, workshop=None, *, validate=True):
    return open_dataset(folder, workshop or Workshop(folder.parent / "data"), validate=validate)


def change(folder, edit):
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    edit(description)
    path.write_text(json.dumps(description))
    return folder


def refused(folder):
    with pytest.raises(DataError) as caught:
        opened(folder)
    assert caught.value.exit_code == 4
    return str(caught.value)


def test_names_channels_structures_and_cases_are_those_of_the_folder(folder):
    dataset = opened(folder)
    assert dataset.name == "spheres"
    assert dataset.channels == ("MRI",)
    assert dataset.structures == ("shell", "core")
    assert set(dataset.cases) == {f"case_{number:02d}" for number in range(7)}
    assert set(dataset.train) | set(dataset.test) == set(dataset.cases)
    assert not set(dataset.train) & set(dataset.test)


@pytest.mark.parametrize(("cases", "num_test"), [(4, 1), (7, 2), (10, 3)])
def test_three_in_ten_are_test_the_same_each_time_and_everywhere(tmp_path, decathlon_folder, cases, num_test):
    first = opened(decathlon_folder(tmp_path / "one", cases=cases, shape=(8, 8, 8)))
    again = opened(decathlon_folder(tmp_path / "two", cases=cases, shape=(8, 8, 8)))
    assert len(first.test) == num_test
    assert first.test == again.test
    assert first.id == again.id


def test_the_order_of_the_list_changes_nothing(folder):
    before = opened(folder)
    change(folder, lambda d: d["training"].reverse())
    assert opened(folder).test == before.test
    assert opened(folder).id == before.id


def test_a_missing_folder_or_description_is_named(tmp_path):
    assert str(tmp_path / "none" / "dataset.json") in refused(tmp_path / "none")
    (tmp_path / "bare").mkdir()
    assert "dataset.json" in refused(tmp_path / "bare")


@pytest.mark.parametrize("text", ["{", "", "[1, 2]", "5", "null", "[" * 100_000, '{"name": "x"}'])
def test_a_broken_description_is_refused(folder, text):
    (folder / "dataset.json").write_text(text)
    assert "dataset.json" in refused(folder)


def test_a_description_that_is_no_text_is_refused(folder):
    (folder / "dataset.json").write_bytes(b"\xff\xfe\x00\x01")
    assert "dataset.json" in refused(folder)


EDITS = {
    "name is a number": lambda d: d.update(name=5),
    "name has no letter": lambda d: d.update(name="***"),
    "labels are a list": lambda d: d.update(labels=["a", "b"]),
    "labels have a gap": lambda d: d.update(labels={"0": "background", "2": "core"}),
    "labels begin at one": lambda d: d.update(labels={"1": "shell", "2": "core"}),
    "labels are words": lambda d: d.update(labels={"background": "0", "shell": "1", "core": "2"}),
    "background alone": lambda d: d.update(labels={"0": "background"}),
    "two structures of one name": lambda d: d.update(labels={"0": "b", "1": "core", "2": "core"}),
    "a structure called all": lambda d: d.update(labels={"0": "b", "1": "all", "2": "core"}),
    "a label number twice": lambda d: d.update(labels={"0": "b", "1": "core", "01": "shell", "2": "x"}),
    "no training list": lambda d: d.pop("training"),
    "no cases": lambda d: d.update(training=[]),
    "three cases": lambda d: d.update(training=d["training"][:3]),
    "a case is a word": lambda d: d["training"].append("case"),
    "a case is a number": lambda d: d["training"].append(5),
    "an image without a label": lambda d: d["training"][0].pop("label"),
    "a label without an image": lambda d: d["training"][0].pop("image"),
    "a case twice": lambda d: d["training"].append(d["training"][0]),
    "an image that is not there": lambda d: d["training"][0].update(image="./imagesTr/none.nii.gz"),
    "a label that is not there": lambda d: d["training"][0].update(label="./labelsTr/none.nii.gz"),
    "an image that is a number": lambda d: d["training"][0].update(image=5),
    "a path out of the folder": lambda d: d["training"][0].update(image="../outside.nii.gz"),
    "an absolute path": lambda d: d["training"][0].update(image="/etc/hostname"),
    "modality is nothing": lambda d: d.update(modality=None),
    "modality is empty": lambda d: d.update(modality={}),
    "a channel number twice": lambda d: d.update(modality={"0": "T1", "00": "T2"}),
    "two structures of one name once they are safe": lambda d: d.update(
        labels={"0": "b", "1": "left core", "2": "left/core"}
    ),
    "modality is a list": lambda d: d.update(modality=["MRI"]),
    "modality names more channels than there are": lambda d: d.update(modality={"0": "T1", "1": "T2"}),
    "test cases nobody knows": lambda d: d.update(bench_test=["nobody"]),
    "all cases are test": lambda d: d.update(bench_test=[f"case_{n:02d}" for n in range(7)]),
    "no case is test": lambda d: d.update(bench_test=[]),
    "one case left to train on": lambda d: d.update(bench_test=[f"case_{n:02d}" for n in range(1, 7)]),
    "a test case twice": lambda d: d.update(bench_test=["case_00", "case_00"]),
    "three cases, two of them test": lambda d: d.update(
        training=d["training"][:3], bench_test=["case_00", "case_01"]
    ),
    "two cases, one of them test": lambda d: d.update(training=d["training"][:2], bench_test=["case_00"]),
    "a mask that is not there": lambda d: d["training"][0].update(mask="./masksTr/none.nii.gz"),
    "a mask out of the folder": lambda d: d["training"][0].update(mask="../outside.nii.gz"),
    "test cases are a word": lambda d: d.update(bench_test="case_00"),
    "test cases are lists": lambda d: d.update(bench_test=[["case_00"]]),
}


@pytest.mark.parametrize("how", EDITS)
def test_a_description_that_cannot_be_is_refused_and_named(folder, how):
    write_scan(np.ones((4, 4, 4)), AFFINE, folder.parent / "outside.nii.gz")
    sentence = refused(change(folder, EDITS[how]))
    assert str(folder) in sentence or "***" in sentence


def test_files_may_be_links_to_where_they_really_lie(folder):
    before = opened(folder)
    outside = folder.parent / "SHA256-0123.nii.gz"
    inside = folder / "imagesTr" / "case_00.nii.gz"
    inside.rename(outside)
    inside.symlink_to(outside)
    assert opened(folder) == before
    assert opened(folder).cases["case_00"].images == (str(inside),)


@pytest.mark.parametrize(
    "path", ["..", "imagesTr/../../outside.nii.gz", "./../outside.nii.gz", "/etc/hostname"]
)
def test_a_path_out_of_the_folder_is_refused(folder, path):
    write_scan(np.ones((4, 4, 4)), AFFINE, folder.parent / "outside.nii.gz")
    change(folder, lambda d: d["training"][0].update(image=path))
    assert "outside the folder" in refused(folder)


def test_a_number_of_channels_other_than_the_description_says_is_refused_with_both(folder):
    sentence = refused(change(folder, lambda d: d.update(modality={"0": "T1", "1": "T2"})))
    assert str(folder / "imagesTr" / "case_00.nii.gz") in sentence
    assert "1 channels; expected 2" in sentence


def test_channels_are_on_the_fourth_axis_in_the_order_of_their_numbers(tmp_path, decathlon_folder):
    folder = decathlon_folder(tmp_path / "Task", cases=4, shape=(8, 8, 8))
    for number in range(4):
        path = folder / "imagesTr" / f"case_{number:02d}.nii.gz"
        grid = read_grid(path)
        write_scan(RNG.uniform(1, 9, (8, 8, 8, 2)).astype(np.float32), grid.affine, path)
    change(folder, lambda d: d.update(modality={"1": "T2", "0": "T1"}))
    assert opened(folder).channels == ("T1", "T2")


def test_a_folder_that_names_no_modality_has_one_channel(folder):
    assert opened(change(folder, lambda d: d.pop("modality"))).channels == ("image",)


def test_a_pair_is_looked_through_once_and_anew_only_where_it_or_what_is_said_of_it_changed(
    folder, monkeypatch
):
    looked = []

    def look(files, *_rest):
        looked.append(files.label.name)
        return []

    monkeypatch.setattr(cases, "check_case", look)
    opened(folder, validate=False)
    assert looked == []
    opened(folder)
    assert len(looked) == 7
    opened(folder)
    assert len(looked) == 7
    rewrite(folder, "labelsTr", np.where(LABEL_IJK == 2, 3, LABEL_IJK).astype(np.uint8))
    opened(folder)
    assert looked[7:] == ["case_02.nii.gz"]
    change(folder, lambda d: d["labels"].update({"3": "rind"}))
    opened(folder)
    assert len(looked) == 15
    change(folder, lambda d: d.update(modality={"0": "T1", "1": "T2"}))
    opened(folder)
    assert len(looked) == 22


def test_test_cases_that_the_folder_names_are_taken(folder):
    assert opened(change(folder, lambda d: d.update(bench_test=["case_03"]))).test == ("case_03",)


def test_three_cases_are_enough_where_the_folder_says_which_is_test(folder):
    dataset = opened(change(folder, lambda d: d.update(training=d["training"][:3], bench_test=["case_01"])))
    assert (dataset.train, dataset.test) == (("case_00", "case_02"), ("case_01",))


def masked(folder, mask_ijk, affine=None):
    affine = read_grid(folder / "imagesTr" / "case_02.nii.gz").affine if affine is None else affine
    (folder / "masksTr").mkdir(exist_ok=True)
    write_scan(mask_ijk, affine, folder / "masksTr" / "case_02.nii.gz")
    return change(folder, lambda d: d["training"][2].update(mask="./masksTr/case_02.nii.gz"))


def test_a_mask_reaches_the_image_that_a_network_sees(folder):
    plain = opened(folder)
    mask_ijk = np.zeros(SHAPE)
    mask_ijk[4:12, 3:9, 2:10] = 0.99999997  # what a 1 becomes in scaled storage
    files = opened(masked(folder, mask_ijk)).cases["case_02"]
    volume = image_of(files)
    assert volume.mask_ijk.sum() == 8 * 6 * 8
    inside = normal(volume).numpy()[0][volume.mask_ijk]
    assert inside.mean() == pytest.approx(0, abs=1e-4)
    assert inside.std() == pytest.approx(1, abs=1e-4)
    assert image_of(plain.cases["case_02"]).mask_ijk is None
    assert plain.cases["case_02"].image_print != files.image_print  # so it is part of every key
    assert plain.cases["case_02"].label_print == files.label_print
    mask_ijk[4] = 0
    assert opened(masked(folder, mask_ijk)).cases["case_02"].image_print != files.image_print


@pytest.mark.parametrize("how", ["empty", "another shape", "another place"])
def test_a_mask_that_cannot_be_used_is_refused_and_named(folder, how):
    voxels = {"empty": np.zeros(SHAPE), "another shape": np.ones((3, 3, 3))}.get(how, np.ones(SHAPE))
    masked(folder, voxels, AFFINE if how == "another place" else None)
    assert "masksTr/case_02.nii.gz" in refused(folder)


def rewrite(folder, sub, voxels, affine=None):
    path = folder / sub / "case_02.nii.gz"
    affine = read_grid(path).affine if affine is None else affine
    path.unlink()
    write_scan(voxels, affine, path)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10_000_000))


SHAPE = (20, 16, 12)
RNG = np.random.default_rng(0)
LABEL_IJK = RNG.integers(0, 3, SHAPE).astype(np.uint8)
NOISE_IJK = RNG.uniform(1, 9, SHAPE).astype(np.float32)
DAMAGES = {
    "another shape": ("imagesTr", NOISE_IJK[:-1], None),
    "another place": ("imagesTr", NOISE_IJK, AFFINE),
    "not a number": ("imagesTr", np.where(NOISE_IJK > 8, np.nan, NOISE_IJK), None),
    "constant": ("imagesTr", np.ones(SHAPE, np.float32), None),
    "another number of channels": ("imagesTr", np.stack([NOISE_IJK, NOISE_IJK], axis=-1), None),
    "label 3": ("labelsTr", LABEL_IJK + 1, None),
    "label -1": ("labelsTr", LABEL_IJK.astype(np.int16) - 1, None),
    "label 0.5": ("labelsTr", LABEL_IJK / 2, None),
    "label of another shape": ("labelsTr", LABEL_IJK[:, 1:], None),
    "label on another place": ("labelsTr", LABEL_IJK, AFFINE),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_volume_that_cannot_be_used_is_refused_and_named(folder, how):
    rewrite(folder, *DAMAGES[how])
    assert "case_02" in refused(folder)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_volume_that_changed_since_it_was_looked_through_is_looked_through_again(folder, how):
    opened(folder)
    rewrite(folder, *DAMAGES[how])
    assert "case_02" in refused(folder)


def test_a_folder_that_was_opened_unlooked_is_looked_through_when_asked(folder):
    rewrite(folder, *DAMAGES["not a number"])
    opened(folder, validate=False)
    assert "case_02" in refused(folder)


def test_a_label_that_a_new_description_lacks_is_refused(folder):
    opened(folder)
    change(folder, lambda d: d.update(labels={"0": "background", "1": "shell"}))
    assert "label 2" in refused(folder)


def test_a_refused_folder_is_refused_again(folder):
    rewrite(folder, *DAMAGES["constant"])
    assert refused(folder) == refused(folder)


def test_the_id_follows_the_voxels_and_not_the_place(folder, tmp_path, decathlon_folder):
    first = opened(folder)
    elsewhere = decathlon_folder(tmp_path / "deeper" / "Task")
    assert opened(elsewhere).id == first.id
    rewrite(folder, "imagesTr", NOISE_IJK)
    changed = opened(folder)
    assert changed.id != first.id
    assert changed.cases["case_02"].image_print != first.cases["case_02"].image_print
    assert changed.cases["case_01"] == first.cases["case_01"]


# --- hostile descriptions

PATH = "./imagesTr/case_00.nii.gz"
HOSTILE_TEXTS = {
    "NaN": ('{"name": NaN}', "NaN is no number"),
    "infinity": ('{"name": -Infinity}', "Infinity is no number"),
    "a key twice": ('{"name": "a", "name": "b"}', "twice"),
    "thousands of digits": (f'{{"name": {"9" * 5000}}}', "digits"),
    "deep": ('{"a":' * 5000, "not JSON"),
}


@pytest.mark.parametrize("how", HOSTILE_TEXTS)
def test_json_of_hostile_shape_is_refused(folder, how):
    text, word = HOSTILE_TEXTS[how]
    (folder / "dataset.json").write_text(text)
    assert word in refused(folder)


def test_a_description_of_many_megabytes_is_refused_unread(folder):
    with (folder / "dataset.json").open("r+b") as file:
        file.truncate(2**34)
    assert "at most" in refused(folder)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_description_that_is_no_file_is_refused_and_nothing_hangs(folder, make):
    (folder / "dataset.json").unlink()
    make(folder / "dataset.json")
    assert "expected a file" in refused(folder)


HOSTILE_NAMES = {
    "a device of Windows": lambda d: d.update(name="con"),
    "a structure that is a device": lambda d: d["labels"].update({"1": "NUL.x"}),
    "a structure called background": lambda d: d["labels"].update({"1": "background"}),
    "a structure of a megabyte": lambda d: d["labels"].update({"1": "x" * 2**20}),
    "a structure that is a list": lambda d: d["labels"].update({"1": ["core"]}),
    "a channel that steers a terminal": lambda d: d["modality"].update({"0": "\x1b[2J"}),
    "a channel with a line break": lambda d: d["modality"].update({"0": "a\nb"}),
    "three hundred structures": lambda d: d.update(labels={str(n): f"s{n}" for n in range(300)}),
    "a path with NUL": lambda d: d["training"][0].update(image="a\0b.nii.gz"),
    "a path with a line break": lambda d: d["training"][0].update(image="a\nb.nii.gz"),
    "a path of 5000 letters": lambda d: d["training"][0].update(image="x" * 5000),
    "a path that is half a character": lambda d: d["training"][0].update(image="\ud800.nii.gz"),
    "a path that is an object": lambda d: d["training"][0].update(label={"a": [1]}),
    "a path of one very long name": lambda d: d["training"][0].update(image="x" * 300),
}


@pytest.mark.parametrize("how", HOSTILE_NAMES)
def test_hostile_names_are_refused_in_one_short_harmless_line(folder, how):
    sentence = refused(change(folder, HOSTILE_NAMES[how]))
    assert sentence.isprintable()
    assert len(sentence) < 700


def test_two_cases_that_differ_by_capitals_alone_are_refused(folder):
    for sub in ("imagesTr", "labelsTr"):
        (folder / sub / "CASE_03.nii.gz").write_bytes((folder / sub / "case_03.nii.gz").read_bytes())
    item = {"image": "./imagesTr/CASE_03.nii.gz", "label": "./labelsTr/CASE_03.nii.gz"}
    assert "CASE_03 and case_03" in refused(change(folder, lambda d: d["training"].append(item)))


def test_a_folder_in_place_of_a_scan_is_refused(folder):
    change(folder, lambda d: d["training"][0].update(image="./imagesTr"))
    assert "imagesTr does not exist" in refused(folder)


def rename(folder, names):
    """The cases of the folder under other names."""

    def edit(description):
        for item, name in zip(description["training"], names, strict=True):
            for kind in ("image", "label"):
                old = folder / item[kind]
                new = old.with_name(f"{name}.nii.gz")
                old.rename(new)
                item[kind] = f"./{new.parent.name}/{new.name}"

    return change(folder, edit)


@pytest.mark.parametrize(
    "names",
    [
        ["病例一", "病例二", "病例三", "病例四", "病例五", "病例六", "病例七"],
        ["case 1", "case-1", "case 2", "case 3", "é1", "è1", "a4"],
        [f"{'1.3.6.1.4.1.' * 8}{number}" for number in range(7)],
    ],
)
def test_different_names_of_cases_stay_different_cases(folder, names):
    before = opened(folder)
    dataset = opened(rename(folder, names), Workshop(folder.parent / "other"))
    assert len(dataset.cases) == len(before.cases) == 7
    assert len({files.image_print for files in dataset.cases.values()}) == 7


def test_test_cases_are_named_as_they_are_listed_or_as_they_are_called(folder):
    rename(folder, ["case 0", *(f"c{number}" for number in range(1, 7))])
    for name in ("case 0", "case-0"):
        change(folder, lambda d, name=name: d.update(bench_test=[name]))
        assert opened(folder).test == ("case-0",)


def test_names_without_latin_letters_are_replaced_and_said(folder, caplog):
    change(folder, lambda d: d.update(name="心臓", labels={"0": "背景", "1": "心筋", "2": "core"}))
    dataset = opened(folder)
    assert dataset.structures[1] == "core"
    assert dataset.name.startswith("data-set-")
    said = caplog.text
    assert f"'心臓' is called {dataset.name}" in said
    assert f"'心筋' is called {dataset.structures[0]}" in said


def test_files_that_the_description_does_not_list_are_named(folder, caplog):
    (folder / "imagesTr" / "._case_00.nii.gz").write_bytes(b"junk")
    change(folder, lambda d: d["training"].pop())
    dataset = opened(folder)
    assert len(dataset.cases) == 6
    said = caplog.text
    assert "imagesTr/._case_00.nii.gz, imagesTr/case_06.nii.gz, labelsTr/case_06.nii.gz" in said
    assert "are not used" in said


def test_an_image_that_is_its_own_label_is_refused(folder):
    change(folder, lambda said: said["training"][1].update(image=said["training"][1]["label"]))
    assert "as the image and its own label" in refused(folder)


def test_structures_that_would_bear_one_name_are_refused_by_the_names_they_have(folder):
    change(folder, lambda said: said["labels"].update({"1": "left wall", "2": "left-wall"}))
    assert "left wall, left-wall, here called left-wall, left-wall" in refused(folder)


def test_a_description_may_begin_with_a_byte_order_mark(folder):
    before = opened(folder).id
    path = folder / "dataset.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert opened(folder).id == before
