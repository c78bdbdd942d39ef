"""No file that the programs read can make them run code: the source has no door for it, and a pickle is refused."""

import ast
import pickle
from pathlib import Path

import pytest

from bench.errors import DataError

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "methods", "reports", "tsman", "docs/experiments")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "dbm",
    "code",
    "yaml",
}
CALLS = {"eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "system", "popen"}
CALLS |= {"exec_module", "run_path", "run_module"}
PLUGINS = "bench/plugins/source_file.py"
"""The one door there is: the code of a file that the user names with ``--plugin``."""


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def owner_of(call):
    return getattr(getattr(call.func, "value", None), "id", "")


def doors(text):
    """What in a source could run code from a file, a line each."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            )
            yield from (f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        keywords = {one.arg: ast.unparse(one.value) for one in node.keywords}
        called, owner = name_of(node), owner_of(node)
        harmless = called == "compile" and owner == "re"
        if called in CALLS and not harmless and not (called == "eval" and not node.args):
            yield f"{node.lineno}: {called}()"
        if (owner, called) == ("torch", "load") and keywords.get("weights_only") != "True":
            yield f"{node.lineno}: torch.load"
        if keywords.get("allow_pickle", "False") != "False" or keywords.get("shell", "False") != "False":
            yield f"{node.lineno}: {called} with allow_pickle or shell"


def test_the_sources_have_no_door_for_code_from_files():
    assert len(SOURCES) > 150
    found = {str(path.relative_to(ROOT)): list(doors(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert [line.partition(" ")[2] for line in found.pop(PLUGINS)] == ["exec_module()"]
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from marshal import loads", "import yaml.loader", "import joblib as j", "eval(x)", "exec('x')",
        "torch.load(p)", "torch.load(p, weights_only=False)", "np.load(p, allow_pickle=True)", "pd.read_pickle(p)",
        "subprocess.run(c, shell=True)", "os.system(c)", "compile(t, f, 'exec')",
        "loader.exec_module(m)", "runpy.run_path(p)",
    ],
)  # fmt: skip
def test_every_such_door_is_seen(text):
    assert list(doors(text))


@pytest.mark.parametrize(
    "text", ["network.eval()", "re.compile(x)", "torch.load(p, weights_only=True)", "np.load(p)"]
)
def test_what_is_harmless_is_not_taken_for_one(text):
    assert not list(doors(text))


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def trained_stage(lab):
    """A teacher that was really trained."""
    from bench.execution.execute import execute

    stages = lab.plan("densevoxnet").stages()
    teacher = next(one for one in stages if one.kind == "teacher")
    for one in (*dict(teacher.inputs).values(), teacher):
        execute(one.document(), lab.store, run="here", device="cpu")
    return teacher


def test_weights_that_are_a_pickle_are_refused_and_not_run(tiny_lab, tmp_path):
    import torch

    from bench.stages.model import opened
    from bench.store.artifacts import WEIGHTS

    teacher, trap = trained_stage(tiny_lab), tmp_path / "it was run"
    folder = tiny_lab.store.folder(teacher.key)
    opened(folder, teacher.spec, "cpu")  # as it was written, it opens
    bomb = pickle.dumps({"weights": Bomb(trap)})
    pickle.loads(bomb)
    assert trap.exists()  # the trap works
    trap.unlink()
    torch.save({"weights": Bomb(trap)}, tmp_path / "torch.pt")
    for content in (
        bomb,
        (tmp_path / "torch.pt").read_bytes(),
        b"",
        b"\xff" * 64,
        (1 << 60).to_bytes(8, "little"),
    ):
        (folder / WEIGHTS).write_bytes(content)
        with pytest.raises(DataError, match="does not hold the weights"):
            opened(folder, teacher.spec, "cpu")
        assert not trap.exists()
