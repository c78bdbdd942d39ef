"""``--noise``: known noise as an axis of the sweep, from the plan to records, milestones and costs."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.plan.experiments import Noise
from bench.plan.stage_builder import MILESTONES
from bench.records.publish import publish
from bench.stages.training.milestones import milestone
from bench.store.store import Store


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory, bench):
    """A finished sweep under two rates of one noise."""
    path = tmp_path_factory.mktemp("noisy") / "store"
    made = bench(
        "run", "--recipe", "smoke", "--methods", "tsman,densevoxnet", "--xi", "0.3", "--noise", "markov:0.1,0.3",
        "--store", path, "--no-mlflow", "--jobs", 2,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return path, made


def test_it_stands_in_place_of_pseudo_labels_and_teachers_are_a_reference_alone(noisy):
    store = Store(noisy[0])
    assert not store.keys("pseudo")
    assert len(store.keys("teacher")) == 3 + 2  # two see all labels: the fully supervised start there
    read_by = {key for kind in ("student", "ensemble") for key in store.keys(kind)}
    below = {
        key for one in read_by for key in store.stage(one)["inputs"].values() if key.startswith("teacher")
    }
    assert below == set(store.keys("teacher"))
    for one in store.keys("student"):
        inputs = store.stage(one)["inputs"]
        assert any(key.startswith("teacher") for key in inputs.values()) == ("pseudo" not in inputs)
    assert len(store.keys("noise")) == 2
    assert "markov:0.1, markov:0.3, in place of pseudo labels" in noisy[1].stdout


def test_records_say_which_noise_and_the_reference_has_none(noisy):
    rows = rows_of(noisy[0] / "records.csv")
    assert {row["noise"] for row in rows if row["role"] == "student"} == {"markov:0.1", "markov:0.3"}
    assert {row["noise"] for row in rows if row["role"] == "supervised"} == {"none"}
    assert {(row["method"], row["variant"]) for row in rows if row["role"] == "pseudo"} == {
        ("noise", "markov")
    }


def test_the_noisy_label_the_clean_one_and_theta_are_stored_and_agree(noisy):
    store = Store(noisy[0])
    for key in store.keys("noise"):
        folder = store.folder(key)
        said = json.loads((folder / "noise.json").read_text())
        cases = sorted(path.name for path in (folder / "labels").iterdir())
        assert len(cases) == len(said["cases"]) == 7
        for name in cases:
            noisy_ijk, clean_ijk, theta_ijk = (
                np.asanyarray(nibabel.load(folder / part / name).dataobj)
                for part in ("labels", "truth", "theta")
            )
            assert np.array_equal(theta_ijk, noisy_ijk != clean_ijk)
            for number, one in enumerate(said["cases"][name.removesuffix(".nii.gz")].values(), start=1):
                wrong = ((noisy_ijk == number) != (clean_ijk == number)).sum()
                assert one["removed"] + one["added"] == wrong
                assert one["rate"] == pytest.approx(wrong / (clean_ijk == number).sum())
                assert one["shortfall"] or one["rate"] == pytest.approx(
                    float(said["rate"]), rel=0.06, abs=0.006
                )


def test_noisy_labels_are_scored_against_the_truth_like_pseudo_labels(noisy):
    rows = [
        row
        for row in rows_of(noisy[0] / "records.csv")
        if row["role"] == "pseudo" and row["metric"] == "dice"
    ]
    mean = {
        noise: np.mean([float(row["value"]) for row in rows if row["noise"] == noise])
        for noise in ("markov:0.1", "markov:0.3")
    }
    assert 1 > mean["markov:0.1"] > mean["markov:0.3"] > 0.5


def test_students_keep_their_weights_on_the_way_and_no_others_do(noisy):
    store = Store(noisy[0])
    for key in store.keys("student"):
        injected = any(one.startswith("noise-") for one in store.stage(key)["inputs"].values())
        there = [one for one in MILESTONES if milestone(store.folder(key), one).is_file()]
        assert there == (list(MILESTONES) if injected else [])
        contents = {milestone(store.folder(key), one).read_bytes() for one in there}
        assert len(contents) == len(there)


def test_costs_charge_each_student_with_its_networks_and_with_the_teachers_that_it_starts_at(noisy):
    rows = rows_of(noisy[0] / "costs.csv")
    assert {(row["method"], row["noise"]) for row in rows} == {
        (method, noise)
        for method in ("tsman", "densevoxnet")
        for noise in ("none", "markov:0.1", "markov:0.3")
    }
    for row in rows:
        # Under injected noise they start fresh, with the steps of the last teacher more.
        start, steps, teachers = ("teachers", 8, 6 + 8) if row["noise"] == "none" else ("fresh", 8 + 8, 0)
        assert row["start"] == start
        assert int(row["passes_training"]) == int(row["networks"]) * int(row["steps"]) == 2 * steps
        assert float(row["passes_teachers_alone"]) == teachers
        assert float(row["seconds"]) > 0


def test_teachers_are_charged_shared_and_alone(swept):
    store = Store(swept.path)
    publish(store)
    rows = [row for row in rows_of(store.path / "costs.csv") if row["role"] == "student"]
    assert len(rows) == 2
    (labels,) = store.keys("pseudo")
    voters = [key for name, key in store.stage(labels)["inputs"].items() if name.startswith("teacher")]
    spent = sum(store.stage(key)["facts"].get("network_passes", 0) for key in (*voters, labels))
    for row in rows:
        assert float(row["passes_teachers_alone"]) == spent
        assert float(row["passes_teachers_shared"]) == spent / 2


def test_a_case_has_the_same_noise_at_every_xi(tiny_lab):
    from bench.execution.execute import execute
    from bench.plan.stage_builder import Cell

    sweep = tiny_lab.plan("densevoxnet")
    cell = Cell.of(sweep.recipe, tiny_lab.dataset, 0)
    found = {}
    for xi in ("0.3", "0.7"):
        stage = cell.noise(xi, Noise("dilate-erode", "0.2"))
        for _, needed in stage.inputs:
            execute(needed.document(), tiny_lab.store, run="t", device="cpu")
        execute(stage.document(), tiny_lab.store, run="t", device="cpu")
        found[xi] = {
            path.name: path.read_bytes() for path in (tiny_lab.store.folder(stage.key) / "labels").iterdir()
        }
    assert found["0.7"].keys() < found["0.3"].keys()
    assert all(found["0.3"][name] == content for name, content in found["0.7"].items())


def test_the_command_makes_a_case_as_the_stage_does(tiny_lab, tmp_path):
    """``bench noise make`` under the seed of the split: the same files and the same measurements."""
    from bench.execution.execute import execute
    from bench.execution.noisy_labels import Request, document_of, order_of, write_case
    from bench.plan.stage_builder import Cell

    sweep = tiny_lab.plan("densevoxnet")
    stage = Cell.of(sweep.recipe, tiny_lab.dataset, 0).noise("0.5", Noise("edge+drop-slices", "0.2"))
    for _, needed in stage.inputs:
        execute(needed.document(), tiny_lab.store, run="t", device="cpu")
    execute(stage.document(), tiny_lab.store, run="t", device="cpu")
    made = tiny_lab.store.folder(stage.key)
    told = json.loads((made / "noise.json").read_text())
    folder = tiny_lab.dataset.cases[tiny_lab.dataset.train[0]].images[0]
    words = f"decathlon:{Path(folder).parents[1]}"
    seed = json.loads(stage.settings)["seed"]
    order = order_of(Request("edge+drop-slices:0.2", words, tmp_path, seed, "", (), tiny_lab.store.path))
    assert told["cases"]
    cases = {case: write_case(order, case, tmp_path) for case in told["cases"]}
    assert document_of(order, cases)["cases"] == told["cases"]
    for case in cases:
        for name in ("labels", "truth", "theta"):
            file = f"{name}/{case}.nii.gz"
            assert (tmp_path / file).read_bytes() == (made / file).read_bytes()


def test_the_words_are_checked_before_anything_is_computed(bench, tmp_path):
    for words, says in (
        ("markow:0.2", "Did you mean 'markov'"),
        ("markov", "has no rate"),
        ("markov:2", "outside (0, 1]"),
    ):
        said = bench("run", "--recipe", "smoke", "--xi", "0.3", "--noise", words, "--store", tmp_path / "s")
        assert said.returncode == 2
        assert says in said.stderr
    said = bench("run", "--experiment", "table1", "--noise", "markov:0.2", "--store", tmp_path / "s")
    assert said.returncode == 2
    assert "leave --noise" in said.stderr
    said = bench("run", "--recipe", "smoke", "--set", "noise.markov.theta9=1", "--store", tmp_path / "s")
    assert said.returncode == 2
    assert "theta9" in said.stderr
    said = bench(
        "run",
        "--recipe",
        "smoke",
        "--noise",
        "markov:0.2",
        "--set",
        "noise.swap.seed=1",
        "--store",
        tmp_path / "s",
    )
    assert said.returncode == 2


def test_a_comparison_says_that_it_leaves_injected_noise_out(noisy, bench):
    said = bench("compare", "tsman", "densevoxnet", "--metric", "dice", "--store", noisy[0])
    assert said.returncode == 0, said.stderr
    assert "markov:0.1, markov:0.3" in said.stderr


def test_what_students_doubt_is_scored_on_the_way_and_a_method_without_doubt_says_nothing(noisy):
    rows = rows_of(noisy[0] / "doubts.csv")
    assert {(row["method"], row["map"]) for row in rows} == {("tsman", "f3"), ("tsman", "f4")}
    assert {row["progress"] for row in rows} == {"25", "50", "75", "100"}
    assert {row["noise"] for row in rows} == {"markov:0.1", "markov:0.3"}
    assert {row["measure"] for row in rows} >= {
        "removed_wrong",
        "removed_right",
        "auroc",
        "auprc",
        "precision",
    }
    for row in rows:
        if (
            row["measure"] in ("auroc", "auprc", "precision", "removed_wrong", "removed_right")
            and row["value"]
        ):
            assert 0 <= float(row["value"]) <= 1


def test_how_noisy_gradients_are_is_measured_layer_by_layer(noisy):
    rows = rows_of(noisy[0] / "gradients.csv")
    assert {row["method"] for row in rows} == {"tsman", "densevoxnet"}
    assert {row["of"] for row in rows} == {"features", "parameters"}
    assert {row["measure"] for row in rows} == {"noise_to_signal", "cosine", "touched", "above_half"}
    assert {row["of"] for row in rows if row["measure"] in ("touched", "above_half")} == {"features"}
    # Labels with three times the noise pull further from the clean ones.
    mean = {
        noise: np.median(
            [
                float(row["value"])
                for row in rows
                if row["noise"] == noise and row["measure"] == "noise_to_signal" and row["value"]
            ]
        )
        for noise in ("markov:0.1", "markov:0.3")
    }
    assert mean["markov:0.3"] > mean["markov:0.1"] > 0


def test_of_two_stages_of_one_students_doubts_the_one_that_was_planned_last_is_shown(noisy, tmp_path):
    import shutil

    from bench.execution.execute import execute
    from bench.store.lineage import lineage
    from bench.store.stage import stage

    shutil.copytree(noisy[0], tmp_path / "store")
    store = Store(tmp_path / "store")
    key = store.keys("doubts")[0]
    first = lineage(store, [key])[key]
    other = stage(
        "doubts",
        {**json.loads(first.settings), "band_mm": 9.0},
        dataset=(first.dataset, first.dataset_id),
        images=dict(first.images),
        labels=dict(first.labels),
        inputs=dict(first.inputs),
    )
    execute(other.document(), store, run="nobody's", device="cpu")
    publish(store)
    assert len(store.keys("doubts")) == len(Store(noisy[0]).keys("doubts")) + 1
    shown = {row["stage"] for row in rows_of(store.path / "gradients.csv")}
    assert key in shown
    assert other.key not in shown
