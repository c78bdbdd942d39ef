"""MLflow's own client lists what a run made."""

import csv
import json
import shutil

import pytest

from bench import tracking
from bench.store import Store


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory, swept, bench):
    """The finished sweep in a store of its own, and its mirror."""
    path = tmp_path_factory.mktemp("mirrored") / "store"
    shutil.copytree(swept.path, path)
    done = bench(*swept.words[:-1], path)
    assert done.returncode == 0, done.stderr
    return Store(path)


@pytest.fixture(scope="module")
def client(mirrored):
    from mlflow import MlflowClient

    return MlflowClient(tracking.default_uri(mirrored))


@pytest.fixture(scope="module")
def runs(client):
    (experiment,) = [e for e in client.search_experiments() if e.name == tracking.EXPERIMENT]
    return client.search_runs([experiment.experiment_id], max_results=1000)


def of_kind(runs, kind):
    return [run for run in runs if run.data.tags.get("bench.kind") == kind]


def test_there_is_one_parent_and_one_child_for_each_stage(runs, mirrored):
    parents = [run for run in runs if "bench.run" in run.data.tags]
    assert len(parents) == 1
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]
    assert sorted(run.data.tags["bench.stage"] for run in children) == mirrored.keys()
    assert len(runs) == 1 + len(children)
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_the_parent_holds_the_request_and_the_records(runs, client):
    (parent,) = [run for run in runs if "bench.run" in run.data.tags]
    assert parent.data.params["recipe.student.steps"] == "8"
    assert parent.data.params["recipe.optimiser.kind"] == "adamw"
    artifacts = {one.path for one in client.list_artifacts(parent.info.run_id)}
    assert artifacts == {"request.json", "records.csv", "records.parquet"}


def test_a_trained_child_has_its_settings_and_the_loss_of_every_step(runs, client, mirrored):
    for run in [*of_kind(runs, "student"), *of_kind(runs, "teacher")]:
        key = run.data.tags["bench.stage"]
        assert run.data.params["steps"] == str(mirrored.stage(key)["settings"]["steps"])
        assert run.data.params["optimiser.learning_rate"] == "0.006"
        assert run.data.params["method.name"] in ("densevoxnet", "tsman")
        history = sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss"))
        with (mirrored.folder(key) / "losses.csv").open(newline="") as file:
            written = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file) if row["loss"]]
        assert history == written
        assert len(history) > 0
        artifacts = {one.path for one in client.list_artifacts(run.info.run_id)}
        assert {"stage.json", "losses.csv"} <= artifacts


def test_a_scores_child_has_its_mean_scores_and_says_whose_they_are(runs, mirrored):
    scores = of_kind(runs, "scores")
    assert {run.data.tags["bench.role"] for run in scores} == {"student", "teacher", "pseudo", "supervised"}
    for run in scores:
        with (mirrored.folder(run.data.tags["bench.stage"]) / "records.csv").open(newline="") as file:
            dice = [
                float(row["value"])
                for row in csv.DictReader(file)
                if (row["metric"], row["structure"]) == ("dice", "blood_pool")
            ]
        assert run.data.metrics["dice.blood_pool"] == pytest.approx(sum(dice) / len(dice))
        assert "overall.all" in run.data.metrics


def test_a_second_mirror_writes_nothing(runs, client, mirrored):
    (run,) = [path.name for path in (mirrored.path / "runs").iterdir()]
    description = json.loads((mirrored.path / "runs" / run / "request.json").read_text())
    assert tracking.mirror(mirrored, run, dict.fromkeys(mirrored.keys(), "a stage"), description) == 0
    (experiment,) = [e for e in client.search_experiments() if e.name == tracking.EXPERIMENT]
    assert len(client.search_runs([experiment.experiment_id], max_results=1000)) == len(runs)


def test_a_mirror_that_was_deleted_is_filled_again(tmp_path, mirrored):
    store = Store(tmp_path / "store")
    shutil.copytree(mirrored.path, store.path)
    (run,) = [path.name for path in (store.path / "runs").iterdir()]
    (store.path / "mlflow.db").unlink()
    shutil.rmtree(store.path / "mlartifacts")
    assert tracking.mirror(store, run, dict.fromkeys(store.keys("split"), "split"), {"asked": "again"}) == 2


def test_a_mirror_elsewhere_is_a_mirror_of_its_own(tmp_path, mirrored):
    store = Store(tmp_path / "store")
    shutil.copytree(mirrored.path, store.path)
    (run,) = [path.name for path in (store.path / "runs").iterdir()]
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    assert (
        tracking.mirror(store, run, dict.fromkeys(store.keys("split"), "split"), {"asked": "again"}, uri) == 2
    )
