"""While a plug-in runs it writes nothing: what it tries is stopped and named, what others do is not."""

import subprocess
import sys
import threading

import pytest

from bench.errors import StageError
from bench.plugins.audit import fenced

WHERE = ("my.py", "Mine", "loss")


def attempts(folder):
    there = folder / "there"
    there.write_text("before")
    return {
        "new file": lambda: (folder / "new").write_text("x"),
        "appended": lambda: there.open("a").write("x"),
        "removed": there.unlink,
        "renamed": lambda: there.rename(folder / "other"),
        "folder": (folder / "sub").mkdir,
        "program": lambda: subprocess.run(
            [sys.executable, "-c", f"open({str(folder / 'by')!r}, 'w')"], check=True
        ),
    }


@pytest.mark.parametrize("what", ["new file", "appended", "removed", "renamed", "folder", "program"])
def test_each_way_to_write_is_stopped_and_named(tmp_path, what):
    attempt = attempts(tmp_path)[what]
    with pytest.raises(StageError, match=r"my.py, Mine.loss: expected that it writes no file"), fenced(WHERE):
        attempt()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
    attempt()  # outside of the fence it is nobody's business


def test_reading_is_free(tmp_path):
    (tmp_path / "there").write_text("text")
    with fenced(WHERE):
        assert (tmp_path / "there").read_text() == "text"


def test_another_thread_writes_on(tmp_path):
    with fenced(WHERE):
        other = threading.Thread(target=(tmp_path / "new").write_text, args=("x",))
        other.start()
        other.join()
    assert (tmp_path / "new").read_text() == "x"


def test_a_module_may_make_its_folder_while_it_is_imported(tmp_path, monkeypatch):
    (tmp_path / "settles_in.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'settings')!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    with fenced(WHERE):
        __import__("settles_in")
    assert (tmp_path / "settings").is_dir()
    del sys.modules["settles_in"]
