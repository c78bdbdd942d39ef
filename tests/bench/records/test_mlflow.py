"""MLflow's own client lists what a run made."""

import csv
import json
import shutil

import pytest

from bench.records import mlflow_client, mlflow_mirror
from bench.records.mlflow_mirror import Mirror
from bench.store.run_log import plans, request_document
from bench.store.store import Store


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

    return MlflowClient(mlflow_mirror.default_uri(mirrored))


@pytest.fixture(scope="module")
def runs(client):
    (experiment,) = [e for e in client.search_experiments() if e.name == mlflow_client.EXPERIMENT]
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
    assert parent.data.params["recipe.optimiser.kind"] == "muon"
    artifacts = {one.path for one in client.list_artifacts(parent.info.run_id)}
    assert artifacts == {"request.json", "records.csv", "records.parquet"}


def test_a_trained_child_has_its_settings_and_the_loss_of_every_step(runs, client, mirrored):
    for run in [*of_kind(runs, "student"), *of_kind(runs, "teacher")]:
        key = run.data.tags["bench.stage"]
        assert run.data.params["steps"] == str(mirrored.stage(key)["settings"]["steps"])
        is_student = key.startswith("student-")  # which starts at teachers, at a rate of its own
        assert run.data.params["optimiser.learning_rate"] == ("0.002" if is_student else "0.006")
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
    roles = {"student", "teacher", "pseudo", "supervised", "labelled-only"}
    assert {run.data.tags["bench.role"] for run in scores} == roles
    for run in scores:
        with (mirrored.folder(run.data.tags["bench.stage"]) / "records.csv").open(newline="") as file:
            dice = [
                float(row["value"])
                for row in csv.DictReader(file)
                if (row["metric"], row["structure"]) == ("dice", "blood_pool")
            ]
        assert run.data.metrics["dice.blood_pool"] == pytest.approx(sum(dice) / len(dice))
        assert "overall.all" in run.data.metrics


def page(store, uri="", **titles):
    (run,) = [path.name for path in (store.path / "runs").iterdir()]
    titles = titles or dict(plans(store)[run].stages)
    return Mirror(store, run, titles, request_document(store, run), uri or mlflow_mirror.default_uri(store))


@pytest.fixture
def copied(tmp_path, mirrored):
    """A copy of the store whose mirror may be spoiled."""
    store = Store(tmp_path / "store")
    shutil.copytree(mirrored.path, store.path, ignore=shutil.ignore_patterns("mlflow.db*", "mlartifacts"))
    return store


def test_a_mirror_that_is_whole_is_not_behind(mirrored):
    assert not page(mirrored).is_behind


def test_a_mirror_that_was_deleted_is_filled_again(copied):
    key = copied.keys("split")[0]
    assert page(copied, **{key: "split"}).is_behind
    assert page(copied, **{key: "split"}).fill({key}) == mlflow_mirror.Filled(page(copied).run, 1, 1, 0)
    assert not page(copied, **{key: "split"}).is_behind


def test_a_mirror_elsewhere_is_a_mirror_of_its_own(tmp_path, copied):
    key = copied.keys("split")[0]
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    assert page(copied, uri, **{key: "split"}).fill({key}).written == 1
    assert page(copied, **{key: "split"}).is_behind
    assert not (copied.path / "mlartifacts").exists()


def test_an_export_from_stages_and_records_alone_equals_the_first_mirror(
    copied, mirrored, bench, mirrored_at
):
    for path in copied.path.glob("runs/*/mirrored-*.json"):
        path.unlink()
    done = bench("export", "mlflow", "--store", copied.path, "--json")
    assert done.returncode == 0, done.stderr
    (exported,) = json.loads(done.stdout)["runs"]
    assert exported["written"] == exported["planned"] == len(mirrored.keys())
    assert mirrored_at(mlflow_mirror.default_uri(copied)) == mirrored_at(mlflow_mirror.default_uri(mirrored))


