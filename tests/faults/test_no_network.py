"""No process of ours speaks to a network or listens: every socket is watched, in all processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WATCH = """
import os, socket, sys

def note(text):
    with open(os.environ["SOCKET_LOG"], "a", encoding="utf-8") as file:
        file.write(text + "\\n")

def asks_for_ipv6():
    # urllib3, when it is imported, binds a socket to no port of ::1 and closes it: so it learns of IPv6.
    frame = sys._getframe(2)
    return frame.f_code.co_name == "_has_ipv6" and frame.f_globals.get("__name__") == "urllib3.util.connection"

def hook(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        if arguments[0].family == socket.AF_UNIX or (event == "socket.bind" and asks_for_ipv6()):
            return
    elif event not in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        return
    note(f"{event} {arguments[1:] if event[7:11] in ('conn', 'bind', 'send') else arguments}")
    raise OSError(f"{event} is not allowed here")

sys.addaudithook(hook)
note("watched " + " ".join(sys.orig_argv[1:4]))
"""
# Where MLflow sees a test or a machine of somebody's CI it is silent of itself, and nothing would be shown.
SILENCING = (
    "PYTEST_CURRENT_TEST",
    "CI",
    "GITHUB_ACTIONS",
    "MLFLOW_DISABLE_TELEMETRY",
    "DO_NOT_TRACK",
    "MLFLOW_TRACKING_URI",
)


@pytest.fixture
def watched(tmp_path):
    """Run a command whose Python processes note every socket; with ``alone`` in a namespace without a network."""
    place, log = tmp_path / "watch", tmp_path / "sockets.log"
    place.mkdir()
    (place / "sitecustomize.py").write_text(WATCH)
    kept = {name: value for name, value in os.environ.items() if name not in SILENCING}
    kept |= {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}", "SOCKET_LOG": str(log)}

    def run(*words, alone=False, program="from bench.cli.main import main; main()"):
        prefix = ["unshare", "-rn"] if alone else []
        command = [*prefix, sys.executable, "-c", program, *map(str, words)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=kept, cwd=tmp_path, timeout=600, check=False
        )
        return done, log.read_text().splitlines() if log.is_file() else []

    return run


def touching(lines):
    return [line for line in lines if not line.startswith("watched ")]


@pytest.mark.parametrize(
    ("program", "event"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "socket.getaddrinfo"),
        ("import socket; socket.socket().connect(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import urllib.request as r; r.urlopen('http://localhost:9')", "socket.getaddrinfo"),
        ("import requests; requests.get('http://127.0.0.1:9')", "socket.getaddrinfo"),
    ],
)
def test_the_watch_sees_what_reaches_for_a_network(watched, program, event):
    done, lines = watched(program=program)
    assert done.returncode != 0
    assert any(line.startswith(event) for line in touching(lines))


def sweep_and_report(watched, store, spheres, tiny, *, alone):
    """A whole smoke sweep with its mirror, and what is read from it; the lines of all processes."""
    sets = [word for change in tiny for word in ("--set", change)]
    words = [
        "run",
        "--recipe",
        "smoke",
        "--methods",
        "densevoxnet,tsman",
        "--xi",
        "0.5",
        "--jobs",
        "2",
        *sets,
    ]
    more = [
        [*words, "--dataset", f"decathlon:{spheres}"], ["status"], ["compare", "tsman", "densevoxnet"], ["report"],
        ["show", "pseudo"],
    ]  # fmt: skip
    for each in more:
        done, lines = watched(*each, "--store", store, alone=alone)
        assert done.returncode == 0, done.stderr
        assert "mirror is behind" not in done.stderr
    return lines


def test_the_mirror_of_a_finished_sweep_reaches_for_no_network(watched, tmp_path, swept, tried):
    store = tmp_path / "store"
    shutil.copytree(swept.path, store)
    done, lines = watched(*swept.words[:-1], store)
    assert done.returncode == 0, done.stderr
    assert "mirror is behind" not in done.stderr
    assert (store / "mlflow.db").is_file()
    assert lines
    assert touching(lines) == []
    tried("a network that is asked for")


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
def test_a_sweep_its_mirror_and_its_report_reach_for_no_network(
    watched, tmp_path, spheres, tiny, tried, alone
):
    if alone and (
        not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], check=False).returncode
    ):
        pytest.skip("no namespace without a network can be made here")
    store = tmp_path / "store"
    lines = sweep_and_report(watched, store, spheres, tiny, alone=alone)
    assert (store / "mlflow.db").is_file()
    assert (store / "report" / "index.html").is_file()
    workers = [line for line in lines if "bench.execution.worker" in line]
    assert workers, "the workers are watched too"
    assert touching(lines) == []
    run = next((store / "runs").iterdir())
    assert len(json.loads(next(run.glob("mirrored-*.json")).read_text())) > 5
    tried("a network that is asked for" + (" where there is none" if alone else ""), times=len(lines))
