"""Ctrl-C, SIGTERM and a lost terminal: exit 130, a checkpoint is there, no process is left, and it goes on."""

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress

import pytest

SIGNALS = (
    pytest.param(signal.SIGINT, id="SIGINT"),
    pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
    pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.slow),
)


@pytest.fixture
def doomed():
    """Processes that do not outlive a test, however it ends."""
    listed = []
    yield listed
    for pid in listed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def frozen(disturbed, driver, store, doomed):
    """The driver's one worker, stopped by SIGSTOP in the middle of a training, and the key of its stage."""
    for _ in range(100):
        assert disturbed.wait_for(lambda: is_training(store))
        (worker,) = disturbed.children(driver.pid)
        doomed.append(worker)
        os.kill(worker, signal.SIGSTOP)
        at_work = [path.parent.name for path in store.glob("work/*/progress.json")]
        if at_work:
            return worker, at_work[0]
        os.kill(worker, signal.SIGCONT)  # it had just ended that stage
    raise AssertionError("no training was met")


def is_training(store):
    """Whether some stage is at its twentieth step or later."""
    for path in store.glob("work/*/progress.json"):
        try:
            if json.loads(path.read_text())["step"] >= 20:
                return True
        except (OSError, ValueError):
            continue
    return False


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stopped_run_keeps_a_checkpoint_leaves_no_process_and_goes_on(
    disturbed, undisturbed, tmp_path, tried, number
):
    store = tmp_path / "store"
    with disturbed.driver(store) as driver:
        assert disturbed.wait_for(lambda: is_training(store))
        workers = disturbed.children(driver.pid)
        driver.send_signal(number)
        assert driver.wait(40) == 130
        said = driver.stderr.read()
    lines = [f"{number.name}: stopping at the next step", "interrupted; run the same command again to go on."]
    told = [line in said for line in lines]
    assert told == [number != signal.SIGHUP] * 2, said  # where the terminal is gone, there is nobody to tell
    assert "Traceback" not in said
    assert not any(map(disturbed.is_running, workers))
    assert list(store.glob("work/*/checkpoint-*"))
    assert (store / "records.csv").is_file()
    done = disturbed.finish(store)
    assert done.returncode == 0, done.stderr
    assert "from a checkpoint" in done.stdout
    assert disturbed.rows(store) == undisturbed.rows
    assert disturbed.results(store) == undisturbed.results
    facts = [json.loads(path.read_text())["facts"] for path in store.glob("stages/*/stage.json")]
    assert any(one.get("resumed") for one in facts)
    tried(f"{number.name} while stages train")


def test_ctrl_c_reaches_the_workers_through_the_driver_alone(disturbed, tmp_path):
    """A terminal sends SIGINT to the whole process group: workers must not die of it before they kept anything."""
    store = tmp_path / "store"
    with disturbed.driver(store, start_new_session=True) as driver:
        assert disturbed.wait_for(lambda: is_training(store))
        os.killpg(driver.pid, signal.SIGINT)
        assert driver.wait(40) == 130
    assert list(store.glob("work/*/checkpoint-*"))


def test_a_second_ctrl_c_stops_at_once(disturbed, tmp_path, doomed):
    store = tmp_path / "store"
    with disturbed.driver(store, "--jobs", "1") as driver:
        worker, _ = frozen(disturbed, driver, store, doomed)  # it will never reach its next step
        driver.send_signal(signal.SIGINT)
        time.sleep(1)
        assert driver.poll() is None
        driver.send_signal(signal.SIGINT)
        assert driver.wait(10) == 130
        assert not disturbed.is_running(worker)


@pytest.mark.slow
def test_a_run_whose_terminal_is_lost_goes_on_under_nohup(disturbed, undisturbed, tmp_path):
    store = tmp_path / "store"
    command = ["nohup", *disturbed.command(store)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as driver:
        assert disturbed.wait_for(lambda: is_training(store))
        driver.send_signal(signal.SIGHUP)
        assert driver.wait(120) == 0
    assert disturbed.rows(store) == undisturbed.rows


def test_a_worker_that_outlives_its_driver_and_the_next_run_never_make_one_stage_together(
    disturbed, undisturbed, tmp_path, tried, doomed
):
    store = tmp_path / "store"
    with disturbed.driver(store, "--jobs", "1") as driver:
        worker, key = frozen(disturbed, driver, store, doomed)
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        with disturbed.driver(store, "--jobs", "1") as other:
            assert disturbed.wait_for(lambda: len(disturbed.children(other.pid)) == 1)
            time.sleep(8)
            assert not (store / "stages" / key).exists(), "the stage is held by a process that stands still"
            os.kill(worker, signal.SIGCONT)
            assert disturbed.wait_for(lambda: not disturbed.is_running(worker), 40)
            assert other.wait(120) == 0
    assert disturbed.rows(store) == undisturbed.rows
    assert disturbed.results(store) == undisturbed.results
    tried("a worker that outlives its killed driver, and a new driver")


def test_two_drivers_on_one_store_one_is_refused_and_the_other_undisturbed(
    disturbed, undisturbed, tmp_path, tried
):
    store = tmp_path / "store"
    with disturbed.driver(store) as driver:
        assert disturbed.wait_for(lambda: is_training(store))
        second = disturbed.finish(store)
        assert second.returncode == 2
        assert "in use by another process" in second.stderr
        assert driver.wait(120) == 0
    assert disturbed.rows(store) == undisturbed.rows
    tried("two drivers on one store")


def test_a_terminal_that_is_closed_stops_the_run_as_ctrl_c_does(disturbed, tmp_path, tried):
    store = tmp_path / "store"
    pid, terminal = pty.fork()
    if pid == 0:
        disturbed.heed_signals()
        command = disturbed.command(store)
        os.execv(command[0], command)
    try:
        assert disturbed.wait_for(lambda: is_training(store))
        workers = disturbed.children(pid)
    finally:
        os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert list(store.glob("work/*/checkpoint-*"))
    assert (store / "records.csv").is_file()
    assert disturbed.wait_for(lambda: not any(map(disturbed.is_running, workers)))
    tried("a terminal that is closed")


def test_a_reader_that_has_enough_does_not_end_a_run(disturbed, undisturbed, tmp_path, tried):
    import shlex

    store = tmp_path / "store"
    line = f"set -o pipefail; {shlex.join(disturbed.command(store))} | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("methods")
    assert disturbed.rows(store) == undisturbed.rows
    tried("a reader of the output that goes away")


def test_a_worker_that_is_told_to_stop_costs_its_own_stage_alone(disturbed, undisturbed, tmp_path, tried):
    store = tmp_path / "store"
    with disturbed.driver(store, "--jobs", "1", "--json") as driver:
        assert disturbed.wait_for(lambda: is_training(store))
        (worker,) = disturbed.children(driver.pid)
        os.kill(worker, signal.SIGTERM)
        out, err = driver.communicate(timeout=200)
    said = json.loads(out)
    assert len(said["failed"]) <= 1, "none where it had just ended its stage"
    assert all("run the same command again" in reason for reason in said["failed"].values())
    assert driver.returncode == (3 if said["failed"] else 0), err
    assert disturbed.finish(store).returncode == 0
    assert disturbed.rows(store) == undisturbed.rows
    tried("SIGTERM of one worker")
