"""Data sets by name: the built-in ones, folders, and names that a user gave to folders."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.data.catalogue import DATASETS, listing_of, open_dataset
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.data.images.volumes import read_image, read_label
from bench.errors import DataError, UsageError


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path / "data")


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("phantom-hart", "phantom-heart"),
        ("", "phantom-heart"),
        ("decathlon", "decathlon:DIR"),
        ("decathlon:", "decathlon:DIR"),
        ("hvsmr2016", "hvsmr2016:DIR"),
        ("brats2015:", "brats2015:DIR"),
        ("phantom-heart:/tmp", "takes no folder"),
        ("nobody:/tmp", "unknown data set"),
    ],
)
def test_a_data_set_that_cannot_be_is_refused_with_the_choices(workshop, spec, named):
    with pytest.raises(UsageError, match=named):
        open_dataset(spec, DataSettings(), workshop)


def test_an_unknown_phantom_size_is_refused_with_the_known_ones(workshop):
    with pytest.raises(UsageError, match="quick"):
        open_dataset("phantom-heart", DataSettings(size="hughe"), workshop)
    assert not workshop.path.exists()


def test_the_phantom_is_made_once_and_has_ten_and_thirty_cases(workshop):
    first = open_dataset("phantom-heart", DataSettings(size="smoke"), workshop)
    assert (len(first.train), len(first.test)) == (10, 30)
    assert first.structures == ("myocardium", "blood_pool")
    marks = {path: path.stat().st_mtime_ns for path in workshop.path.rglob("*.nii.gz")}
    assert len(marks) == 80
    assert open_dataset("phantom-heart", DataSettings(size="smoke"), workshop) == first
    assert {path: path.stat().st_mtime_ns for path in workshop.path.rglob("*.nii.gz")} == marks


def test_the_tumour_phantom_has_four_modalities_and_the_labels_of_brats(workshop):
    tumours = open_dataset("phantom-tumour", DataSettings(size="smoke"), workshop)
    assert (len(tumours.train), len(tumours.test)) == (20, 10)
    assert not {*tumours.train} & {*tumours.test}
    assert tumours.channels == ("Flair", "T1", "T1c", "T2")
    assert tumours.structures == ("necrosis", "oedema", "non_enhancing_core", "enhancing_core")
    assert tumours.pieces == "any"
    first = read_image([Path(path) for path in tumours.cases["tumour_0000"].images])
    assert first.image_cijk.shape == (4, 28, 32, 24)
    assert first.spacing_mm == (6, 6, 6)
    label_ijk, _ = read_label(Path(tumours.cases["tumour_0000"].label), classes=5)
    assert not label_ijk[first.image_cijk[0] == 0].any()


def test_a_data_set_is_remembered_whole(workshop, spheres):
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), workshop)
    remember(dataset, workshop)
    assert recall(dataset.id, workshop) == dataset
    assert recall(dataset.id, workshop).id == dataset.id


def test_a_manifest_from_before_there_were_masks_and_drawn_test_cases_still_opens(workshop, spheres):
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), workshop)
    remember(dataset, workshop)
    path = workshop.path / f"{dataset.id}.json"
    plain = json.loads(path.read_text())
    del plain["test_by_seed"], plain["unlabelled"]
    for files in plain["cases"].values():
        del files["mask"], files["zoom"]
    path.write_text(json.dumps(plain))
    assert recall(dataset.id, workshop) == dataset


def test_a_data_set_that_nobody_remembered_is_named(workshop):
    with pytest.raises(DataError, match="heart-123"):
        recall("heart-123", workshop)


@pytest.mark.parametrize("spec", [" decathlon:{} ", "decathlon: {}", "decathlon:~/{}", "decathlon:{}/"])
def test_blanks_home_and_the_working_folder_are_understood(workshop, monkeypatch, spheres, spec):
    monkeypatch.setenv("HOME", str(spheres.parent))
    monkeypatch.chdir(spheres.parent)
    found = open_dataset(spec.format(spheres.name), DataSettings(), workshop)
    assert found == open_dataset(f"decathlon:{spheres}", DataSettings(), workshop)
    assert found.cases["case_00"].label == str(spheres / "labelsTr" / "case_00.nii.gz")


def test_a_home_that_nobody_has_is_refused(workshop):
    with pytest.raises(UsageError, match="home"):
        open_dataset("decathlon:~nobody-of-this-name/x", DataSettings(), workshop)


def test_hearts_are_known_to_be_one_piece_and_of_a_folder_nothing_is_known(workshop, spheres):
    hearts = open_dataset("phantom-heart", DataSettings(size="smoke"), workshop)
    balls = open_dataset(f"decathlon:{spheres}", DataSettings(), workshop)
    assert (hearts.pieces, balls.pieces) == ("single", "any")
    assert replace(balls, pieces="single").id != balls.id
    remember(hearts, workshop)
    assert recall(hearts.id, workshop) == hearts


def test_a_name_that_was_added_opens_its_folder(bench, tmp_path, workshop, spheres):
    store = tmp_path / "store"
    done = bench("data", "add", "balls", "--from", spheres, "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["train"] == 5
    found = open_dataset("balls", DataSettings(), Workshop(store / "data"))
    assert found.name == "balls"
    assert found.id.startswith("balls-")
    assert replace(found, name="spheres") == open_dataset(f"decathlon:{spheres}", DataSettings(), workshop)
    assert open_dataset(" balls ", DataSettings(), Workshop(store / "data")) == found
    listed = json.loads(bench("data", "list", "--store", store, "--json").stdout)
    assert {row["name"] for row in listed} == {*DATASETS, "balls"}


@pytest.mark.parametrize("name", ["phantom-heart", "decathlon", "a:b", "a,b", "", "-x/y", "ü"])
def test_a_name_that_cannot_be_is_refused(bench, tmp_path, spheres, name):
    done = bench("data", "add", "--from", spheres, "--store", tmp_path / "s", "--", name)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "s" / "data" / "names.json").exists()


def test_a_folder_that_is_invalid_gets_no_name(bench, tmp_path):
    done = bench("data", "add", "mine", "--from", tmp_path / "none", "--store", tmp_path / "s")
    assert done.returncode == 4
    assert not (tmp_path / "s" / "data" / "names.json").exists()


@pytest.mark.parametrize("name", ["phantom-heart", "phantom-tumour"])
def test_a_made_data_set_is_a_folder_that_can_be_opened(bench, tmp_path, workshop, name):
    folder = tmp_path / "made"
    assert bench("data", "make", name, "--size", "smoke", "--to", folder).returncode == 0
    made = open_dataset(f"decathlon:{folder}", DataSettings(), workshop)
    here = open_dataset(name, DataSettings(size="smoke"), workshop)
    assert made.id == here.id
    again = bench("data", "make", name, "--size", "smoke", "--to", folder)
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize("challenge", ["hvsmr2016", "brats2015"])
def test_a_folder_that_calls_itself_as_a_challenge_is_called_is_refused(
    bench, decathlon_folder, tmp_path, challenge
):
    folder = decathlon_folder(tmp_path / "folder", name=challenge)
    words = ("run", "--dataset", f"decathlon:{folder}", "--recipe", "smoke", "-n")
    found = bench(*words, "--store", tmp_path / "store")
    assert found.returncode == 2
    assert f"calls itself '{challenge}'" in found.stderr
    store = tmp_path / "named"
    assert bench("data", "add", "mine", "--from", folder, "--store", store).returncode == 0
    assert bench("run", "--dataset", "mine", "--recipe", "smoke", "-n", "--store", store).returncode == 0


@pytest.mark.parametrize("kind", ["decathlon", "hvsmr2016", "brats2015"])
@pytest.mark.parametrize("where", ["x" * 300, "d/" * 3000 + "d"])
def test_a_name_that_no_folder_can_bear_is_refused_in_a_sentence(tmp_path, kind, where):
    for look in (open_dataset, lambda *words: listing_of(*words, [])):
        with pytest.raises(DataError, match="cannot be opened: File name too long") as caught:
            look(f"{kind}:{where}", DataSettings(), Workshop(tmp_path))
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", ["decathlon", "hvsmr2016", "brats2015"])
def test_a_folder_that_may_not_be_entered_is_refused_in_a_sentence(tmp_path, kind, monkeypatch):
    locked, true_stat = tmp_path / "locked", Path.stat

    def forbidden(path, **options):
        if locked in (path, *path.parents):
            raise PermissionError(13, "Permission denied", str(path))
        return true_stat(path, **options)

    monkeypatch.setattr(Path, "stat", forbidden)  # root may enter every folder
    with pytest.raises(DataError, match=r"locked.*Permission denied"):
        open_dataset(f"{kind}:{locked}", DataSettings(), Workshop(tmp_path / "data"))
