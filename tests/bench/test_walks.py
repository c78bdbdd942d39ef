"""docs/experiments/walks.py counts the files between two functions, and its functions are there."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def walks():
    spec = importlib.util.spec_from_file_location("walks", ROOT / "docs" / "experiments" / "walks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["walks"] = module  # its dataclasses look it up
    spec.loader.exec_module(module)
    return module


def functions(package):
    """Each function of a package, as ``file:qualified.name``."""

    def named(node, above, path):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                yield f"{path}:{above}{child.name}"
                yield from named(child, f"{above}{child.name}.", path)

    for path in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from named(tree, "", path.relative_to(ROOT).as_posix())


def test_every_walk_begins_and_ends_in_a_function_that_is_there(walks):
    there = [name for package in walks.PACKAGES for name in functions(package)]
    patterns = {
        one for segment in walks.SEGMENTS for one in (segment.start, segment.end, segment.inside) if one
    }
    assert [one for one in patterns if not any(re.fullmatch(one, name) for name in there)] == []
    assert {segment.walk for segment in walks.SEGMENTS} == set(walks.WALKS)


MODULES = {
    "start": "import bench.lazily as lazily\n\n\ndef begin():\n    from bench import middle\n\n    middle.between()\n    return end()\n\n\ndef end():\n    return 1\n\n\ndef after():\n    lazily.never()\n",
    "middle": "from bench.lazily import imported\n\nimported()\n\n\ndef between():\n    return sum(other() for _ in range(2))\n\n\ndef other():\n    return 1\n",
    "lazily": "def imported():\n    return 1\n\n\ndef never():\n    return 1\n",
}  # fmt: skip


def test_what_runs_between_two_functions_is_counted_and_no_import(walks, tmp_path):
    (tmp_path / "bench").mkdir()
    for name, text in {"__init__": "", **MODULES}.items():
        (tmp_path / "bench" / f"{name}.py").write_text(text)
    inside = walks.Segment("a", 1, r"bench/start\.py:begin", r"bench/start\.py:end")
    elsewhere = walks.Segment(
        "b", 1, r"bench/start\.py:end", r"bench/start\.py:end", r"bench/start\.py:never"
    )
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT / 'docs' / 'experiments')!r}]; "
        f"import walks; walks.SEGMENTS = {(inside, elsewhere)!r}".replace("Segment(", "walks.Segment(")
        + f"; import pathlib; trace = walks.Tracer({str(tmp_path)!r}, pathlib.Path({str(tmp_path)!r})); "
        "sys.setprofile(trace); from bench import start; start.begin(); start.after(); sys.setprofile(None)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, cwd=tmp_path)
    (found,) = tmp_path.glob("*.json")
    assert found.name.startswith("a1-")
    assert json.loads(found.read_text()) == ["bench/middle.py", "bench/start.py"]
