"""Ctrl-C, SIGTERM and a lost terminal: exit 130, a checkpoint is there, no process is left, and it goes on."""

import json
import os
import signal
import subprocess
import time

import pytest

SIGNALS = (
    pytest.param(signal.SIGINT, id="SIGINT"),
    pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
    pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.slow),
)


def frozen(disturbed, driver, store):
    """The driver's one worker, stopped by SIGSTOP in the middle of a training, and the key of its stage."""
    for _ in range(100):
        assert disturbed.wait_for(lambda: is_training(store))
        (worker,) = disturbed.children(driver.pid)
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
    assert "interrupted; run the same command again to go on." in said
    assert number.name in said
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


def test_a_second_ctrl_c_stops_at_once(disturbed, tmp_path):
    store = tmp_path / "store"
    with disturbed.driver(store, "--jobs", "1") as driver:
        worker, _ = frozen(disturbed, driver, store)  # it will never reach its next step
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
    disturbed, undisturbed, tmp_path, tried
):
    store = tmp_path / "store"
    with disturbed.driver(store, "--jobs", "1") as driver:
        worker, key = frozen(disturbed, driver, store)
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
