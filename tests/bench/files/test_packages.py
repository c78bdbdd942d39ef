"""A package that is missing, as after ``pip install --no-deps``, is named before anything is computed."""

import json
import re
import subprocess
import sys
from importlib import metadata

import pytest

from bench.errors import UsageError
from bench.files import packages

WITHOUT = """
import importlib.machinery, sys
gone, finder = sys.argv.pop(1), importlib.machinery.PathFinder
real = finder.find_spec
finder.find_spec = classmethod(lambda _, name, *more: None if name.split(".")[0] == gone else real(name, *more))
from bench.cli.main import main
main()
"""
RUN = ["run", "--recipe", "smoke", "--methods", "densevoxnet", "--xi", "0.5", "--store", "store"]


@pytest.fixture
def without(tmp_path):
    """``bench`` in a process that has one package less."""

    def run(gone, *words):
        command = [sys.executable, "-c", WITHOUT, gone, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


CASES = [
    *((name, RUN) for name in ("pyarrow", "torch", "nibabel", "safetensors", "filelock")),
    *((name, ["report"]) for name in ("matplotlib", "seaborn", "jinja2", "pandas", "PIL")),
    ("statsmodels", ["compare", "tsman", "decoupling"]),
    ("scipy", ["score", "a.nii.gz", "b.nii.gz"]),
    ("mlflow", ["export", "mlflow"]),
    ("typer", ["status"]),
    ("numpy", ["noise", "show", "markov"]),
]


@pytest.mark.parametrize(
    ("gone", "words"), CASES, ids=[f"{words[0]} without {gone}" for gone, words in CASES]
)
def test_a_missing_package_is_named_with_how_to_get_it_before_anything_is_made(
    without, tmp_path, gone, words
):
    done = without(gone, *words)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    package = packages.PILLOW.get(gone, gone)
    assert re.fullmatch(
        rf"bench: bench.* needs the Python package {package}, which is not installed; "
        rf"run `python -m pip install '{package}[<>=0-9.,]+'`\.",
        line,
    )
    assert list(tmp_path.iterdir()) == []


def test_what_only_some_requests_need_is_said_in_the_same_words(without, tmp_path):
    header = "NDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 1 1\nElementDataFile = LOCAL\n"
    for name in ("a.mha", "b.mha"):
        (tmp_path / name).write_bytes(b"ObjectType = Image\n" + header.encode() + bytes(8))
    done = without("SimpleITK", "score", "a.mha", "b.mha")
    assert done.returncode == 2
    assert (
        "the Python package SimpleITK, which is not installed; run `python -m pip install 'SimpleITK>="
        in done.stderr
    )


def test_help_needs_nothing_but_the_command_line(without):
    assert without("torch", "run", "--help").returncode == 0


@pytest.mark.parametrize("gone", ["packaging", "numpy"])
def test_doctor_lists_what_is_missing_and_goes_on(without, tmp_path, gone):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "store.json").write_text("{}")
    done = without(gone, "doctor", "--json")
    said = json.loads(done.stdout)["checks"]
    assert any(one["state"] == "error" and gone in one["says"] for one in said)
    assert {"cores", "memory"} <= {one["check"] for one in said}
    assert done.returncode == 4


def test_several_missing_packages_are_named_at_once(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="packages numpy, nibabel, scipy, which are not installed") as error:
        packages.demand(["score", "a", "b"])
    assert "'numpy>=" in str(error.value)
    packages.demand(["status"])  # it needs none
    packages.demand([])


def test_every_package_that_a_verb_needs_is_a_declared_dependency():
    declared = {
        re.match(r"[A-Za-z0-9._-]+", text)[0].lower()
        for text in metadata.requires(packages.DISTRIBUTION)
        if "extra ==" not in text
    }
    needed = {packages.PILLOW.get(name, name).lower() for names in packages.NEEDS.values() for name in names}
    assert needed <= declared
