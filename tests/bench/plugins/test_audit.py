"""What the audit hook warns of, what it refuses, and what it leaves to PyTorch."""

import contextlib
import logging
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from bench.errors import StageError
from bench.plugins import audit
from bench.plugins.audit import audited, collected, stage_folder

WHERE = ("my.py", "Mine", "loss")
NO_COMPILER = "torch.compile needs a C++ compiler, and neither g++ nor clang++ is on the PATH"
COMPILED = """

@torch.compile
def cross_entropy(score_bnijk, label_bijk, smoothing):
    return torch.nn.functional.cross_entropy(score_bnijk.float(), label_bijk, label_smoothing=smoothing)


METHODS = (LabelSmoothing,)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The temporary folder; what lies beside it is outside, and nothing was warned of yet."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(audit, "_WARNED", set())
    return folder


def attempts(folder):
    there = folder / "there"
    there.write_text("before")
    return {
        "new file": lambda: (folder / "new").write_text("x"),
        "appended": lambda: there.open("a").write("x"),
        "removed": there.unlink,
        "renamed": lambda: there.rename(folder / "other"),
        "folder": (folder / "sub").mkdir,
        "link": lambda: (folder / "link").symlink_to(there),
        "program": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
    }


WAYS = ["new file", "appended", "removed", "renamed", "folder", "link", "program"]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write_elsewhere_is_let_be_and_warned_of_once(tmp_path, caplog, way):
    attempt = attempts(tmp_path)[way]
    names = {path.name for path in tmp_path.iterdir()}
    with audited(WHERE):
        attempt()
    assert {path.name for path in tmp_path.iterdir()} != names or way in ("appended", "program")
    with audited(WHERE):
        (tmp_path / "again").write_text("x")
    (said,) = caplog.messages
    assert said.startswith("warning: my.py, Mine.loss: expected that it writes files only in its stage's")
    (tmp_path / "outside of the block").write_text("nobody's business")


@pytest.mark.parametrize("way", WAYS[:-1])
def test_the_temporary_and_the_stage_folder_are_free(tmp_path, temporary, caplog, way):
    stage = tmp_path / "stage"
    stage.mkdir()
    with stage_folder(stage), audited(WHERE):
        attempts(temporary)[way]()
        attempts(stage)[way]()
    assert caplog.messages == []
    with audited(WHERE):
        (stage / "another").write_text("x")
    assert "stage/another opened for writing" in caplog.text


def test_a_link_from_the_temporary_folder_leads_outside(tmp_path, temporary):
    (tmp_path / "results").mkdir()
    (temporary / "link").symlink_to(tmp_path / "results")
    with collected() as sentences, audited(WHERE):
        (temporary / "link" / "file").write_text("x")
    assert len(sentences) == 1


@pytest.mark.parametrize("call", ["connect", "bind"])
def test_the_network_is_refused_also_where_the_error_is_caught(call):
    def connect():
        with socket.socket() as one:
            getattr(one, call)(("127.0.0.1", 0))

    def hides():
        with contextlib.suppress(Exception):
            connect()

    for attempt in (connect, hides):
        with (
            pytest.raises(StageError, match=rf"uses no network.* found socket.{call} of \('127"),
            audited(WHERE),
        ):
            attempt()


def test_sockets_between_processes_of_this_machine_are_free(temporary):
    with socket.socket(socket.AF_UNIX) as one, audited(WHERE):
        one.bind(str(temporary / "socket"))


def test_the_temporary_folder_is_found_by_whoever_asks_first():
    """``tempfile`` writes a file into it under a lock, which the hook must not wait for."""
    text = "from bench.plugins.audit import audited\nimport tempfile\n"
    text += "with audited(('my.py',)):\n    tempfile.tempdir = None\n    print(tempfile.gettempdir())\n"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout
    assert done.stderr == ""


def test_reading_is_free(tmp_path, caplog):
    (tmp_path / "there").write_text("text")
    with audited(WHERE):
        assert (tmp_path / "there").read_text() == "text"
    assert caplog.messages == []


def test_another_thread_writes_on(tmp_path, caplog):
    with audited(WHERE):
        other = threading.Thread(target=(tmp_path / "new").write_text, args=("x",))
        other.start()
        other.join()
    assert (tmp_path / "new").read_text() == "x"
    assert caplog.messages == []


def test_a_module_may_make_its_folder_while_it_is_imported(tmp_path, monkeypatch, caplog):
    (tmp_path / "settles_in.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'settings')!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    with audited(WHERE):
        __import__("settles_in")
    assert (tmp_path / "settings").is_dir()
    assert caplog.messages == []
    del sys.modules["settles_in"]


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason=NO_COMPILER)
def test_pytorch_compiles_wherever_its_caches_are(tmp_path, monkeypatch, caplog):
    import torch

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "caches"))
    compiled = torch.compile(lambda one: (one.sin() * 2 + 1).sum())
    caplog.set_level(logging.WARNING, "bench")
    with audited(WHERE):
        found = compiled(torch.ones(5))
    torch.testing.assert_close(found, (torch.ones(5).sin() * 2 + 1).sum())
    assert any((tmp_path / "caches").rglob("*.so"))
    assert caplog.messages == []


@pytest.mark.parametrize("module", ["triton.runtime.cache", "torch._inductor.codecache", "tritonlike"])
def test_a_compiler_writes_its_cache_anywhere_and_starts_programs(tmp_path, module):
    """By the name of its module: Triton itself needs a GPU."""
    code = "def build(folder):\n    (folder / 'kernel').write_text('x')\n    subprocess.run(['true'], check=True)\n"
    compiler = {"__name__": module, "subprocess": subprocess}
    exec(code, compiler)
    with collected() as sentences, audited(WHERE):
        compiler["build"](tmp_path)
    assert (tmp_path / "kernel").exists()
    assert len(sentences) == (2 if module == "tritonlike" else 0)


@pytest.fixture
def compiled(tmp_path):
    """A plug-in of one network whose whole loss is under ``@torch.compile``, or its rule alone."""
    text = (Path(__file__).parents[2] / "plugins" / "label_smoothing.py").read_text()

    def write(whole):
        path = tmp_path / "compiled.py"
        if whole:
            path.write_text(text.replace("    def loss(", "    @torch.compile\n    def loss("))
        else:
            call = "torch.nn.functional.cross_entropy(one.float(), batch.label_bijk, label_smoothing=self.smoothing)"
            assert call in text
            path.write_text(
                text.replace(call, "cross_entropy(one, batch.label_bijk, self.smoothing)") + COMPILED
            )
        return path

    return write


@pytest.mark.slow  # the loss of the whole network is compiled in three processes: minutes
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason=NO_COMPILER)
@pytest.mark.parametrize("whole", [False, True], ids=["rule", "whole loss"])
def test_a_plug_in_with_a_compiled_loss_passes_check_and_run(bench, compiled, tmp_path, whole):
    plugin = compiled(whole)
    checked = bench("methods", "check", "label-smoothing", "--plugin", plugin, cwd=tmp_path, timeout=1800)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr
    assert checked.stdout.splitlines()[-1] == "label-smoothing: 24 checks, 0 failed"
    words = ("--recipe", "smoke", "--methods", "label-smoothing", "--xi", "0.5", "--plugin", plugin)
    ran = bench("run", *words, "--no-mlflow", cwd=tmp_path, timeout=1800)
    assert ran.returncode == 0, ran.stderr
    assert "expected that it writes files" not in ran.stderr
    assert list((tmp_path / "results" / "stages").glob("scores-*"))
