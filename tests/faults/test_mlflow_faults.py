"""Whatever becomes of MLflow, a run ends with its results, soon, and the gap is filled later without doubles."""

import contextlib
import json
import os
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.records import mlflow_mirror, mlflow_schema
from bench.records.mlflow_mirror import Mirror, MirrorError
from bench.store.run_log import plans, request_document
from bench.store.store import Store

SERVER = Path(__file__).parent / "mlflow_server.py"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Door:
    """A loopback port that does with each connection what ``treat`` does."""

    def __init__(self, treat, port=0):
        self.treat = treat
        self._open = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self._open.append(connection)
            with contextlib.suppress(OSError):
                self.treat(connection, self)

    def close(self):
        """From here on every connection is refused."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        for each in (self.listener, *self._open):
            each.close()

    __enter__ = lambda self: self  # noqa: E731

    def __exit__(self, *_):
        self.close()


def request_of(connection):
    """The bytes of one HTTP request; empty where the caller has hung up."""
    said = b""
    while b"\r\n\r\n" not in said:
        if not (more := connection.recv(65536)):
            return b""
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length:" in line), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Gate:
    """Passes requests on to a server until it dies at one of them, before or after it was carried out.

    With ``lives`` the answer of that one request is lost and all goes on.
    """

    def __init__(self, port, at, *, is_carried_out, lives=False):
        self.port, self.at, self.is_carried_out, self.lives = port, at, is_carried_out, lives
        self.seen = 0

    def __call__(self, connection, door):
        with connection:
            said = request_of(connection)
            if not said:
                return
            is_last, self.seen = self.seen == self.at, self.seen + 1
            if is_last and not self.is_carried_out:
                door.close()
                return
            with socket.create_connection(("127.0.0.1", self.port)) as server:
                server.sendall(said)
                answer = b"".join(iter(lambda: server.recv(65536), b""))
            if not is_last:
                connection.sendall(answer)
            elif not self.lives:
                door.close()


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    """A function that starts MLflow's server on a database and gives the process and its port."""
    started = []

    def start(database, port=None):
        port = port or free_port()
        process = subprocess.Popen([sys.executable, str(SERVER), str(database), str(port)])
        started.append(process)
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return process, port
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        raise AssertionError("the server does not answer")

    yield start
    for process in started:
        process.kill()
        process.wait()


BOUND_SECONDS = 60  # for the whole command, its start and the import of MLflow among them
DEATHS = (0, 1, 2, 3, 4, 5, 6, 8, 12, 25)


@pytest.fixture
def copied(tmp_path, swept):
    """A finished store without a mirror."""
    store = Store(tmp_path / "store")
    shutil.copytree(swept.path, store.path)
    return store


def page(store, uri, run="", most=None):
    (known,) = plans(store)
    titles = dict(list(plans(store)[known].stages.items())[:most])
    return Mirror(store, run or known, titles, request_document(store, known), uri)


@pytest.fixture
def run_again(bench, swept, copied):
    """``bench run`` of what is finished, with the mirror alone to write, survives with one sentence."""
    before = (copied.path / "records.csv").read_bytes()

    def run(uri=""):
        environment = {**os.environ, "MLFLOW_TRACKING_URI": uri} if uri else os.environ
        started = time.monotonic()
        done = bench(*swept.words[:-1], copied.path, "--json", env=environment)
        survived(done, copied, before)
        seconds = time.monotonic() - started
        assert seconds < BOUND_SECONDS
        print(f"{uri or 'the own database'}: {seconds:.1f} s: {done.stderr}")  # noqa: T201 - seen with -s
        return done

    return run


def survived(done, store, before, said=None):
    """The results are there, said, and one sentence tells of the mirror."""
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cached"] == len(store.keys())
    assert (store.path / "records.csv").read_bytes() == before
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("warning: the MLflow mirror")
    assert f"bench export mlflow --store {said or store.path}" in sentence
    assert len(sentence) < 500


