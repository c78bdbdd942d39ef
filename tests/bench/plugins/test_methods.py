"""Methods of files that a user names: planned, run, traced, and never run unasked."""

import csv
import json
import os
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from bench.errors import StageError, UsageError
from bench.execution.execute import execute
from bench.plan.recipes import Recipe
from bench.plugins import methods as known_methods
from bench.plugins.source_file import read, run
from bench.stages.context import Conduct
from methods.registry import METHODS

PLUGINS = Path(__file__).parents[2] / "plugins"
SMOOTHING = PLUGINS / "label_smoothing.py"
SLASHED = tuple(
    f"--set={one}" for one in (
        "stream.stem=4", "stream.growth=2", "stream.units=1", "stream.decoder=[4,4]", "sampling.patch=[8,8,8]",
        "sampling.batch=1", "teachers.steps=[1]", "student.steps=2", "distillation.views=identity",
        "compute.precision=float32",
    )
)  # fmt: skip
TRAP = """
import pathlib
if pathlib.Path({flag!r}).exists():
    raise SystemExit("it was run")
"""


@pytest.fixture(autouse=True)
def _none_left():
    yield
    known_methods.admit([])


def students(lab, *methods, **plan):
    return {
        json.loads(one.settings)["method"]["name"]: one
        for one in lab.plan(*methods, **plan).stages()
        if one.kind == "student" and "pseudo" in dict(one.inputs)
    }


def test_the_key_of_a_plug_in_follows_its_source_and_that_of_others_does_not(tiny_lab, tmp_path):
    before = students(tiny_lab, "densevoxnet")["densevoxnet"].key
    keys = []
    for text in ("", "\n# another comment\n"):
        path = tmp_path / f"any{len(keys)}.py"
        path.write_text(SMOOTHING.read_text() + text)
        assert known_methods.admit([path]) == ["label-smoothing"]
        found = students(tiny_lab, "label-smoothing", "densevoxnet")
        assert found["densevoxnet"].key == before
        assert "plugin" not in json.loads(found["densevoxnet"].settings)["method"]
        assert json.loads(found["label-smoothing"].settings)["method"]["plugin"] == read(path).sha
        keys.append(found["label-smoothing"].key)
    assert len(set(keys)) == 2


def test_the_name_and_place_of_the_file_change_no_key(tiny_lab, tmp_path):
    keys = []
    for path in (SMOOTHING, tmp_path / "elsewhere.py"):
        if path != SMOOTHING:
            shutil.copy(SMOOTHING, path)
        known_methods.admit([path])
        keys.append(students(tiny_lab, "label-smoothing")["label-smoothing"].key)
    assert keys[0] == keys[1]


def test_a_worker_runs_only_what_this_run_handed_it(tiny_lab):
    known_methods.admit([SMOOTHING])
    stage = students(tiny_lab, "label-smoothing")["label-smoothing"]
    (origin,) = known_methods.handed()
    known_methods._KNOWN.clear()  # as in a process that was just started
    with pytest.raises(StageError, match="that this run was not started with"):
        known_methods.admit_kept(tiny_lab.store.plugins, {}, stage.document()["settings"])
    known_methods.keep(tiny_lab.store.plugins)
    kept = tiny_lab.store.plugins / f"{origin}.py"
    assert kept.read_bytes() == SMOOTHING.read_bytes()
    kept.write_text(kept.read_text() + "# touched\n")
    with pytest.raises(StageError, match="is not what was written"):
        known_methods.admit_kept(tiny_lab.store.plugins, {origin: "my.py"}, stage.document()["settings"])
    known_methods.keep(tiny_lab.store.plugins)
    known_methods.admit_kept(tiny_lab.store.plugins, {origin: "my.py"}, stage.document()["settings"])
    assert known_methods.method_of(stage.spec.method).name == "label-smoothing"


def test_settings_of_a_plug_in_are_set_and_checked_like_any(tiny_lab):
    known_methods.admit([SMOOTHING])
    from bench.plan.recipes import recipe

    chosen = recipe("smoke", ["label-smoothing.smoothing=0.3"], known_methods.classes())
    assert chosen.methods == {"label-smoothing": {"smoothing": 0.3}}
    with pytest.raises(UsageError, match="unknown setting 'smoothin'"):
        recipe("smoke", ["label-smoothing.smoothin=0.3"], known_methods.classes())


