"""The files beside the code say what is so: constraints, hooks, citation, contributing."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def pinned():
    """Package -> its one version in constraints.txt."""
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in CONSTRAINTS}


def test_constraints_are_names_and_versions_alone_sorted_and_each_once():
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert list(pinned()) == sorted(pinned())
    assert len(pinned()) == len(CONSTRAINTS)


def test_every_requirement_of_the_project_and_its_tests_is_pinned_within_its_bounds():
    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]:
        requirement = Requirement(text)
        assert pinned()[canonicalize_name(requirement.name)] in requirement.specifier, text
    assert canonicalize_name(PROJECT["name"]) not in pinned()


def test_the_hooks_run_the_ruff_of_the_constraints():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    hooks = {hook["id"]: hook["additional_dependencies"] for hook in repository["hooks"]}
    assert set(hooks) == {"ruff-check", "ruff-format", "end-of-file-fixer", "trailing-whitespace"}
    assert hooks["ruff-check"] == hooks["ruff-format"] == [f"ruff=={pinned()['ruff']}"]


def test_the_citation_is_of_this_version_and_of_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    (paper,) = citation["references"]
    assert paper["year"] == 2019
    assert [author["family-names"] for author in paper["authors"]] == ["Min", "Chen", "Zha", "Wu", "Zhang"]


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/decisions/0044-rooms-and-layers.md", "docs/glossary.md"]
)
def test_a_page_names_files_that_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bench|docs|methods|reports|tests|tsman)/[\w./-]+)`", text))
    # What the example writes, and the name of a method's variant.
    named -= {"methods/generalised_dice.py", "tests/methods/test_generalised_dice.py", "tsman/f34"}
    assert named
    assert sorted(name for name in named if not list(ROOT.glob(f"{name.rstrip('/')}*"))) == []


def test_the_rooms_of_the_page_are_those_of_the_folders():
    text = (ROOT / "docs/decisions/0044-rooms-and-layers.md").read_text(encoding="utf-8")
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (inside,) = [one["layers"] for one in layers if one.get("containers") == ["bench"]]
    wanted = [(number, room) for number, line in enumerate(inside, start=1) for room in line.split(" | ")]
    rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \|", text, re.MULTILINE)
    assert sorted((int(number), room.removesuffix(".py")) for number, room in rows) == sorted(wanted)
    there = {
        path.stem for path in (ROOT / "bench").iterdir() if path.stem not in ("__init__", "__pycache__", "py")
    }
    assert {room for _, room in wanted} == there