def answers_500(connection, door):
    with connection:
        request_of(connection)
        body = b"Internal Server Error"
        connection.sendall(
            b"HTTP/1.1 500 Internal Server Error\r\nRetry-After: 3600\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )


def answers_nonsense(connection, door):
    with connection:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>")


def never_answers(connection, door):
    pass


def refuses(connection, door):
    raise AssertionError("nobody listens")


TREATMENTS = [
    refuses,
    pytest.param(answers_500, marks=pytest.mark.slow),
    pytest.param(answers_nonsense, marks=pytest.mark.slow),
    pytest.param(never_answers, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("treat", TREATMENTS)
def test_a_run_ends_with_its_results_whatever_the_server_does(copied, bench, run_again, treat, tried):
    with Door(treat) as door:
        if treat is refuses:
            door.close()
        done = run_again(door.uri.replace("//", "//user:secret@"))
        assert "secret" not in done.stderr
        exported = bench("export", "mlflow", "--store", copied.path, "--uri", door.uri)
    assert exported.returncode == 2
    assert door.uri in exported.stderr
    assert len(exported.stderr.splitlines()) == 1
    tried(f"MLflow server {treat.__name__.replace('_', ' ')}: bench run and bench export mlflow", 2)


def spoil_not_a_database(path):
    path.write_bytes(b"no database at all" * 1000)


def spoil_torn(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def spoil_half_made(path):
    """As a kill while MLflow makes its tables leaves it: alembic goes on from a version that is behind them."""
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("CREATE TABLE assessments (assessment_id TEXT PRIMARY KEY)")


def spoil_empty(path):
    path.write_bytes(b"")


def with_schema(path, revision):
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def spoil_older_schema(path):
    with_schema(path, "5b0e9adcef9c")


def spoil_unknown_schema(path):
    with_schema(path, "ffffffffffff")


SPOILS = [
    spoil_half_made,
    spoil_older_schema,
    pytest.param(spoil_unknown_schema, marks=pytest.mark.slow),
    pytest.param(spoil_not_a_database, marks=pytest.mark.slow),
    pytest.param(spoil_torn, marks=pytest.mark.slow),
    pytest.param(spoil_empty, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_damaged_database_is_written_anew_and_said_in_a_sentence(
    copied, bench, swept, mirrored_at, spoil, tried
):
    elsewhere = f"sqlite:///{copied.path.parent / 'elsewhere.db'}"
    page(copied, elsewhere).fill(copied.finished())
    for time_before, words in enumerate((swept.words[:-2], ("export", "mlflow"))):
        spoil(Path(shutil.copy(copied.path.parent / "elsewhere.db", mlflow_mirror.database(copied))))
        done = bench(*words, "--store", copied.path, "--json")
        assert done.returncode == 0, done.stderr
        (sentence,) = done.stderr.splitlines()
        assert sentence.startswith("mirror: mlflow.db ")
        assert str(copied.path / "damaged" / f"mlflow.db.{1 + time_before}") in sentence
        # MLflow keeps a database open for as long as a process lives: it is looked at under a name of its own.
        seen = shutil.copy(mlflow_mirror.database(copied), copied.path.parent / f"seen-{time_before}.db")
        assert mirrored_at(f"sqlite:///{seen}") == mirrored_at(elsewhere)
    tried(f"mlflow.db damaged ({spoil.__name__.removeprefix('spoil_').replace('_', ' ')})", 2)


def test_a_mirror_of_another_schema_is_named_by_doctor(copied, bench):
    page(copied, mlflow_mirror.default_uri(copied)).fill(copied.finished())
    with_schema(mlflow_mirror.database(copied), "5b0e9adcef9c")
    said = bench("doctor", "--store", copied.path, "--json").stdout
    (found,) = [one for one in json.loads(said)["checks"] if one["check"] == "mirror"]
    assert found["state"] == "warning"
    assert "5b0e9adcef9c" in found["says"]
    assert "`bench export mlflow` writes it anew" in found["says"]


@pytest.mark.parametrize(
    ("revision", "told"),
    [("5b0e9adcef9c", "mlflow db upgrade sqlite:///"), ("ffffffffffff", "pip install --upgrade mlflow")],
)
def test_a_database_of_ones_own_of_another_schema_is_never_touched_and_the_remedy_is_whole(
    copied, bench, swept, revision, told
):
    path = copied.path.parent / ("a" * 150 + ".db")
    page(copied, f"sqlite:///{path}").fill(copied.finished())
    with_schema(path, revision)
    before, env = path.read_bytes(), {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{path}"}
    done = bench("export", "mlflow", "--store", copied.path, env=env)
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert told in sentence
    assert revision in sentence
    if "upgrade sqlite" in told:
        assert f"`mlflow db upgrade sqlite:///{path}`" in sentence
    assert path.read_bytes() == before
    page(copied, f"sqlite:///{path}").forget()
    done = bench(*swept.words[:-2], "--store", copied.path, "--json", env=env)
    assert done.returncode == 0
    assert told in done.stderr
    assert path.read_bytes() == before


def test_the_schema_of_the_installed_mlflow_is_what_it_writes(copied):
    page(copied, mlflow_mirror.default_uri(copied)).fill(copied.finished())
    with contextlib.closing(sqlite3.connect(mlflow_mirror.database(copied))) as database:
        assert mlflow_schema.difference(database) == ""
        ((written,),) = database.execute("SELECT version_num FROM alembic_version").fetchall()
    assert mlflow_schema.installed().head == written
    assert {"5b0e9adcef9c", written} < mlflow_schema.installed().known


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.2, 0.4, 0.8])
def test_a_run_that_is_killed_while_the_tables_are_made_is_mirrored_by_the_next(
    copied, bench, swept, mirrored_at, after, tried
):
    words = [*map(str, swept.words[:-1]), str(copied.path), "--json"]
    command = [sys.executable, "-c", "from bench.cli.main import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        while not mlflow_mirror.database(copied).is_file():
            assert driver.poll() is None
            time.sleep(0.005)
        time.sleep(after)
        driver.kill()
    done = bench(*words)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert len(mirrored_at(mlflow_mirror.default_uri(copied))) == 1 + len(copied.keys())
    tried("bench run killed while MLflow makes its tables")


def test_a_database_that_another_process_holds_is_not_put_aside(copied):
    path = mlflow_mirror.database(copied)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as held:
        held.execute("CREATE TABLE t (n)")
        held.execute("BEGIN EXCLUSIVE")
        assert not mlflow_mirror.flaw(path)
    assert mlflow_mirror.flaw(path)


BENCH = f"{shlex.quote(sys.executable)} -c 'from bench.cli.main import main; main()'"


def kept(folder, name):
    """What a script wrote down of a command: exit code, stdout, stderr."""
    return SimpleNamespace(
        returncode=int((folder / f"{name}.code").read_text()),
        stdout=(folder / f"{name}.out").read_text(),
        stderr=(folder / f"{name}.err").read_text(),
    )


def noted(command, name):
    return f'{BENCH} {command} >"$OUT/{name}.out" 2>"$OUT/{name}.err"; echo $? >"$OUT/{name}.code"\n'


@pytest.mark.slow
def test_a_full_disk_under_the_database_costs_a_sentence(
    copied, swept, mounted, tmp_path, mirrored_at, tried
):
    room, back = tmp_path / "room", tmp_path / "back"
    room.mkdir()
    again = shlex.join([*map(str, swept.words[:-1]), str(room), "--json"])
    script = 'mount -t tmpfs -o size=30m tmpfs "$ROOM"\n cp -a "$STORE/." "$ROOM"\n'
    script += 'mount -o remount,size=$(($(df -k --output=used "$ROOM" | tail -1) + 300))k "$ROOM"\n'
    script += noted(again, "run") + 'mount -o remount,size=30m "$ROOM"\n'
    script += noted('export mlflow --store "$ROOM"', "export") + 'cp -a "$ROOM/." "$BACK"\n'
    done = mounted(script, ROOM=room, STORE=copied.path, BACK=back, OUT=tmp_path)
    assert done.returncode == 0, done.stderr
    survived(kept(tmp_path, "run"), Store(back), (copied.path / "records.csv").read_bytes(), said=room)
    assert kept(tmp_path, "export").returncode == 0, kept(tmp_path, "export").stderr
    assert len(mirrored_at(f"sqlite:///{back / 'mlflow.db'}")) == 1 + len(copied.keys())
    tried("mlflow.db on a full disk")


@pytest.mark.slow
def test_a_database_that_cannot_be_written_costs_a_sentence(copied, swept, mounted, tmp_path, tried):
    room = tmp_path / "room"
    room.mkdir()
    uri = f"sqlite:///{room / 'mlflow.db'}"
    again = shlex.join([*map(str, swept.words[:-1]), str(copied.path), "--json"])
    export = noted('export mlflow --store "$STORE" --uri "$MLFLOW_TRACKING_URI" --json', "export")
    script = f'mount -t tmpfs -o size=30m tmpfs "$ROOM"\n{export} rm "$STORE"/runs/*/mirrored-*.json\n'
    script += 'mount -o remount,ro "$ROOM"\n' + noted(again, "run") + 'mount -o remount,rw "$ROOM"\n' + export
    before = (copied.path / "records.csv").read_bytes()
    done = mounted(script, ROOM=room, STORE=copied.path, OUT=tmp_path, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    survived(kept(tmp_path, "run"), copied, before)
    exported = kept(tmp_path, "export")
    assert exported.returncode == 0, exported.stderr
    assert [one["written"] for one in json.loads(exported.stdout)["runs"]] == [0]  # all was there already
    tried("mlflow.db on a disk that became read-only")


@pytest.mark.slow
def test_a_store_that_cannot_be_written_is_verified_and_looked_through(copied, mounted, tmp_path, tried):
    room, key = tmp_path / "room", copied.keys("teacher")[0]
    room.mkdir()
    script = (
        'mount -t tmpfs -o size=30m tmpfs "$ROOM"\n cp -a "$STORE/." "$ROOM"\n mount -o remount,ro "$ROOM"\n'
    )
    script += noted(f'verify {key} --store "$ROOM"', "verify") + noted('doctor --store "$ROOM"', "doctor")
    done = mounted(script, ROOM=room, STORE=copied.path, OUT=tmp_path)
    assert done.returncode == 0, done.stderr
    assert kept(tmp_path, "verify").returncode == 0, kept(tmp_path, "verify").stderr
    assert kept(tmp_path, "doctor").returncode == 0, kept(tmp_path, "doctor").stdout
    assert "cannot be written" in kept(tmp_path, "doctor").stdout
    tried("a read-only store under bench verify and bench doctor", 2)


def test_a_server_that_trickles_is_given_up(copied, monkeypatch, tried):
    def trickles(connection, door):
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            time.sleep(0.2)
            connection.sendall(b" ")

    monkeypatch.setattr(mlflow_mirror, "PATIENCE_SECONDS", 4.0)
    started = time.monotonic()
    with Door(trickles) as door, pytest.raises(MirrorError, match="4 seconds"):
        page(copied, door.uri).fill(copied.finished())
    assert time.monotonic() - started < 10
    tried("MLflow server answers a byte at a time")


@pytest.fixture(scope="module")
def server_port(tmp_path_factory, mlflow_server):
    """The port of a server that lives, with its tables made."""
    from mlflow import MlflowClient

    port = mlflow_server(tmp_path_factory.mktemp("server") / "mlflow.db")[1]
    for _ in range(5):  # making the tables takes longer than a request may
        try:
            MlflowClient(f"http://127.0.0.1:{port}").search_experiments()
            break
        except Exception:
            time.sleep(2)
    return port


@pytest.mark.slow
def test_wherever_a_server_dies_the_gap_is_filled_and_nothing_doubled(
    copied, server_port, mirrored_at, tried
):
    there, direct = copied.finished(), f"http://127.0.0.1:{server_port}"
    page(copied, direct, "whole", 3).fill(there)
    whole = mirrored_at(direct, "whole")
    assert len(whole) == 1 + 3
    times = 0
    for at in DEATHS:
        for is_carried_out, lives in ((False, False), (True, False), (True, True)):
            run, gate = f"dies-{times}", Gate(server_port, at, is_carried_out=is_carried_out, lives=lives)
            with Door(gate) as door:
                if lives:
                    page(copied, door.uri, run, 3).fill(there)
                else:
                    with pytest.raises(MirrorError):
                        page(copied, door.uri, run, 3).fill(there)
            assert gate.seen > at
            with Door(Gate(server_port, -1, is_carried_out=True), door.port):  # it is back where it was
                page(copied, door.uri, run, 3).fill(there)
                filled = mirrored_at(door.uri, run)
            assert [(*row[0][:1], *row[0][2:]) for row in filled] == [(*r[0][:1], *r[0][2:]) for r in whole]
            assert [row[2:] for row in filled] == [row[2:] for row in whole]
            times += 1
    tried("MLflow server dies half-way, or its answer is lost", times)


@pytest.mark.slow
def test_a_killed_server_is_filled_when_it_is_back(
    copied, bench, run_again, mlflow_server, mirrored_at, tried
):
    database = copied.path.parent / "served.db"
    page(copied, f"sqlite:///{database}").fill({copied.keys("split")[0]})  # makes the tables
    process, port = mlflow_server(database)
    uri = f"http://127.0.0.1:{port}"
    gate = Gate(port, 40, is_carried_out=True, lives=True)

    def kill_at_40(connection, door):
        gate(connection, door)
        if gate.seen == 40:
            process.kill()

    with Door(kill_at_40) as door:
        run_again(door.uri)
    assert gate.seen >= 40
    process.wait()
    mlflow_server(database, port)
    exported = bench("export", "mlflow", "--store", copied.path, "--uri", uri)
    assert exported.returncode == 0, exported.stderr
    assert len(mirrored_at(uri)) == 1 + len(copied.keys())
    tried("MLflow server killed half-way and started again")
