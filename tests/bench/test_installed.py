"""Installed packages bring methods by entry points: a made distribution on the path stands for one."""

import json
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.plugins import contestants
from bench.plugins.faults import PluginError

SMOOTHING = (Path(__file__).parents[1] / "plugins" / "label_smoothing.py").read_text()


def install(folder, package, version, modules, points):
    """A distribution as pip leaves it: modules, and a dist-info folder beside them."""
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    about = folder / f"{package}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text("\n".join(points) + "\n")
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs modules for the length of a test."""
    made = []

    def add(package, version, modules, *points):
        monkeypatch.syspath_prepend(install(tmp_path / package, package, version, modules, points))
        made.extend(modules)

    yield add
    contestants.admit([])
    for name in made:
        sys.modules.pop(name, None)


def test_an_installed_method_is_one_of_every_but_not_of_all(installed):
    contestants.admit([])
    before = contestants.select("every")
    installed(
        "noisy-fake",
        "1.2",
        {"fake_smoothing": SMOOTHING},
        "[bench.methods]",
        "label-smoothing = fake_smoothing:LabelSmoothing",
    )
    assert contestants.select("every") == [*before, "label-smoothing"]
    assert "label-smoothing" not in contestants.select("all")
    assert contestants.select("label-smoothing,tsman") == ["label-smoothing", "tsman"]
    assert contestants.method("label-smoothing").smoothing == 0.1


def test_nothing_of_it_is_imported_until_it_is_asked_for(installed):
    installed(
        "lazy-fake", "1.0", {"fake_lazy": SMOOTHING}, "[bench.methods]", "lazy = fake_lazy:LabelSmoothing"
    )
    contestants.admit([])
    contestants.select("all")
    contestants.method("tsman")
    assert "fake_lazy" not in sys.modules


def test_its_stage_names_package_version_and_source(installed, tiny_lab):
    installed(
        "noisy-fake",
        "1.2",
        {"fake_smoothing": SMOOTHING},
        "[bench.methods]",
        "label-smoothing = fake_smoothing:LabelSmoothing",
    )
    contestants.admit([])
    stage = next(one for one in tiny_lab.plan("label-smoothing").stages() if one.kind == "student")
    origin = json.loads(stage.settings)["method"]["plugin"]
    package, _, source = origin.partition(":")
    assert package == "noisy-fake==1.2"
    assert len(source) == 64
    contestants._KNOWN.clear()  # as in a process that was just started
    contestants.admit_kept(
        tiny_lab.store.plugins, {origin: "package noisy-fake 1.2"}, stage.document()["settings"]
    )
    assert contestants.method_of(stage.document()["settings"]["method"]).name == "label-smoothing"


def test_another_version_than_the_planned_one_is_refused(installed, tiny_lab):
    from bench.errors import StageError

    installed(
        "noisy-fake",
        "1.2",
        {"fake_smoothing": SMOOTHING},
        "[bench.methods]",
        "label-smoothing = fake_smoothing:LabelSmoothing",
    )
    contestants.admit([])
    contestants.method("label-smoothing")
    other = "noisy-fake==1.1:" + "0" * 64
    settings = {"method": {"name": "label-smoothing", "plugin": other, "settings": {}}}
    with pytest.raises(StageError, match=r"was planned with noisy-fake==1\.1"):
        contestants.admit_kept(tiny_lab.store.plugins, {other: "package noisy-fake 1.1"}, settings)


def test_a_broken_package_is_named_and_left_out_of_the_listing(installed):
    installed(
        "broken-fake", "0.3", {"fake_broken": "import torhc\n"}, "[bench.methods]", "half = fake_broken:Half"
    )
    installed(
        "wrong-fake", "0.4", {"fake_wrong": "def half(): ...\n"}, "[bench.methods]", "other = fake_wrong:half"
    )
    contestants.admit([])
    found, broken = contestants.listed()
    assert not {"half", "other"} & {one.name for one in found}
    assert any("package broken-fake 0.3, half: expected an entry point that imports" in one for one in broken)
    assert any("package wrong-fake 0.4, other: expected a class" in one for one in broken)
    with pytest.raises(PluginError, match="No module named 'torhc'"):
        contestants.select("half")


def test_a_name_that_two_packages_bring_is_refused(installed):
    for package in ("first-fake", "second-fake"):
        installed(package, "1", {package.replace("-", "_"): SMOOTHING}, "[bench.methods]", "twice = x:Y")
    contestants.admit([])
    with pytest.raises(
        PluginError, match=r"package first-fake 1.*expected one package that brings it, found 2"
    ):
        contestants.method("twice")


def test_a_name_of_bench_cannot_be_taken(installed):
    installed(
        "bold-fake", "1", {"fake_bold": SMOOTHING}, "[bench.methods]", "tsman = fake_bold:LabelSmoothing"
    )
    contestants.admit([])
    assert type(contestants.method("tsman")).__module__ == "methods.two_stream"
    assert contestants.known().count("tsman") == 1


def test_its_name_must_be_that_of_its_entry_point(installed):
    installed("odd-fake", "1", {"fake_odd": SMOOTHING}, "[bench.methods]", "odd = fake_odd:LabelSmoothing")
    contestants.admit([])
    with pytest.raises(UsageError, match="expected 'odd', as its entry point says, found 'label-smoothing'"):
        contestants.method("odd")


def test_the_command_line_runs_an_installed_method(bench, tmp_path, spheres, tiny):
    import os

    folder = install(
        tmp_path / "site",
        "noisy-fake",
        "1.2",
        {"fake_smoothing": SMOOTHING},
        ["[bench.methods]", "label-smoothing = fake_smoothing:LabelSmoothing"],
    )
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    words = [
        "run",
        "--methods",
        "label-smoothing",
        "--dataset",
        f"decathlon:{spheres}",
        "--xi",
        "0.5",
        "--recipe",
        "smoke",
    ]
    words += [word for one in tiny for word in ("--set", one)]
    done = bench(
        *words,
        "--store",
        tmp_path / "store",
        "--no-mlflow",
        "--jobs",
        "1",
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "store" / "plugins").exists()
