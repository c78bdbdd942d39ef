"""HVSMR 2016 is found wherever its files lie, and refused in a sentence where one is missing."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.data.images.volumes import read_label
from bench.errors import DataError, LabelWithheldError
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.stages.context import image_of, open_lab
from bench.store.store import Store
from methods.registry import classes

NAMES = {f"training_axial_crop_pat{number}" for number in range(10)}


def opened(folder, workshop, **settings):
    return open_dataset(f"hvsmr2016:{folder}", DataSettings(**settings), workshop)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop") / "data")


@pytest.fixture(scope="module")
def dataset(hvsmr, workshop):
    return opened(hvsmr, workshop)


@pytest.fixture
def folder(tmp_path, hvsmr_folder):
    return hvsmr_folder(tmp_path / "flat", nested=False)


def refused(folder, tmp_path, **settings):
    with pytest.raises(DataError) as caught:
        opened(folder, Workshop(tmp_path / "data"), **settings)
    return str(caught.value)


def test_ten_scans_have_labels_and_ten_are_kept_apart(dataset):
    assert dataset.name == "hvsmr2016"
    assert dataset.structures == ("myocardium", "blood_pool")
    assert dataset.pieces == "single"
    assert set(dataset.cases) == NAMES
    assert set(dataset.unlabelled) == {f"testing_axial_crop_pat{number}" for number in range(10, 20)}
    assert not any(files.label for files in dataset.unlabelled.values())


def test_folders_and_packing_make_no_difference(dataset, folder, tmp_path):
    assert opened(folder, Workshop(tmp_path / "data")).id == dataset.id


def test_three_scans_are_test_others_for_another_seed(dataset):
    drawn = {dataset.drawn(seed).test for seed in range(20)}
    assert len(drawn) > 10
    for seed in range(20):
        one = dataset.drawn(seed)
        assert len(one.test) == 3
        assert set(one.train) | set(one.test) == NAMES
        assert len(one.train) == 7
        assert one.id == dataset.id
        assert dataset.drawn(99).drawn(seed) == one


def test_a_data_set_whose_test_cases_are_fixed_is_not_drawn(spheres, tmp_path):
    fixed = open_dataset(f"decathlon:{spheres}", DataSettings(), Workshop(tmp_path))
    assert fixed.drawn(3) is fixed


def planned(dataset, *changes, seeds=(0, 1, 2)):
    chosen = resolved(recipe("smoke", changes, classes()), device="cpu", native_bfloat16=False)
    return Sweep(chosen, (free_part(("densevoxnet",), ("0.3",), chosen),), seeds, (dataset,)).stages()


@pytest.mark.parametrize("changes", [(), ("split.seed=1",)])
def test_a_sweep_scores_the_scans_of_its_split_and_shows_them_to_no_training(dataset, changes):
    for stage in planned(dataset, *changes):
        assert not {case for case, _ in stage.images} & set(dataset.unlabelled)
        settings = json.loads(stage.settings)
        if stage.kind == "split":
            assert tuple(settings["test"]) == dataset.drawn(settings["seed"]).test
        elif stage.kind == "scores" and settings["identity"]["role"] != "pseudo":
            test = dataset.drawn(settings["identity"]["split"]).test
            assert tuple(case for case, _ in stage.labels) == test
            assert tuple(case for case, _ in stage.images) == test
            read = {case for case, _ in dict(stage.inputs)["of"].images}
            assert not read & set(test)


def test_no_stage_can_read_a_scan_without_a_label(dataset, tmp_path):
    store = Store(tmp_path / "store")
    remember(dataset, store.workshop)
    lab = open_lab(planned(dataset)[-1].document(), store, tmp_path, "cpu")
    for case in dataset.unlabelled:
        with pytest.raises(LabelWithheldError, match=case):
            lab.image(case)


def test_the_data_set_is_remembered_with_its_zooms_and_the_scans_without_labels(dataset, tmp_path):
    remember(dataset, Workshop(tmp_path))
    assert recall(dataset.id, Workshop(tmp_path)) == dataset


def test_small_hearts_are_shown_larger_along_the_second_and_third_canonical_axis(dataset):
    for number in range(10):
        files = dataset.cases[f"training_axial_crop_pat{number}"]
        volume, label_ijk = image_of(files), read_label(Path(files.label))[0]
        assert label_ijk.shape == (24, 28, 32)
        large = number in (4, 5)
        assert volume.image_cijk.shape == ((1, 24, 42, 48) if large else (1, 24, 28, 32))
        assert volume.spacing_mm == pytest.approx(
            nibabel.affines.voxel_sizes(nibabel.as_closest_canonical(nibabel.load(files.images[0])).affine)
        )
        shown_ijk = volume.on_image(label_ijk)
        assert shown_ijk.shape == volume.image_cijk.shape[1:]
        assert np.array_equal(volume.on_scan(shown_ijk), label_ijk)
        # Label and image still lie on the same place: the blood pool is brighter than the muscle.
        assert volume.image_cijk[0][shown_ijk == 2].mean() > volume.image_cijk[0][shown_ijk == 1].mean()


def test_a_zoom_is_part_of_what_a_stage_is_named_by(hvsmr_folder, heart_scans, tmp_path):
    folder = hvsmr_folder(tmp_path / "flat", nested=False)
    for path in folder.glob("training_axial_crop_pat[34].*"):
        path.unlink()
    for number in (3, 4):
        nibabel.save(heart_scans[3][0], folder / f"training_axial_crop_pat{number}.nii")
        nibabel.save(heart_scans[3][1], folder / f"training_axial_crop_pat{number}-label.nii.gz")
    cases = opened(folder, Workshop(tmp_path / "data")).cases
    one, zoomed = cases["training_axial_crop_pat3"], cases["training_axial_crop_pat4"]
    assert one.label_print == zoomed.label_print
    assert one.image_print != zoomed.image_print


def test_the_cropped_axial_scans_are_preferred_and_another_variant_can_be_chosen(hvsmr_folder, tmp_path):
    folder = hvsmr_folder(tmp_path / "HVSMR", "sa_crop")
    workshop = Workshop(tmp_path / "data")
    assert min(opened(folder, workshop).cases) == "training_sa_crop_pat0"
    assert "training_sa_crop" in refused(folder, tmp_path, variant="axial_full")
    hvsmr_folder(folder, "axial_crop", testing=False)
    assert min(opened(folder, workshop).cases) == "training_axial_crop_pat0"
    chosen = opened(folder, workshop, variant="sa_crop")
    assert min(chosen.cases) == "training_sa_crop_pat0"
    assert min(chosen.unlabelled) == "testing_sa_crop_pat10"


def test_the_scans_without_labels_may_be_left_out_all_together_but_not_one_of_them(folder, tmp_path):
    (folder / "testing_axial_crop_pat13.nii.gz").unlink()
    assert "lacks testing_axial_crop_pat13 " in refused(folder, tmp_path)
    for path in folder.glob("testing_*"):
        path.unlink()
    assert not opened(folder, Workshop(tmp_path / "data")).unlabelled


@pytest.mark.parametrize(
    "name",
    [
        "training_axial_crop_pat3.nii.gz",
        "training_axial_crop_pat4.nii",
        "training_axial_crop_pat0-label.nii.gz",
    ],
)
def test_a_file_that_is_missing_is_named(folder, tmp_path, name):
    (folder / name).unlink()
    sentence = refused(folder, tmp_path)
    assert f"lacks {name.partition('.')[0]} " in sentence
    assert str(folder) in sentence


def test_a_folder_without_the_challenge_in_it_is_refused(tmp_path):
    assert "does not exist" in refused(tmp_path / "none", tmp_path)
    (tmp_path / "empty").mkdir()
    assert "training_axial_crop_pat0" in refused(tmp_path / "empty", tmp_path)


def test_a_scan_too_many_or_there_twice_is_refused_and_named(folder, heart_scans, tmp_path):
    extra = folder / "training_axial_crop_pat12.nii.gz"
    nibabel.save(heart_scans[2][0], extra)
    assert "training_axial_crop_pat12" in refused(folder, tmp_path)
    extra.unlink()
    nibabel.save(heart_scans[2][0], folder / "training_axial_crop_pat2.nii.gz")
    sentence = refused(folder, tmp_path)
    assert "training_axial_crop_pat2.nii " in sentence.replace(";", " ")
    assert "training_axial_crop_pat2.nii.gz" in sentence


def test_a_label_of_another_class_or_another_place_is_refused_and_named(folder, heart_scans, tmp_path):
    path = folder / "training_axial_crop_pat7-label.nii.gz"
    label = heart_scans[7][1]
    nibabel.save(nibabel.Nifti1Image(np.asarray(label.dataobj) * 2, label.affine), path)
    sentence = refused(folder, tmp_path)
    assert str(path) in sentence
    assert "label 4" in sentence
    nibabel.save(nibabel.Nifti1Image(np.asarray(label.dataobj), label.affine + np.eye(4)), path)
    assert str(path) in refused(folder, tmp_path)


def test_the_challenges_own_name_can_stand_for_its_folder(bench, hvsmr, tmp_path):
    store = tmp_path / "store"
    added = bench("data", "add", "hvsmr2016", "--from", hvsmr, "--store", store)
    assert added.returncode == 0, added.stderr
    planned = bench(
        "run", "--dataset", "hvsmr2016", "--xi", "0.5", "--recipe", "smoke", "-n", "--store", store
    )
    assert planned.returncode == 0, planned.stderr
    assert "hvsmr2016: 7 training, 3 test cases; myocardium, blood_pool" in planned.stdout


def test_a_made_data_sets_name_stands_for_no_folder(bench, hvsmr, tmp_path):
    refused = bench("data", "add", "phantom-heart", "--from", hvsmr, "--store", tmp_path / "store")
    assert refused.returncode == 2
    assert "cannot be a name" in refused.stderr


def test_capitals_and_an_underscore_before_label_make_no_difference(dataset, folder, tmp_path):
    for path in sorted(folder.glob("training*")):
        path.rename(path.with_name(path.name.replace("training", "Training").replace("-label", "_label")))
    assert opened(folder, Workshop(tmp_path / "data")).id == dataset.id


def test_a_linked_folder_below_the_root_is_followed(dataset, folder, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "Training dataset").symlink_to(folder, target_is_directory=True)
    assert opened(tmp_path / "root", Workshop(tmp_path / "data")).id == dataset.id


def test_what_is_not_used_is_named(folder, tmp_path, caplog):
    scan = next(folder.glob("training_axial_crop_pat3.nii*"))
    copy = scan.with_name(scan.name.replace("pat3", "pat3 (1)"))
    copy.write_bytes(scan.read_bytes())
    (folder / f"._{scan.name}").write_bytes(b"junk")
    opened(folder, Workshop(tmp_path / "data"))
    said = caplog.text
    assert f"._{scan.name}" in said
    assert copy.name in said
    assert "are not used" in said


def test_no_count_of_a_check_is_negative(folder, tmp_path, bench):
    for path in folder.glob("*-label*"):
        path.unlink()
    done = bench("data", "check", f"hvsmr2016:{folder}", "--store", tmp_path / "store")
    assert done.returncode == 4
    assert "0 cases (0 training, 0 test" in done.stdout


def test_a_stray_file_of_another_variant_says_how_the_whole_one_is_taken(folder, tmp_path):
    for path in list(folder.rglob("*axial_crop*")):
        path.rename(path.with_name(path.name.replace("axial_crop", "sa_crop")))
    one = next(folder.rglob("training_sa_crop_pat0.nii*"))
    (folder / "training_axial_crop_pat0.nii.gz").write_bytes(one.read_bytes())
    sentence = refused(folder, tmp_path)
    assert "lacks training_axial_crop_pat0-label, " in sentence
    assert " and 16 more (.nii or .nii.gz)" in sentence
    assert "`bench run --set data.variant=NAME` takes another of them" in sentence
    assert len(opened(folder, Workshop(tmp_path / "data"), variant="sa_crop").cases) == 10
