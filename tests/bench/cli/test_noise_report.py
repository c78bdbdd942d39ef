"""``bench report`` of a store under injected noise: leaderboard, doubt, gradients, cost, doubt over slices."""

import numpy as np
import pandas as pd
import pytest

from bench.data.images.volumes import read_label, read_weights
from bench.records.exhibits import exhibits
from bench.store.store import Store


@pytest.fixture(scope="module")
def noisy(tmp_path_factory, bench):
    """A finished sweep under one noise, and its report."""
    path = tmp_path_factory.mktemp("noisy") / "store"
    words = (
        "run",
        "--recipe",
        "smoke",
        "--methods",
        "tsman,densevoxnet",
        "--xi",
        "0.3",
        "--noise",
        "markov:0.3",
    )
    made = bench(*words, "--store", path, "--no-mlflow")
    assert made.returncode == 0, made.stderr
    told = bench("report", "--store", path)
    assert told.returncode == 0, told.stderr
    return path


def table(path, name):
    return pd.read_csv(path / "report" / "tables" / f"{name}.csv", keep_default_na=False)


def test_both_methods_are_on_the_leaderboard_with_what_they_cost(noisy):
    board = table(noisy, "leaderboard")
    students = board[board["role"] == "student"]
    assert set(students["noise"]) == {"markov:0.3"}
    assert set(students["method"]) == {"tsman", "densevoxnet"}
    costs = table(noisy, "costs").set_index("method")
    given = pd.read_csv(noisy / "costs.csv").query("role == 'student'").set_index("method")["passes_training"]
    assert costs["passes"].to_dict() == given.to_dict()


def test_tsman_doubts_and_densevoxnet_says_nothing(noisy):
    found = table(noisy, "doubts")
    maps = found.groupby("method")["map"].agg(set).to_dict()
    assert maps == {"tsman": {"f3", "f4"}, "densevoxnet": {"says nothing"}}
    assert len(table(noisy, "premise")) > 0


def test_a_slice_shows_the_doubt_that_lies_in_the_store_where_most_labels_are_wrong(noisy):
    store = Store(noisy)
    (shown,) = exhibits(store, store.keys("scores")).overlays
    (noise,) = store.keys("noise")
    theta_ijk, _ = read_label(store.folder(noise) / "theta" / f"{shown.case}.nii.gz")
    assert shown.wrong_rc.sum() == (theta_ijk != 0).sum(axis=(0, 1)).max()
    assert set(shown.doubts) == {("tsman", "f3"), ("tsman", "f4")}
    (key,) = (key for key in store.keys("doubts") if (store.folder(key) / "maps").is_dir())
    map_ijk = read_weights(store.folder(key) / "maps" / shown.case / "f4.nii.gz")
    index = int(shown.section.rpartition(" ")[2])
    np.testing.assert_array_equal(shown.doubts["tsman", "f4"], map_ijk[::-1, ::-1, index].T)
    assert any((noisy / "report" / "figures").glob("doubt_maps-*.png"))


def test_injected_noise_is_no_scan_of_the_papers_figures(noisy):
    store = Store(noisy)
    assert exhibits(store, store.keys("scores")).scans == ()


def test_a_damaged_table_beside_the_records_is_named_with_its_line(noisy, bench, tmp_path):
    (tmp_path / "records.csv").write_bytes((noisy / "records.csv").read_bytes())
    (tmp_path / "costs.csv").write_text("run,dataset\n")
    told = bench("report", "--store", tmp_path)
    assert told.returncode == 4
    assert "costs.csv: column 'method' is missing" in told.stderr