def test_all_is_with_the_plug_ins_and_an_unknown_name_is_refused_with_the_nearest(tmp_path):
    known_methods.admit([SMOOTHING])
    assert known_methods.select("all")[-1] == "label-smoothing"
    assert known_methods.select("every")[-1] == "label-smoothing"
    with pytest.raises(UsageError, match="did you mean 'label-smoothing'"):
        known_methods.select("label-smooth")
    known_methods.admit([])
    assert "label-smoothing" not in known_methods.select("every")


def test_no_plug_in_can_bear_a_word_of_recipes_or_records():
    assert {one.name for one in fields(Recipe)} <= set(known_methods.RESERVED)
    assert not set(METHODS) & set(known_methods.RESERVED)


def test_two_files_may_not_bear_one_name(tmp_path):
    (tmp_path / "twin.py").write_text(SMOOTHING.read_text() + "# twin\n")
    with pytest.raises(UsageError, match="found 'label-smoothing', as in label_smoothing"):
        known_methods.admit([SMOOTHING, tmp_path / "twin.py"])


def test_a_file_says_which_of_its_classes_are_methods(tmp_path):
    path = tmp_path / "two.py"
    text = SMOOTHING.read_text().replace("class LabelSmoothing", "class One")
    other = text[text.index("@dataclass") :].replace("class One", "class Two").replace("label-s", "other-s")
    path.write_text(text + "\n\n" + other)
    assert known_methods.admit([path]) == ["label-smoothing", "other-smoothing"]
    path.write_text(text + "\n\n" + other + "\nMETHODS = (Two,)\n")
    assert known_methods.admit([path]) == ["other-smoothing"]
    path.write_text(text + "\nMETHODS = One\n")
    with pytest.raises(UsageError, match=r"two.py, METHODS: expected a tuple of classes"):
        known_methods.admit([path])


def test_a_plug_in_that_connects_while_it_is_imported_is_refused(tmp_path):
    path = tmp_path / "connects.py"
    path.write_text("import socket\nsocket.socket().connect(('127.0.0.1', 9))\n")
    with pytest.raises(UsageError, match=r"connects.py: expected that it uses no network"):
        run(read(path))


def test_a_file_that_a_method_writes_elsewhere_is_warned_of_once_and_harms_no_stage(bench, tmp_path):
    (tmp_path / "temporary").mkdir()
    plugin = PLUGINS / "broken" / "writes_file.py"
    words = (
        "--recipe",
        "smoke",
        "--xi",
        "0.5",
        "--methods",
        "writes-file",
        "--plugin",
        plugin,
        "--no-mlflow",
    )
    done = bench(
        "run", *words, *SLASHED, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    )
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "diary" in line]
    assert said == (
        "warning: writes_file.py, Broken.loss: expected that it writes files only in its stage's and the"
        " temporary folder and starts no program, found diary.txt opened for writing."
    )
    assert (tmp_path / "diary.txt").exists()


