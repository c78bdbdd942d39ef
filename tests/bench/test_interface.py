"""The functions that a notebook calls: what their examples say, and that they do what the commands do."""

import doctest
import inspect
import json
import shutil
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import bench as interface
from bench.data.images.volumes import write_scan
from bench.errors import BenchError, DataError, UsageError
from bench.plan.spelling import assignments, seeds_text, share_text

FUNCTIONS = ("run_sweep", "load_records", "score", "load_dataset", "load_case")
SWEEP = {"methods": ["densevoxnet", "tsman"], "xi": 0.3, "recipe": "smoke"}
"""What the session's sweep was asked for."""


@pytest.fixture(scope="module")
def results(swept, tmp_path_factory):
    """A folder whose ``results`` are the session's sweep."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copytree(swept.path, folder / "results")
    return folder


@pytest.fixture
def notebook(results, monkeypatch):
    """The same, as the folder in which Python was started."""
    monkeypatch.chdir(results)
    return results


def in_a_new_python(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


HEAVY = ("numpy", "torch", "pandas", "mlflow", "monai", "matplotlib")


def test_importing_the_package_imports_no_numerical_library(tmp_path):
    code = f"import bench, sys, json; print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    assert json.loads(in_a_new_python(code, tmp_path).stdout) == []


def test_planning_a_finished_sweep_imports_neither_torch_nor_mlflow(notebook):
    code = (
        f"import bench, sys, json; result = bench.run_sweep(**{SWEEP}, dry_run=True); "
        "print(json.dumps([result.stages, result.cached, result.made, [n for n in "
        "('torch', 'mlflow', 'monai', 'matplotlib') if n in sys.modules]]))"
    )
    ended = in_a_new_python(code, notebook)
    stages, cached, made, imported = json.loads(ended.stdout)
    assert stages == cached > 0
    assert (made, imported) == (0, [])


def test_every_name_is_there_and_is_offered():
    assert set(interface.__all__) <= set(dir(interface))
    for name in interface.__all__:
        assert getattr(interface, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'run_sweeps'"):
        interface.run_sweeps  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_gives_and_raises_and_its_example_is_true(name, notebook):
    function = getattr(interface, name)
    text = inspect.getdoc(function)
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert f"\n{section}\n" in text, section
    for parameter in inspect.signature(function).parameters:
        assert f"\n    {parameter}: " in text, parameter
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    assert example.examples
    said = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert "".join(said) == ""


def test_a_sweep_is_the_run_that_the_command_makes(swept, notebook):
    result = interface.run_sweep(**SWEEP, mlflow=False, seeds=[0])
    assert f"run {result.run}" in swept.made.stdout
    assert (result.made, result.failed, result.blocked) == (0, {}, {})
    assert result.cached == result.stages > 0
    assert result.is_complete
    assert str(result.store) == "results"


def test_a_failed_stage_is_in_the_result_with_its_reason(spheres, tiny, tmp_path):
    settings = dict(one.split("=", 1) for one in tiny)
    plugin = tmp_path / "breaks.py"
    plugin.write_text(BREAKS)
    seen = []
    result = interface.run_sweep(
        methods="breaks", xi="0.5", datasets=[f"decathlon:{spheres}"], recipe="smoke", jobs=1, mlflow=False,
        settings={name: json.loads(value) if value[0] in "[0123456789" else value for name, value in settings.items()},
        plugins=[plugin], store=tmp_path / "store", progress=lambda state: seen.append(state.total),
    )  # fmt: skip
    assert not result.is_complete
    assert set(seen) == {result.stages}
    assert result.made > 0
    assert {key.partition("-")[0] for key in result.failed} == {"student"}
    assert all("no gradient today" in reason for reason in result.failed.values())
    assert {result.failed[key] for key in result.blocked.values()} <= set(result.failed.values())
    records = interface.load_records(tmp_path / "store")
    assert set(records.loc[records["method"] == "breaks", "status"]) == {"failed"}
    assert records.loc[records["method"] == "breaks", "value"].isna().all()


BREAKS = '''
from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Breaks(DenseVoxNetMethod):
    """Fails in every step."""

    name: ClassVar[str] = "breaks"
    reference: ClassVar[str] = "none"

    def loss(self, network, batch, progress):
        raise RuntimeError("no gradient today")
'''


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"methods": "tsmn"}, "did you mean 'tsman'"),
        ({"xi": 1.5}, "outside"),
        ({"settings": {"student.step": 5}}, "unknown setting 'step'"),
        ({"settings": {"student.steps": object()}}, "student.steps is <object"),
        ({"seeds": []}, "different whole numbers"),
        ({"engine": "cloud"}, "unknown engine"),
    ],
)
def test_what_cannot_be_is_refused_as_by_the_command(given, sentence, tmp_path):
    with pytest.raises(UsageError) as refused:
        interface.run_sweep(**{**SWEEP, **given}, store=tmp_path / "store")
    assert sentence in str(refused.value)
    assert isinstance(refused.value, BenchError)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("xi", "text"),
    [
        (0.3, "0.3"), (0.1 + 0.2, "0.3"), ("0.1:0.9", "0.1:0.9"), (Decimal("0.30"), "0.30"), (0.000001, "1e-06"),
        ([0.1, "0.5", Decimal("0.7")], "0.1,0.5,0.7"), (np.arange(0.1, 0.35, 0.1), "0.1,0.2,0.3"),
        (np.float32(0.3), "0.3"),
    ],
)  # fmt: skip
def test_shares_are_the_words_of_the_command_line(xi, text):
    assert share_text(xi) == text


@pytest.mark.parametrize(
    ("seeds", "text"),
    [(3, "3"), ("0,2", "0,2"), ([5], "5,"), (range(2), "0,1,"), (np.int64(3), "3"), ([], ",")],
)
def test_seeds_are_the_words_of_the_command_line(seeds, text):
    assert seeds_text(seeds) == text


def test_settings_are_assignments_that_the_command_line_reads_alike():
    from bench.settings.serialise import assignment

    given = {
        "student": {"steps": np.int64(500), "start": "fresh"}, "sampling.patch": (8, 8, 8), "a.b": True,
        "rate": 1e-5, "words": 'say "ξ"\n', "listed": np.array([0.5, 1.0]),
    }  # fmt: skip
    told = {".".join(path): value for path, value in map(assignment, assignments(given))}
    assert told == {
        "student.steps": 500, "student.start": "fresh", "sampling.patch": [8, 8, 8], "a.b": True, "rate": 1e-5,
        "words": 'say "ξ"\n', "listed": [0.5, 1.0],
    }  # fmt: skip


def test_records_are_those_of_the_table(notebook):
    records = interface.load_records()
    table = pd.read_csv("results/records.csv", keep_default_na=False, dtype=str)
    assert list(records.columns) == list(table.columns)
    assert len(records) == len(table)
    with pytest.raises(DataError, match="holds no records"):
        interface.load_records("elsewhere")


def cubes():
    reference = np.zeros((12, 10, 8), np.uint8)
    reference[2:8, 2:7, 2:6] = 1
    reference[4:6, 3:5, 3:5] = 2
    return np.roll(reference, 1, axis=0), reference


def test_arrays_and_files_and_the_command_give_one_score(tmp_path, bench):
    predicted, reference = cubes()
    for name, array in (("one", predicted), ("two", reference)):
        write_scan(array, np.diag([2.0, 1.0, 1.5, 1.0]), tmp_path / f"{name}.nii.gz")
    of_arrays = interface.score(predicted, reference, spacing_mm=(2.0, 1.0, 1.5))
    of_files = interface.score(tmp_path / "one.nii.gz", str(tmp_path / "two.nii.gz"))
    pd.testing.assert_frame_equal(of_arrays.drop(columns="case"), of_files.drop(columns="case"))
    ended = bench("score", tmp_path / "one.nii.gz", tmp_path / "two.nii.gz", "--json")
    assert json.loads(ended.stdout) == of_files.to_dict("records")
    assert set(of_files["structure"]) == {"1", "2", "all"}
    medpy = interface.score(predicted, reference, spacing_mm=(2, 1, 1.5), structures=[2], definition="medpy")
    assert set(medpy["structure"]) == {"2", "all"}
    assert "hd95" in set(medpy["metric"])


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"spacing_mm": None}, UsageError, "arrays have no voxel size"),
        ({"reference": "two.nii.gz"}, UsageError, "one label map is a path"),
        ({"predicted": "one.nii.gz", "reference": "two.nii.gz"}, UsageError, "spacing_mm is for arrays"),
        ({"definition": "hvsmr"}, UsageError, "Did you mean 'hvsmr2016'"),
        ({"structures": [0]}, UsageError, "0 is the background"),
        ({"structures": [1.5]}, UsageError, "0 is the background"),
        ({"structures": []}, UsageError, "0 is the background"),
        ({"reference": np.zeros((3, 3, 3), np.uint8)}, DataError, "shape"),
        ({"predicted": np.zeros((12, 10, 8))}, DataError, "expected integers"),
        ({"spacing_mm": (1, 0, 1)}, DataError, "spacing"),
        ({"predicted": -cubes()[0].astype(int), "reference": -cubes()[1].astype(int)}, DataError, "label from 1"),
        ({"predicted": np.zeros((2, 2, 2), int), "reference": np.zeros((2, 2, 2), int)}, DataError, "no label above 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_in_a_sentence(change, kind, sentence):
    predicted, reference = cubes()
    given = {"predicted": predicted, "reference": reference, "spacing_mm": (1, 1, 1), **change}
    with pytest.raises(kind, match=sentence):
        interface.score(**given)


def test_a_case_is_its_image_and_label_voxel_on_voxel(spheres, tmp_path):
    dataset = interface.load_dataset(f"decathlon:{spheres}", store=tmp_path / "store")
    case = interface.load_case(dataset, dataset.train[0])
    assert case.image_cijk.shape == (1, *case.label_ijk.shape)
    means = [case.image_cijk[0][case.label_ijk == label].mean() for label in range(3)]
    assert np.allclose(means, [100, 180, 260 - 256], atol=3)  # drawn in bytes
    assert case.spacing_mm == pytest.approx((1.5, 1.0, 2.0), rel=1e-4)
    assert np.linalg.norm(case.affine[:3, :3], axis=0) == pytest.approx(case.spacing_mm, rel=1e-4)
    with pytest.raises(UsageError, match="unknown case"):
        interface.load_case(dataset, "case_99")


@pytest.mark.parametrize(
    ("name", "given", "kind", "sentence"),
    [
        ("phantom-hart", {}, UsageError, "Did you mean 'phantom-heart'"),
        ("phantom-heart", {"size": "huge"}, UsageError, "expected 'smoke', 'quick' or 'paper'"),
        ("decathlon:nowhere", {}, DataError, "nowhere"),
    ],
)
def test_a_data_set_that_cannot_be_opened_is_refused(name, given, kind, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as refused:
        interface.load_dataset(name, **given)
    assert sentence in str(refused.value)
    assert not isinstance(refused.value, OSError)


def test_warnings_about_data_are_logged_under_bench(spheres, tmp_path, caplog):
    folder = shutil.copytree(spheres, tmp_path / "spheres")
    shutil.copy(folder / "imagesTr" / "case_00.nii.gz", folder / "imagesTr" / "case_77.nii.gz")
    interface.load_dataset(f"decathlon:{folder}", store=tmp_path / "store")
    (record,) = caplog.records
    assert record.name.partition(".")[0] == "bench"
    assert "case_77" in record.getMessage()
