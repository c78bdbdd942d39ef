"""Real volumes: run with ``--real-data DIR``."""

import csv
import json

import nibabel
import numpy as np
import pytest
from medpy.metric import binary

from bench.data.dataset import DataSettings, Workshop
from bench.data.datasets import open_dataset
from bench.data.volumes import read_image, write_scan

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
    assert len(students) == 20 * 7
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