@pytest.mark.parametrize("note", [None, "", '{"parent"', "[1, 2]", '{"parent": "nobody"}'])
def test_a_lost_or_torn_note_doubles_nothing(mirrored, note, mirrored_at):
    before = mirrored_at(mlflow_mirror.default_uri(mirrored))
    path = page(mirrored)._note_path
    path.unlink() if note is None else path.write_text(note)
    assert page(mirrored).is_behind
    assert page(mirrored).fill(mirrored.finished()).written == 0
    assert mirrored_at(mlflow_mirror.default_uri(mirrored)) == before


def test_what_a_killed_driver_left_half_written_is_written_again_and_not_doubled(
    mirrored, client, mirrored_at
):
    before = mirrored_at(mlflow_mirror.default_uri(mirrored))
    mine = page(mirrored)
    there = json.loads(mine._note_path.read_text())
    key = mirrored.keys("student")[0]
    client.delete_run(there[key])
    experiment = client.get_experiment_by_name(mlflow_client.EXPERIMENT).experiment_id
    client.create_run(experiment, tags={"mlflow.parentRunId": there["parent"], "bench.stage": key})
    client.create_run(experiment, tags={"bench.run": mine.run})  # a second parent, without children
    client.update_run(there["parent"], status="RUNNING")
    mine.forget()
    assert mine.fill(mirrored.finished()).written == 1
    assert mirrored_at(mlflow_mirror.default_uri(mirrored)) == before


def test_stages_that_are_not_there_yet_are_counted_and_damaged_ones_named(copied, bench, mirrored_at):
    gone = copied.keys("student")[0]
    shutil.rmtree(copied.folder(gone))
    damaged = copied.folder(copied.keys("scores")[0]) / "records.csv"
    damaged.write_text("torn")
    total = len(page(copied).titles)
    done = bench("export", "mlflow", "--store", copied.path)
    assert done.returncode == 0, done.stderr
    assert f"2 of {total} stages of run {page(copied).run} are not there yet" in done.stdout
    assert damaged.parent.name in done.stderr
    exported = {one[0][0]: one[0][2] for one in mirrored_at(mlflow_mirror.default_uri(copied))}
    assert exported["parent"] == "FAILED"
    assert not {gone, damaged.parent.name} & exported.keys()


def test_a_run_that_the_store_does_not_know_is_refused(copied, bench):
    done = bench("export", "mlflow", "--store", copied.path, "--run", "nobody")
    assert done.returncode == 2
    assert page(copied).run in done.stderr


def told_of(folder):
    """Every file of a folder and its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_store_that_was_copied_or_moved_gets_a_mirror_of_its_own(
    tmp_path, swept, bench, mirrored, mirrored_at, is_gone
):
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(swept.path, first)
    split = Store(first).keys("split")[0]
    page(Store(first), **{split: "split"}).fill({split})
    if is_gone:
        first.rename(second)
    else:
        shutil.copytree(first, second)
    before = told_of(first)
    done = bench(*swept.words[:-1], second)
    assert done.returncode == 0, done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if "mlflow.db" in line]
    assert str(first / "mlartifacts") in sentence
    assert str(second / "damaged" / "mlflow.db.1") in sentence
    assert told_of(first) == before
    assert first.exists() != is_gone
    assert mirrored_at(mlflow_mirror.default_uri(Store(second))) == mirrored_at(
        mlflow_mirror.default_uri(mirrored)
    )
    again = bench(*swept.words[:-1], second)
    assert "mlflow.db" not in again.stderr


def test_marks_of_a_database_that_is_gone_are_forgotten_for_every_run(copied):
    key = copied.keys("split")[0]
    mine, other = page(copied, **{key: "split"}), copied.path / "runs" / "other"
    other.mkdir()
    (other / mine._note_path.name).write_text("{}")
    mine.fill({key})
    assert list(other.iterdir()) == []


@pytest.mark.parametrize(("name", "misread"), [("100%41", "%41"), ("why?", "?"), ("a#b 100%zz", "")])
def test_a_mirror_stays_in_a_store_of_a_strange_name_or_is_refused(tmp_path, swept, bench, name, misread):
    path = tmp_path / name
    shutil.copytree(swept.path, path)
    done = bench(*swept.words[:-1], path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert (path / "mlflow.db").is_file() != bool(misread)
    if misread:
        (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("warning: the MLflow")]
        assert f"cannot open a database with {misread!r} in its path" in sentence
    else:
        assert "warning" not in done.stderr