def test_its_source_leaves_no_bytecode_behind(tmp_path):
    shutil.copy(SMOOTHING, tmp_path / "mine.py")
    known_methods.admit([tmp_path / "mine.py"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("stem", "why"),
    [
        ("nan_loss", "nan_loss.py, Broken.loss: expected a finite number, found nan at 50% of the steps"),
        ("vector_loss", "vector_loss.py, Broken.loss: expected a scalar tensor"),
        ("raises", "raises.py, Broken.loss: expected an answer, found AttributeError: 'Batch' object"),
        ("connects", "connects.py, Broken.loss: expected that it uses no network"),
        (
            "changes_manual_labels",
            "Broken.revise: expected that no manual label is changed, found a new one for",
        ),
    ],
)
def test_a_stage_of_a_bad_plug_in_fails_in_a_sentence(tiny_lab, stem, why):
    known_methods.admit([PLUGINS / "broken" / f"{stem}.py"])
    supervised = next(
        one
        for one in tiny_lab.plan(stem.replace("_", "-")).stages()
        if one.kind == "student" and "pseudo" not in dict(one.inputs)
    )
    known_methods.keep(tiny_lab.store.plugins)
    conduct = Conduct(plugins=known_methods.handed())
    execute(dict(supervised.inputs)["split"].document(), tiny_lab.store, run="here", device="cpu")
    with pytest.raises(StageError) as raised:
        execute(supervised.document(), tiny_lab.store, run="here", device="cpu", conduct=conduct)
    assert why in str(raised.value)
    assert not tiny_lab.store.has(supervised.key)


@pytest.fixture(scope="module")
def entered(tmp_path_factory, bench, spheres):
    """A finished run of two plug-ins, one of them with predictions of a wrong shape, and of a built-in."""
    folder = tmp_path_factory.mktemp("entered")
    flag = folder / "set"
    mine = folder / "mine.py"
    mine.write_text(SMOOTHING.read_text() + TRAP.format(flag=str(flag)))
    words = ["run", "--plugin", mine, "--plugin", PLUGINS / "broken" / "wrong_shape.py"]
    words += ["--methods", "label-smoothing,wrong-shape,densevoxnet", "--dataset", f"decathlon:{spheres}"]
    words += ["--xi", "0.5", "--recipe", "smoke", *SLASHED, "--store", folder / "store", "--jobs", "1"]
    done = bench(*words, cwd=folder)
    return done, folder / "store", mine, flag, words


def rows_of(store):
    with (store / "records.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_bad_plug_in_fails_alone_and_the_others_keep_their_results(entered):
    done, store, *_ = entered
    assert done.returncode == 3, done.stderr
    assert "wrong_shape.py, Broken.probabilities: expected probabilities (1, 3," in done.stderr
    assert f"methods  3 of {len(METHODS) + 2}: label-smoothing, wrong-shape, densevoxnet" in done.stdout
    values = {(row["method"], row["status"]) for row in rows_of(store) if row["role"] == "student"}
    assert {("label-smoothing", "failed"), ("densevoxnet", "failed")}.isdisjoint(values)
    assert ("wrong-shape", "failed") in values
    assert {"label-smoothing", "densevoxnet"} <= {method for method, _ in values}


def test_what_reads_a_store_runs_no_code_of_it(entered, bench):
    _, store, mine, flag, _ = entered
    student = next(
        path.parent.name for path in store.glob("stages/student-*/stage.json")
        if json.loads(path.read_text())["settings"]["method"]["name"] == "label-smoothing"
    )  # fmt: skip
    flag.touch()
    try:
        for words in (["status"], ["show", student], ["report", "--out", store.parent / "report"], ["doctor"],
                      ["compare", "label-smoothing", "densevoxnet", "--metric", "dice"], ["export", "mlflow"]):  # fmt: skip
            done = bench(*words, "--store", store)
            assert "it was run" not in done.stderr
            assert done.returncode == 0, (words, done.stderr)
        assert "label-smoothing" in (store.parent / "report" / "index.html").read_text()
        refused = bench("verify", student, "--store", store)
        assert refused.returncode == 2
        assert "is of the plug-in" in refused.stderr
        ran = bench("verify", student, "--store", store, "--plugin", mine)
        assert "it was run" in ran.stderr  # the trap works
    finally:
        flag.unlink()


def test_a_stage_of_a_plug_in_is_verified_by_the_file_that_made_it(entered, bench):
    _, store, mine, *_ = entered
    student = next(
        path.parent.name for path in store.glob("stages/student-*/stage.json")
        if json.loads(path.read_text())["settings"]["method"]["name"] == "label-smoothing"
    )  # fmt: skip
    same = bench("verify", student, "--store", store, "--plugin", mine)
    assert same.returncode == 0, same.stdout + same.stderr
    other = bench("verify", student, "--store", store, "--plugin", SMOOTHING)
    assert other.returncode == 2
    assert "--plugin label_smoothing.py is " in other.stderr


def test_the_same_command_makes_nothing_twice_and_retries_what_failed(entered, bench):
    _, store, _, _, words = entered
    again = bench(*words, "--json", cwd=store.parent)
    said = json.loads(again.stdout)
    assert again.returncode == 3
    assert said["made"] == 0
    assert said["cached"] + len(said["failed"]) + len(said["blocked"]) == sum(
        one["stages"] for one in said["stages"].values()
    )


def test_a_plug_in_that_cannot_be_loaded_ends_the_run_before_anything_is_made(bench, tmp_path):
    done = bench("run", "--plugin", PLUGINS / "broken" / "lacks_member.py", "--store", tmp_path / "store")
    assert done.returncode == 2
    assert "lacks_member.py, Broken.probabilities: expected a method" in done.stderr
    assert not (tmp_path / "store").exists()


def test_plug_ins_are_listed_and_shown(bench):
    listed = bench("methods", "list", "--plugin", SMOOTHING, "--json")
    (mine,) = [one for one in json.loads(listed.stdout) if one["name"] == "label-smoothing"]
    assert (mine["networks"], mine["capabilities"]) == (1, [])
    shown = bench("methods", "show", "label-smoothing", "--plugin", SMOOTHING)
    assert re.search(r"^ +smoothing +0\.1$", shown.stdout, re.MULTILINE)
    assert re.search(r"^from +label_smoothing\.py$", shown.stdout, re.MULTILINE)
