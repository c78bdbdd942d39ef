"""Real volumes: run with ``--real-data DIR``."""

import csv
import json

import nibabel
import numpy as np
import pytest
from medpy.metric import binary

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, Workshop
from bench.data.images.volumes import read_image, write_scan
from bench.stages.context import image_of
from bench.stages.model import normal

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def hippocampus(real_data):
    folder = real_data / "msd-hippocampus"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def test_the_hippocampus_folder_opens_whole(hippocampus, tmp_path):
    dataset = open_dataset(f"decathlon:{hippocampus}", DataSettings(), Workshop(tmp_path))
    assert dataset.name == "Hippocampus"
    assert dataset.structures == ("Anterior", "Posterior")
    assert (len(dataset.train), len(dataset.test)) == (45, 20)
    for case in dataset.test[:3]:
        from pathlib import Path

        volume = read_image([Path(path) for path in dataset.cases[case].images])
        assert volume.image_cijk.shape[0] == 1
        assert volume.spacing_mm == pytest.approx((1.0, 1.0, 1.0), abs=1e-3)


def test_a_tiny_chain_on_real_volumes_ends_in_records(hippocampus, tmp_path, bench, tiny):
    store = tmp_path / "store"
    sets = [word for change in tiny for word in ("--set", change)]
    words = ["--methods", "densevoxnet", "--xi", "0.3", "--store", store, "--no-mlflow", "--json"]
    done = bench("run", "--recipe", "smoke", "--dataset", f"decathlon:{hippocampus}", *words, *sets)
    assert done.returncode == 0, done.stderr
    with (store / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    students = [row for row in rows if row["role"] == "student"]
    assert len(students) == 20 * (
        2 * 4 + 1
    )  # of two structures Dice, IoU, ADB and HDD, and the overall score
    assert {row["dataset"] for row in rows} == {"Hippocampus"}
    assert {row["structure"] for row in rows} == {"Anterior", "Posterior", "all"}
    assert {row["xi_realised"] for row in students} == {"0.3111"}
    assert not {"failed"} & {row["status"] for row in rows}
    scored = next(store.glob("stages/scores-*/labels/*.nii.gz"))
    truth = nibabel.load(hippocampus / "labelsTr" / scored.name)
    assert nibabel.load(scored).shape == truth.shape
    assert np.allclose(nibabel.load(scored).affine, truth.affine, atol=1e-5)


def test_the_label_maps_of_brats_score_as_medpy_scores_them(real_data, tmp_path, bench):
    found = sorted(real_data.glob("brats2015-sample/*/OTMultiClass.nii.gz"))
    if not found:
        pytest.skip(f"{real_data} has no brats2015-sample")
    truth = nibabel.load(found[0])
    reference_ijk = np.asarray(truth.dataobj).round().astype(np.uint8)
    predicted_ijk = np.roll(reference_ijk, (2, -1, 1), axis=(0, 1, 2))
    predicted_ijk[predicted_ijk == 3] = 2
    write_scan(predicted_ijk, truth.affine, tmp_path / "predicted.nii.gz")
    done = bench("score", tmp_path / "predicted.nii.gz", found[0], "--definition", "medpy", "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row["structure"], row["metric"]): row for row in json.loads(done.stdout)}
    spacing_mm = np.sqrt((truth.affine[:3, :3] ** 2).sum(axis=0))
    for structure in range(1, 5):
        one, other = predicted_ijk == structure, reference_ijk == structure
        if not other.any() or not one.any():
            assert rows[str(structure), "dice"]["status"] != "ok"
            continue
        box = tuple(slice(max(at.min() - 3, 0), at.max() + 4) for at in np.nonzero(one | other))
        one, other = one[box], other[box]
        assert rows[str(structure), "dice"]["value"] == pytest.approx(binary.dc(one, other), abs=1e-9)
        for metric, by_medpy in (("adb", binary.assd), ("hdd", binary.hd), ("hd95", binary.hd95)):
            expected = by_medpy(one, other, spacing_mm)
            assert rows[str(structure), metric]["value"] == pytest.approx(expected, abs=1e-9)


@pytest.fixture
def brats_task(real_data, tmp_path):
    """The patients of ``brats2015-sample`` as a Decathlon folder: two channels, brain masks, the last is test."""
    patients = sorted(path.parent for path in real_data.glob("brats2015-sample/*/OTMultiClass.nii.gz"))
    if len(patients) < 3:
        pytest.skip(f"{real_data} has no brats2015-sample of three patients")
    folder = tmp_path / "Task"
    files = {"label": "OTMultiClass", "mask": "brainmask"}
    for sub in ("images", *(f"{kind}s" for kind in files)):
        (folder / f"{sub}Tr").mkdir(parents=True)
    for patient in patients:
        channels = [nibabel.load(patient / f"{name}_subtrMeanDivStd.nii.gz") for name in ("Flair", "T1c")]
        voxels = np.stack([np.asarray(channel.dataobj, np.float32) for channel in channels], axis=-1)
        write_scan(voxels, channels[0].affine, folder / "imagesTr" / f"{patient.name}.nii.gz")
        for kind, name in files.items():
            (folder / f"{kind}sTr" / f"{patient.name}.nii.gz").symlink_to(patient / f"{name}.nii.gz")
    tissues = ("background", "necrosis", "oedema", "non_enhancing_core", "enhancing_core")
    description = {
        "name": "brats2015-sample",
        "modality": {"0": "Flair", "1": "T1c"},
        "labels": {str(number): tissue for number, tissue in enumerate(tissues)},
        "training": [
            {kind: f"./{kind}sTr/{patient.name}.nii.gz" for kind in ("image", *files)} for patient in patients
        ],
        "bench_test": [patients[-1].name],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.mark.slow
def test_three_brains_are_trained_on_segmented_and_scored(brats_task, tmp_path, bench, tiny):
    """Whole volumes of 240 x 240 x 155 with two channels: about a minute of one core, 2.2 GiB."""
    dataset = open_dataset(f"decathlon:{brats_task}", DataSettings(), Workshop(tmp_path / "data"))
    for files in dataset.cases.values():
        volume = image_of(files)
        inside_cx = normal(volume).numpy()[:, volume.mask_ijk].astype(np.float64)
        assert np.allclose(inside_cx.mean(axis=1), 0, atol=1e-3)
        assert np.allclose(inside_cx.std(axis=1), 1, atol=1e-3)
        assert 0.05 < volume.mask_ijk.mean() < 0.5
    changes = [*tiny, "sampling.patch=[64,64,64]", "teachers.steps=[2]", "inference.window=overlap"]
    sets = [word for change in [*changes, "inference.overlap=0.0"] for word in ("--set", change)]
    store = tmp_path / "store"
    words = ["--methods", "densevoxnet", "--xi", "0.5", "--store", store, "--no-mlflow", "--jobs", 1]
    task = ("--recipe", "smoke", "--dataset", f"decathlon:{brats_task}")
    done = bench("run", *task, *words, *sets, timeout=1200)
    assert done.returncode == 0, done.stderr
    with (store / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    students = [row for row in rows if row["role"] == "student" and row["metric"] == "dice"]
    assert {row["structure"] for row in students} >= set(dataset.structures)
    assert {row["case"] for row in students} == set(dataset.test)
    assert not {"failed"} & {row["status"] for row in rows}
    (case,) = dataset.test
    scored = nibabel.load(next(store.glob(f"stages/scores-*/labels/{case}.nii.gz")))
    truth = nibabel.load(brats_task / "labelsTr" / f"{case}.nii.gz")
    assert scored.shape == truth.shape
    assert np.allclose(scored.affine, truth.affine, atol=1e-5)


@pytest.mark.parametrize("kind", ["markov", "dilate-erode", "affine", "edge", "annotator"])
def test_a_real_hippocampus_has_the_noise_that_was_asked_for(hippocampus, kind):
    from bench.data.images.volumes import canonical_spacing_mm, read_label
    from bench.data.noise import corrupt, realised

    for path in sorted((hippocampus / "labelsTr").glob("*.nii.gz"))[:3]:
        clean_ijk, grid = read_label(path, classes=3)
        noisy_ijk = corrupt(clean_ijk, canonical_spacing_mm(grid), kind, 0.2, np.random.default_rng(0), 3)
        found = realised(clean_ijk, noisy_ijk, canonical_spacing_mm(grid), range(1, 3), wanted=0.2)
        assert [one.shortfall for one in found.values()] == ["", ""]
        assert all(0.8 < one.dice < 0.95 for one in found.values())


def test_the_noise_of_real_labels_is_made_and_measured(hippocampus, tmp_path, bench):
    words = ("--dataset", f"decathlon:{hippocampus}", "--store", tmp_path / "store", "--to", tmp_path / "out")
    done = bench("noise", "make", "markov+drop-slices:0.2", *words, "--json")
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    assert len(cases) == 45
    missed = [one for structures in cases.values() for one in structures.values() if one["shortfall"]]
    rates = [one["rate"] for structures in cases.values() for one in structures.values()]
    assert np.mean(rates) == pytest.approx(0.2, abs=0.01)
    assert len(missed) < 0.2 * len(rates)
