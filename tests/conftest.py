"""Small real things for every test: a shell for ``bench``, tiny data sets on disk, real volumes where given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

for _pool in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_pool] = "1"  # before numpy and torch are imported: tests share their cores
os.environ.pop("MLFLOW_TRACKING_URI", None)

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# A loaded machine draws its first examples slowly: that is no failure of a test.
settings.register_profile("bench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bench")

SPACING_MM = (1.5, 1.0, 2.0)


def pytest_addoption(parser):
    parser.addoption(
        "--real-data", default=None, metavar="DIR", help="Folder of real volumes, such as ../shared/data."
    )


@pytest.fixture(scope="session")
def real_data(request):
    """The folder of real volumes; without ``--real-data DIR`` the test is skipped."""
    given = request.config.getoption("--real-data")
    if given is None:
        pytest.skip("needs real volumes: pass --real-data DIR")
    folder = Path(given).resolve()
    if not folder.is_dir():
        pytest.skip(f"--real-data {folder} is not a folder")
    return folder


def oblique_affine(spacing_mm=SPACING_MM, turn_degrees=10.0):
    """An affine that is turned about the third axis and lies away from the origin."""
    turn = np.deg2rad(turn_degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.asarray(spacing_mm)
    affine[:3, 3] = (-12.0, 7.0, 30.0)
    return affine


def sphere_in_sphere(seed, shape):
    """Label 2 inside label 1 inside background, somewhere near the middle, and its noisy image."""
    rng = np.random.default_rng(seed)
    middle = np.array(shape) / 2 + rng.uniform(-1.5, 1.5, 3)
    distance_ijk = np.linalg.norm(np.indices(shape).T - middle, axis=-1).T
    outer = min(shape) * rng.uniform(0.32, 0.42)
    label_ijk = (distance_ijk < outer).astype(np.uint8) + (distance_ijk < 0.6 * outer)
    image_ijk = 100 + 80 * label_ijk + rng.normal(0, 10, shape)
    return image_ijk.astype(np.float32), label_ijk.astype(np.uint8)


@pytest.fixture(scope="session")
def decathlon_folder():
    """A function that writes a Decathlon task folder of spheres; ``change`` edits its dataset.json."""
    from bench.data.images.volumes import write_scan

    def write(folder, *, cases=7, shape=(20, 16, 12), name="spheres", change=None):
        names = [f"case_{number:02d}" for number in range(cases)]
        for sub in ("imagesTr", "labelsTr"):
            (folder / sub).mkdir(parents=True)
        for seed, case in enumerate(names):
            image_ijk, label_ijk = sphere_in_sphere(seed, shape)
            write_scan(image_ijk, oblique_affine(), folder / "imagesTr" / f"{case}.nii.gz")
            write_scan(label_ijk, oblique_affine(), folder / "labelsTr" / f"{case}.nii.gz")
        description = {
            "name": name,
            "modality": {"0": "MRI"},
            "labels": {"0": "background", "1": "shell", "2": "core"},
            "training": [
                {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in names
            ],
        }
        if change is not None:
            change(description)
        (folder / "dataset.json").write_text(json.dumps(description))
        return folder

    return write


@pytest.fixture(scope="session")
def spheres(tmp_path_factory, decathlon_folder):
    """A tiny Decathlon folder to read, never to change."""
    return decathlon_folder(tmp_path_factory.mktemp("spheres") / "Task99_Spheres")


TINY = (
    "stream.stem=4", "stream.growth=2", "stream.units=1", "stream.decoder=[4,4]",
    "sampling.patch=[8,8,8]", "sampling.batch=1", "teachers.steps=[1,2]", "student.steps=2",
    "distillation.views=identity", "compute.precision=float32", "student.start=fresh",
)  # fmt: skip
"""What makes a stage take a tenth of a second."""


@pytest.fixture(scope="session")
def tiny():
    """The assignments that narrow ``smoke`` until a stage takes a tenth of a second."""
    return TINY


@pytest.fixture(scope="session")
def bench():
    """Run ``bench`` in a process of its own, as a shell would."""

    def run(*words, timeout=300, **options):
        command = [sys.executable, "-c", "from bench.cli.main import main; main()", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, **options
        )

    return run


@pytest.fixture
def tiny_lab(tmp_path, spheres, tiny):
    """A fresh store that knows the spheres, and a function that plans a tiny sweep on it."""
    from types import SimpleNamespace

    from bench.data.catalogue import open_dataset
    from bench.data.dataset import DataSettings, remember
    from bench.plan.experiments import free_part
    from bench.plan.recipes import recipe, resolved
    from bench.plan.sweep import Sweep
    from bench.store.store import Store
    from methods.registry import classes

    store = Store(tmp_path / "store")
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), store.workshop)
    remember(dataset, store.workshop)

    def plan(*methods, xi="0.5", changes=()):
        chosen = recipe("smoke", [*tiny, *changes], classes())
        chosen = resolved(chosen, device="cpu", native_bfloat16=False)
        return Sweep(chosen, (free_part(methods, (xi,), chosen),), (0,), (dataset,))

    return SimpleNamespace(store=store, dataset=dataset, plan=plan)


@pytest.fixture(scope="session")
def swept(tmp_path_factory, bench):
    """A finished smoke sweep on the phantom in a store to read, never to change; ``words`` made it."""
    from types import SimpleNamespace

    path = tmp_path_factory.mktemp("swept") / "store"
    words = ("run", "--recipe", "smoke", "--methods", "densevoxnet,tsman", "--xi", "0.3", "--store", path)
    made = bench(*words, "--no-mlflow", "--jobs", 2)
    assert made.returncode == 0, made.stderr
    return SimpleNamespace(path=path, words=words, made=made)


@pytest.fixture(scope="session")
def mirrored_at():
    """All that MLflow's client tells of a mirror but identifiers: sorted, with every step of every metric."""

    def told(uri, run=""):
        from mlflow import MlflowClient

        from bench.records import mlflow_client

        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name(mlflow_client.EXPERIMENT).experiment_id
        found = client.search_runs([experiment], max_results=5000)
        stage_of = {one.info.run_id: one.data.tags.get("bench.stage", "parent") for one in found}
        parents = {i.info.run_id for i in found if run in ("", i.data.tags.get("bench.run"))}
        rows = []
        for one in found:
            tags, info = one.data.tags, one.info
            parent = tags.get("mlflow.parentRunId")
            if not {info.run_id, parent} & parents:
                continue
            own = sorted((name, value) for name, value in tags.items() if name.startswith("bench."))
            steps = {
                name: sorted((m.step, m.value) for m in client.get_metric_history(info.run_id, name))
                for name in one.data.metrics
            }
            files = sorted((file.path, file.file_size) for file in client.list_artifacts(info.run_id))
            seconds = info.end_time - info.start_time if parent else 0
            names = (stage_of[info.run_id], info.run_name, info.status, stage_of.get(parent), seconds)
            rows.append((names, own, sorted(one.data.params.items()), steps, files))
        return sorted(rows, key=lambda row: row[0][0])

    return told


TRIED = []


@pytest.fixture(scope="session")
def tried():
    """Note a fault that a test really did: its name, how many times, how many were survived and lost."""

    def note(fault, times=1, survived=None, lost=0):
        TRIED.append((fault, times, times if survived is None else survived, lost))
        assert lost == 0, f"{fault}: {lost} lost"

    return note


def pytest_terminal_summary(terminalreporter):
    """The table of faults: what was tried, how often, survived, lost."""
    if not TRIED:
        return
    together = {}
    for fault, *counts in TRIED:
        together[fault] = [sum(pair) for pair in zip(together.get(fault, (0, 0, 0)), counts, strict=True)]
    width = max(map(len, together))
    terminalreporter.section("faults")
    terminalreporter.line(f"{'fault':{width}}  {'tried':>7}  {'survived':>8}  {'lost':>4}")
    for fault, (times, survived, lost) in together.items():
        terminalreporter.line(f"{fault:{width}}  {times:7,}  {survived:8,}  {lost:4,}")
