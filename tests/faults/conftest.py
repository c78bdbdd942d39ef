"""A sweep of some seconds that can be disturbed: its words, its processes, its results."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"] if os.geteuid() else ["unshare", "--mount"]
STEPS = ("student.steps=120", "teachers.steps=[40,60]", "compute.path=fast")
METHODS = "densevoxnet,deep-level-set"


def children(pid):
    """The processes that a process has started and that still run."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def heed_signals():
    """As in a terminal: tests that a shell started in its background ignore Ctrl-C, and so would their children."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition, seconds=60.0, *, every=0.02):
    """Wait until something is true; whether it came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(every)
    return False


def results(store):
    """Stage key -> the checksums of its files, of all finished stages."""
    found = {}
    for path in Path(store).glob("stages/*/stage.json"):
        with suppress(OSError, ValueError):
            found[path.parent.name] = json.loads(path.read_text())["files"]
    return found


def rows(store):
    """All records but the commit."""
    with (Path(store) / "records.csv").open(newline="") as file:
        return [line[:-1] for line in csv.reader(file)]


@pytest.fixture(scope="session")
def disturbed(spheres, tiny):
    """What a test needs to disturb a sweep and to look at what is left."""
    sets = [word for change in (*tiny, *STEPS) for word in ("--set", change)]

    def words(store, *more):
        where = ["--dataset", f"decathlon:{spheres}", "--store", str(store), "--no-mlflow"]
        keep = ["--checkpoint-seconds", "0.2"]
        return ["run", "--recipe", "smoke", "--methods", METHODS, "--xi", "0.5", *where, *keep, *sets, *more]

    def command(store, *more):
        return [sys.executable, "-c", "from bench.cli.main import main; main()", *words(store, *more)]

    @contextmanager
    def driver(store, *more, **options):
        process = subprocess.Popen(
            command(store, *more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_signals,  # noqa: PLW1509 - no thread is at work yet
            **options,
        )
        try:
            yield process
        finally:
            for pid in [*children(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()

    def finish(store, *more, **options):
        return subprocess.run(
            command(store, *more), capture_output=True, text=True, check=False, timeout=300, **options
        )

    return SimpleNamespace(
        words=words,
        command=command,
        driver=driver,
        finish=finish,
        children=children,
        is_running=is_running,
        heed_signals=heed_signals,
        wait_for=wait_for,
        results=results,
        rows=rows,
    )


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, disturbed):
    """A store that the sweep filled without a break."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    began = time.monotonic()
    done = disturbed.finish(store)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        store=store,
        seconds=time.monotonic() - began,
        rows=disturbed.rows(store),
        results=disturbed.results(store),
    )


@pytest.fixture(scope="session")
def mounted():
    """Run a shell script in which ``mount`` works and is seen by nobody else; skipped where the system forbids it."""

    def run(script, **variables):
        return subprocess.run(
            [*NAMESPACE, "bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
            env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        )

    if shutil.which("unshare") is None or run("mount -t tmpfs -o size=1m tmpfs /mnt").returncode != 0:
        pytest.skip("needs a mount namespace of its own (unshare --mount)")
    return run
