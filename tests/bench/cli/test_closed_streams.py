"""Standard streams that a shell has closed (``>&-``): no traceback, no other exit code, and no file takes their place."""

import json
import os
import shlex
import subprocess
import sys

import pytest

MAIN = (sys.executable, "-c", "from bench.cli.main import main; main()")
CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-"}


def shell(redirection, *words, cwd):
    command = f"{shlex.join([*MAIN, *map(str, words)])} {redirection}"
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("which", CLOSED)
def test_a_run_with_workers_ends_well_whatever_is_closed(tmp_path, spheres, tiny, which):
    narrow = [word for one in tiny for word in ("--set", one)]
    words = (
        "run",
        "--recipe",
        "smoke",
        "--dataset",
        f"decathlon:{spheres}",
        "--methods",
        "densevoxnet",
        "--xi",
        "0.5",
    )
    done = shell(
        CLOSED[which], *words, *narrow, "--store", "store", "--jobs", "1", "--no-mlflow", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    stages = list((tmp_path / "store" / "stages").iterdir())
    assert all(json.loads((path / "stage.json").read_text()) for path in stages)
    assert len(stages) > 10
    assert (tmp_path / "store" / "records.csv").read_text().startswith("run,")


@pytest.mark.parametrize("redirection", [CLOSED["stdout"], CLOSED["all"]])
@pytest.mark.parametrize(
    "words",
    [("methods", "list"), ("methods", "list", "--json"), ("noise", "show"), ("run", "--help")],
    ids=" ".join,
)
def test_what_nobody_can_read_is_written_nowhere(tmp_path, words, redirection):
    done = shell(redirection, *words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_error_keeps_its_exit_code_where_nobody_can_read_it(tmp_path):
    assert shell(CLOSED["all"], "status", cwd=tmp_path).returncode == 4
    assert shell(CLOSED["all"], "plan", cwd=tmp_path).returncode == 2


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path):
    code = (
        "import os, sys; from bench.files.process import settle; settle(); "
        "file = open('kept', 'w'); assert file.fileno() > 2; os.write(1, b'stray'); os.write(2, b'stray'); "
        "print('more'); file.write('ours'); file.close()"
    )
    command = f"{shlex.join([sys.executable, '-c', code])} {CLOSED['all']}"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env={**os.environ}, check=False)
    assert done.returncode == 0
    assert (tmp_path / "kept").read_text() == "ours"
