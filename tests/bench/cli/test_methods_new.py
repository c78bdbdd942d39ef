"""``bench methods new``: the file works as written, its test passes, nothing is overwritten."""

import json
import subprocess
import sys

import pytest

from bench.cli.methods.new import new_method
from bench.errors import UsageError


def test_what_is_written_keeps_the_contract_by_its_own_test(bench, tmp_path):
    done = bench("methods", "new", "my-loss", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_loss.py", "test_my_loss.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_loss.py"]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


def test_it_says_in_json_what_it_wrote(bench, tmp_path):
    done = bench("methods", "new", "mine", "--to", tmp_path, "--json")
    said = json.loads(done.stdout)
    assert said == {"name": "mine", "method": f"{tmp_path}/mine.py", "test": f"{tmp_path}/test_mine.py"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tsman", "is taken"), ("every", "is taken"), ("student", "is taken"), ("json", "Python has a module"),
        ("torch", "Python has a module"), ("reports", "Python has a module"), ("class", "is no name"),
        ("My-Loss", "is no name"), ("my_loss", "is no name"), ("../up", "is no name"), ("-rf", "is no name"),
        ("", "is no name"), ("x" * 41, "is no name"), ("1st", "is no name"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_refused(tmp_path, name, why):
    with pytest.raises(UsageError, match=why):
        new_method(name, tmp_path, as_json=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["mine.py", "test_mine.py"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        new_method("mine", tmp_path, as_json=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
