"""SIGKILL of a worker, of the driver, of both, at random moments: the records are those of the undisturbed run."""

import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest

VICTIMS = ("worker", "driver", "both")


def killed(disturbed, store, victim, seconds):
    """Start the sweep, kill after some seconds; the exit status if it ended before, else None."""
    with disturbed.driver(store) as driver:
        with suppress(Exception):
            return driver.wait(seconds)
        workers = disturbed.children(driver.pid)
        if victim == "worker" and not workers:
            return driver.wait()
        doomed = {"worker": workers[:1], "driver": [driver.pid], "both": [driver.pid, *workers]}[victim]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim == "worker":
            assert driver.wait() in (0, 3)  # 0: it was idle
        else:
            driver.wait()
            assert disturbed.wait_for(lambda: not any(map(disturbed.is_running, workers)), 60), "an orphan"
        return None


def disturb(disturbed, undisturbed, store, victims):
    """Kill once for each victim, then let it end: how often each was killed, what was lost, what was resumed."""
    moment = random.SystemRandom().uniform
    kills, lost = Counter(), 0
    for victim in victims:
        before = disturbed.results(store)
        ended = killed(disturbed, store, victim, moment(0.2, 0.8 * undisturbed.seconds))
        after = disturbed.results(store)
        lost += sum(after.get(key) != files for key, files in before.items())
        if ended == 0:
            break
        kills[victim] += 1
    done = disturbed.finish(store, "--json")
    assert done.returncode == 0, done.stderr
    assert disturbed.rows(store) == undisturbed.rows
    assert disturbed.results(store) == undisturbed.results
    assert not (store / "work").exists()
    assert list(store.glob("stages/.*")) == []
    facts = [json.loads(path.read_text())["facts"] for path in store.glob("stages/*/stage.json")]
    return kills, lost, sum(len(one.get("resumed", ())) for one in facts)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_at_a_random_moment_costs_no_finished_stage(disturbed, undisturbed, tmp_path, tried, victim):
    kills, lost, _ = disturb(disturbed, undisturbed, tmp_path / "store", [victim, victim])
    tried(f"SIGKILL of {victim}", kills[victim], kills[victim] - lost, lost)


@pytest.mark.slow
def test_fifty_kills_at_random_moments(disturbed, undisturbed, tmp_path, tried):
    kills, lost, resumed, number = Counter(), 0, 0, 0
    while kills.total() < 50:
        number += 1
        victims = random.SystemRandom().choices(VICTIMS, k=5)
        more = disturb(disturbed, undisturbed, tmp_path / f"store-{number}", victims)
        kills, lost, resumed = kills + more[0], lost + more[1], resumed + more[2]
    for victim, times in kills.items():
        tried(f"SIGKILL of {victim}", times, times - lost, lost)
    assert resumed > 0, "fifty kills, and none in the middle of a training"
