"""Equal compute: what a budget buys each method, worked out by hand."""

import json

import pytest

from bench.errors import UsageError
from bench.plan.workload import work_of
from bench.settings.schema import spending


def students(lab, *methods, budget):
    stages = lab.plan(*methods, changes=[f"budget={budget}", "teachers.steps=[5,7]"]).stages()
    found = [one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs)]
    return {json.loads(one.settings)["method"]["name"]: one for one in found}


def steps_of(stage):
    return json.loads(stage.settings)["steps"]


def test_without_a_budget_every_student_does_the_recipes_steps(tiny_lab):
    stages = tiny_lab.plan("densevoxnet", "unet-3d", changes=["student.steps=9"]).stages()
    assert {steps_of(one) for one in stages if one.kind == "student"} == {9}


def test_steps_are_steps(tiny_lab):
    found = students(tiny_lab, "densevoxnet", "decoupling", budget="steps:11")
    assert {name: steps_of(one) for name, one in found.items()} == {"densevoxnet": 11, "decoupling": 11}


def test_voxels_are_shared_out_by_the_batch(tiny_lab):
    stage = students(tiny_lab, "densevoxnet", budget="steps:1")["densevoxnet"]
    sampling = json.loads(stage.settings)["sampling"]
    i, j, k = sampling["patch"]
    batch = sampling["batch"] * i * j * k
    for voxels, steps in ((batch, 1), (3 * batch, 3), (4 * batch - 1, 3)):
        assert steps_of(students(tiny_lab, "densevoxnet", budget=f"voxels:{voxels}")["densevoxnet"]) == steps


def test_passes_pay_for_every_network_and_every_revision(tiny_lab):
    trained = len(tiny_lab.dataset.train)
    found = students(tiny_lab, "densevoxnet", "deep-level-set", budget="passes:101")
    assert steps_of(found["densevoxnet"]) == 101 // 2
    # Two revisions, each of two networks over every training volume.
    assert steps_of(found["deep-level-set"]) == (101 - 2 * 2 * trained) // 2


def test_seconds_are_unit_costs_and_never_the_clock(tiny_lab):
    few = students(tiny_lab, "densevoxnet", "tsman", budget="seconds:60")
    more = students(tiny_lab, "densevoxnet", "tsman", budget="seconds:120")
    for name in few:
        assert steps_of(more[name]) == pytest.approx(2 * steps_of(few[name]), abs=1)
    assert few.keys() == more.keys()
    again = students(tiny_lab, "densevoxnet", "tsman", budget="seconds:60")
    assert {name: one.key for name, one in few.items()} == {name: one.key for name, one in again.items()}


def test_a_method_nobody_measured_is_taken_for_the_plain_pair(tiny_lab):
    found = students(tiny_lab, "densevoxnet", "gce", "cross-entropy", budget="seconds:60")
    assert steps_of(found["gce"]) == steps_of(found["densevoxnet"])
    assert steps_of(found["cross-entropy"]) == pytest.approx(2 * steps_of(found["densevoxnet"]), rel=0.01)


def test_a_budget_moves_the_students_key_and_nobody_elses(tiny_lab):
    def keys(*changes):
        return {
            one.key for one in tiny_lab.plan("densevoxnet", changes=changes).stages() if one.kind == "teacher"
        }

    assert keys() == keys("budget=steps:4")


def test_a_budget_too_small_for_a_step_names_the_method(tiny_lab):
    with pytest.raises(UsageError, match="deep-level-set"):
        students(tiny_lab, "deep-level-set", budget="passes:3")


@pytest.mark.parametrize("text", ["passes", "passes:0", "hours:3", "steps:-1", "steps:1.5", "seconds:5@tpu"])
def test_a_budget_in_no_unit_is_refused(tiny_lab, text):
    with pytest.raises(UsageError, match="budget"):
        tiny_lab.plan("densevoxnet", changes=[f"budget={text}"])


def test_a_budget_is_read_as_unit_amount_and_device():
    assert spending("seconds:60@cuda") == ("seconds", 60, "cuda")
    assert spending("voxels:7") == ("voxels", 7, "cpu")


def test_the_work_of_a_budgeted_student_is_what_it_is_planned_to_do(tiny_lab):
    stage = students(tiny_lab, "densevoxnet", budget="passes:100")["densevoxnet"]
    assert work_of(stage).network_steps == 100
