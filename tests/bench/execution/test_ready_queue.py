"""Every stage is begun once and after its inputs; a long chain early, all else in the plan's order."""

import heapq

import pytest

from bench.execution.ready_queue import Agenda
from bench.store.stage import in_order, stage


def made(name, kind="split", **inputs):
    return stage(kind, {"name": name}, dataset=("d", "d"), images={}, labels={}, inputs=inputs)


def cell(name, seconds):
    """One teacher, its pseudo labels and two students, and a supervised one: as a ξ of a sweep."""
    teacher = made(f"{name} teacher", "teacher")
    pseudo = made(f"{name} pseudo", "pseudo", of=teacher)
    students = [made(f"{name} {number}", "student", of=pseudo) for number in (1, 2)]
    alone = made(f"{name} alone", "student")
    seconds |= {teacher.key: 4, pseudo.key: 2, students[0].key: 6, students[1].key: 6, alone.key: 6}
    return [teacher, pseudo, *students, alone]


@pytest.fixture
def sweep():
    """Six cells in order, and the seconds of each stage."""
    seconds = {}
    cells = [cell(str(number), seconds) for number in range(6)]
    return in_order([one for stages in cells for one in stages]), seconds


def simulated(stages, seconds, workers, expected=None):
    """Begun stages by time of beginning, and when the last ended."""
    agenda = Agenda(stages, lambda one: (expected or seconds)[one.key])
    clock, running, begun = 0.0, [], []
    while agenda or running:
        while len(running) < workers and (one := agenda.take(workers)):
            begun.append(one)
            heapq.heappush(running, (clock + seconds[one.key], one.key))
        clock, key = heapq.heappop(running)
        agenda.done(key)
    return begun, clock


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_stage_is_begun_once_and_after_its_inputs_have_ended(sweep, workers):
    stages, seconds = sweep
    ended, running = set(), []
    agenda = Agenda(stages, lambda one: seconds[one.key])
    while agenda or running:
        while len(running) < workers and (one := agenda.take(workers)):
            assert {needed.key for _, needed in one.inputs} <= ended
            running.append(one.key)
        ended.add(running[0])
        agenda.done(running.pop(0))
    assert ended == {one.key for one in stages}


def test_one_worker_keeps_the_plans_order_until_the_last_chains(sweep):
    stages, seconds = sweep
    begun, _ = simulated(stages, seconds, 1)
    assert begun[:20] == stages[:20]


def test_a_chain_as_long_as_what_is_left_for_each_worker_begins_before_its_turn(sweep):
    stages, seconds = sweep
    begun, end = simulated(stages, seconds, 6)
    teachers = {place for place, one in enumerate(begun) if one.kind == "teacher"}
    assert max(teachers) < 10  # the plan's order would begin the last one after 25 others
    assert end <= 1.1 * sum(seconds.values()) / 6
    worst = sum(seconds.values()) / 6 + max(seconds.values())
    # Wrong guesses of the seconds cost order, never a stage.
    flat, late = simulated(stages, seconds, 6, dict.fromkeys(seconds, 1.0))
    assert len(flat) == len(stages)
    assert late <= worst + 6


def test_two_workers_are_busy_to_the_end_even_where_the_plan_ends_with_a_long_chain():
    short = [made(f"short {number}") for number in range(12)]
    first = made("first", "teacher")
    chain = [first, made("second", "pseudo", of=first)]
    stages = [*short, *chain]
    seconds = dict.fromkeys((one.key for one in short), 1.0) | {one.key: 3.0 for one in chain}
    begun, end = simulated(stages, seconds, 2)
    assert end == 9.0  # the plan's order would take 12
    assert len(begun) == len(stages)


def test_what_needs_a_failed_stage_is_dropped_and_nothing_else(sweep):
    stages, seconds = sweep
    agenda = Agenda(stages, lambda one: seconds[one.key])
    failed = agenda.take(1)
    assert failed == stages[0]
    assert agenda.drop(failed.key) == stages[1:4]
    left = []
    while agenda:
        one = agenda.take(1)
        agenda.done(one.key)
        left.append(one)
    assert {one.key for one in left} == {one.key for one in stages[4:]}


def test_a_stage_whose_inputs_are_in_the_store_is_ready_at_once():
    made_before = made("made before", "teacher")
    wants = made("wants", "pseudo", of=made_before)
    assert Agenda([wants], lambda one: 1.0).take(2) == wants
