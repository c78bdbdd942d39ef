"""The session that installs the lowest versions takes every bound from pyproject.toml and goes through every verb."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from bench.cli.main import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def noxfile():
    spec = importlib.util.spec_from_file_location("noxfile_of_bench", ROOT / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]


def test_every_dependency_has_a_lower_bound_that_the_session_covers(noxfile):
    bounds = noxfile.lower_bounds(ROOT / "pyproject.toml")
    assert len(bounds) == len(declared())
    for text in declared():
        name, bound = re.match(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", text).groups()
        assert bounds[name.lower()] == bound


def test_an_environment_that_is_newer_than_a_bound_or_lacks_one_is_refused(noxfile):
    bounds = noxfile.lower_bounds(ROOT / "pyproject.toml")
    frozen = {name: bound if bound.count(".") > 1 else f"{bound}.0" for name, bound in bounds.items()}
    lines = [f"{name}=={version}" for name, version in frozen.items()] + [
        "-e file:///bench",
        "torch-extra==9",
    ]
    noxfile.check_lowest(ROOT / "pyproject.toml", "\n".join(lines))
    for name in bounds:
        for other in ([], [f"{name}==99.1"]):
            left = [line for line in lines if not line.startswith(f"{name}==")]
            with pytest.raises(ValueError, match=f"{name} "):
                noxfile.check_lowest(ROOT / "pyproject.toml", "\n".join(left + other))


def test_a_dependency_without_a_lower_bound_is_refused(noxfile, tmp_path):
    text = '[project]\ndependencies = ["typer<9"]\n[project.optional-dependencies]\ntest = []\n'
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ValueError, match="typer<9"):
        noxfile.lower_bounds(tmp_path / "pyproject.toml")


def test_the_session_asks_every_verb_for_help_and_runs_all_but_those_that_want_other_data(noxfile, tmp_path):
    asked = {" ".join(words[1:-1]) for words in noxfile.verbs(tmp_path) if words[-1] == "--help"}
    every = {one.name or one.callback.__name__ for one in app.registered_commands}
    for group in app.registered_groups:
        every |= {f"{group.name} {one.name}" for one in group.typer_instance.registered_commands}
    assert asked == every | {""}
    run = {" ".join(words[1:3]) for words in noxfile.verbs(tmp_path) if "--help" not in words}
    two, one = {name for name in run if name in every}, {name.split()[0] for name in run}
    # `verify` takes a key of what was run; `show` reads what it reads; predictions want scans without labels;
    # `tune` wants a package of its own.
    assert every - two - one == {"verify", "show", "data add", "export predictions", "tune"} - two - one
    assert {"run", "report", "compare", "score", "doctor"} <= one
    assert {
        "methods check",
        "data check",
        "noise make",
        "noise measure",
        "noise show",
        "export mlflow",
    } <= two
