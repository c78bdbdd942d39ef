"""What a sweep costs: steps and passes as the protocol counts them, seconds as like stages took them."""

import json
import math
from dataclasses import replace

import pytest

from bench.data.dataset import CaseFiles, Dataset
from bench.plan import cost
from bench.plan.cost import MachineTable, Prices, machine_table, prices
from bench.plan.estimate import Estimate, Sums, TableName, UnitCostSources, estimate
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plan.workload import voxels_shown, work_of
from bench.settings.stage_specs import read
from bench.store import provenance
from bench.store.documents import StageDocument
from bench.store.stage import in_order
from bench.store.store import Store
from methods.registry import PAPER, classes

TRAIN = tuple(f"train_{number}" for number in range(10))
TEST = tuple(f"test_{number}" for number in range(4))
SHAPE = (80, 64, 56)


def planned(*names, recipe_name="paper", xis=("0.3",), seeds=(0,), changes=()):
    chosen = recipe(recipe_name, changes, classes())
    chosen = resolved(chosen, device="cpu", native_bfloat16=True)
    cases = {case: CaseFiles((case,), case, f"image {case}", f"label {case}") for case in TRAIN + TEST}
    dataset = Dataset("heart", ("MRI",), ("wall", "blood"), cases, TRAIN, TEST)
    return Sweep(chosen, (free_part(names or PAPER, xis, chosen),), seeds, (dataset,)).stages()


def steps_of(stages):
    return sum(work_of(one).network_steps for one in stages)


def semi_supervised(stages):
    """The stages that pseudo labels are made by or for: teachers, pseudo labels, students."""
    return in_order(one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs))


def test_the_papers_steps_are_counted_for_every_network():
    stages = planned()
    assert steps_of(one for one in stages if one.kind == "teacher") == 10_000 + 15_000 + 20_000
    assert steps_of(one for one in stages if one.kind == "student") == (4 + 4) * 2 * 35_000
    pseudo = next(one for one in stages if one.kind == "pseudo")
    assert work_of(pseudo).network_passes == 7 * 3 * 12
    assert work_of(pseudo).network_steps == 0
    scores = [work_of(one).network_passes for one in stages if one.kind == "scores"]
    # Teachers are one network each, and once three together; all others are two.
    assert sum(scores) == len(TEST) * (3 * 1 + 3 + 8 * 2)


def test_sharing_teachers_makes_the_main_job_at_most_0_72_of_the_pipelines_run_separately():
    xis = tuple(f"0.{tenths}" for tenths in range(1, 10))
    together = semi_supervised(planned(xis=xis, seeds=(0, 1, 2)))
    apart = [semi_supervised(planned(name, xis=xis, seeds=(0, 1, 2))) for name in PAPER]
    share = steps_of(together) / sum(map(steps_of, apart))
    assert share == pytest.approx((45 + 4 * 70) / (4 * 115))
    assert share <= 0.72


def test_stages_alike_have_the_same_unit_and_others_not():
    one, other = (
        {work_of(s).like for s in planned("tsman", seeds=(seed,)) if s.kind == "student"} for seed in (0, 1)
    )
    assert one == other
    assert len(one) == 1
    for change in (
        "sampling.batch=2",
        "stream.growth=6",
        "compute.precision=float32",
        "tsman.attention.f1=false",
    ):
        changed = {work_of(s).like for s in planned("tsman", changes=[change]) if s.kind == "student"}
        assert one.isdisjoint(changed)
    longer = {work_of(s).like for s in planned("tsman", changes=["student.steps=9"]) if s.kind == "student"}
    assert longer == one


def test_a_stage_and_its_document_are_the_same_work():
    for one in planned():
        assert work_of(read(StageDocument, json.loads(json.dumps(one.document())), "a stage")) == work_of(one)


@pytest.mark.parametrize("window", ["whole", "overlap", "heartseg"])
@pytest.mark.parametrize("shape", [(20, 17, 9), (33, 16, 16), (40, 24, 31)])
def test_the_voxels_shown_are_those_that_a_network_sees(window, shape):
    import torch

    from bench.settings.schema import Inference
    from bench.stages.inference import over_volume

    seen = []

    def look(image_bcijk):
        seen.append(image_bcijk[:, 0].numel())
        return image_bcijk

    inference = Inference(window=window, overlap=0.5, batch=3)
    over_volume(torch.zeros(1, *shape), look, inference, (16, 16, 16))
    counted = voxels_shown(shape, inference, (16, 16, 16))
    assert counted == (math.prod(shape) if window == "whole" else sum(seen))


def finished(store, stage, seconds, **more):
    """The stage made in so many seconds, on this machine unless ``more`` says otherwise."""
    made_here = {"machine": provenance.machine(), "device": "cpu", "seconds": seconds}
    with store.making(stage.key) as folder:
        (folder / "stage.json").write_text(json.dumps({**stage.document(), **made_here, **more}))


TABLE = {
    "processor": "a", "device": "cpu", "when": "today",
    "units": [
        {"unit": "step", "method": "densevoxnet", "networks": 2, "voxels": 3 * 64**3, "seconds": 6.0,
         "precision": "bfloat16", "layout": "channels_last", "path": "fast", "stream": {"stem": 16, "growth": 12, "units": 12}},
        {"unit": "step", "method": "densevoxnet", "networks": 2, "voxels": 48**3, "seconds": 0.2,
         "precision": "bfloat16", "layout": "channels_last", "path": "fast", "stream": {"stem": 8, "growth": 12, "units": 2}},
        {"unit": "pass", "method": "densevoxnet", "networks": 1, "voxels": 1000, "seconds": 0.5,
         "precision": "bfloat16", "layout": "channels_last", "path": "fast", "stream": {"stem": 16, "growth": 12, "units": 12}},
        {"unit": "score", "networks": 0, "voxels": 1000, "seconds": 0.1},
    ],
}  # fmt: skip


def tabled(shape=SHAPE):
    return Prices({}, read(MachineTable, TABLE, "a table"), lambda name: shape)


def only(stages, kind):
    return next(one for one in stages if one.kind == kind)


def test_without_like_stages_the_table_says_it_by_voxels_and_networks():
    known, stages = tabled(), planned("densevoxnet")
    teacher = only(stages, "teacher")
    assert known.priced(teacher) == (pytest.approx(10_000 * 3.0), "table")
    assert known.priced(only(stages, "student")) == (pytest.approx(35_000 * 6.0), "table")
    doubled = only(planned("densevoxnet", changes=["sampling.batch=6"]), "student")
    assert known.priced(doubled) == (pytest.approx(35_000 * 12.0), "table")
    narrow = only(planned("densevoxnet", recipe_name="quick"), "teacher")
    assert known.priced(narrow) == (pytest.approx(500 * 0.1), "table")


def test_what_the_table_has_no_row_for_is_a_guess_by_the_row_most_alike():
    known = tabled()
    assert known.priced(only(planned("tsman"), "student")) == (pytest.approx(35_000 * 6.0), "guess")
    wider = only(planned("densevoxnet", recipe_name="quick", changes=["stream.growth=14"]), "teacher")
    assert known.priced(wider) == (pytest.approx(500 * 0.1), "guess")


def test_like_stages_of_the_store_say_it_before_the_table(tmp_path):
    store, stages = Store(tmp_path), planned("densevoxnet", "tsman")
    others = planned("densevoxnet", seeds=(1,))
    finished(store, only(others, "teacher"), 20_000.0)
    finished(store, only(others, "pseudo"), 504.0)
    known = prices(stages, store, "cpu", lambda name: SHAPE)
    teachers = [one for one in stages if one.kind == "teacher"]
    assert [known.priced(one) for one in teachers] == [
        (20_000.0, "store"), (30_000.0, "store"), (40_000.0, "store"),
    ]  # fmt: skip
    assert known.priced(only(stages, "pseudo")) == (504.0, "store")
    said = estimate(stages, store.finished(), known, jobs=2)
    assert said.whole.network_steps == 45_000 + 4 * 70_000
    assert said.left == said.whole
    assert said.unit_costs.share_of_time["store"] > 0


def test_seconds_of_another_machine_or_device_do_not_count(tmp_path):
    store, stages = Store(tmp_path), planned("densevoxnet")
    teachers = [one for one in stages if one.kind == "teacher"]
    finished(store, teachers[0], 1.0, machine={"processor": "another"})
    finished(store, teachers[1], 1.0, device="cuda:0")
    known = prices(stages, store, "cpu", lambda name: SHAPE)
    assert known.priced(teachers[2])[1] != "store"
    on_gpu = prices(stages, store, "cuda", lambda name: SHAPE)
    assert on_gpu.priced(teachers[2]) == (pytest.approx(20_000 / 15_000), "store")


def test_what_is_there_is_not_left_to_do(tmp_path):
    store, stages = Store(tmp_path), planned("densevoxnet")
    for one in stages:
        if one.kind != "student":
            finished(store, one, 3600.0)
    said = estimate(stages, store.finished(), tabled(), jobs=2)
    assert said.left.network_steps == 2 * 70_000
    assert said.left.network_passes == 0
    assert said.left.hours == pytest.approx(2 * 35_000 * 6.0 / 2 / 3600, rel=1e-4)
    assert said.whole.hours > said.left.hours


def test_where_nothing_was_measured_no_hours_are_said(tmp_path):
    said = estimate(planned("tsman"), set(), Prices({}, None, lambda name: SHAPE), jobs=1)
    assert said.whole.hours is None
    assert said.whole.network_steps == 45_000 + 2 * 70_000


def test_the_committed_table_knows_the_papers_methods_in_the_streams_of_the_recipes():
    table = machine_table("cpu")
    assert (table.device, bool(table.processor), bool(table.when)) == ("cpu", True, True)
    assert json.loads(cost.TABLE.read_text())["made_by"].endswith("measure_unit_costs.py")
    known = Prices({}, table, lambda name: SHAPE)
    for name in ("quick", "standard", "paper"):
        for one in planned(*PAPER, recipe_name=name):
            if one.kind not in ("split", "ensemble"):  # which compute nothing
                assert known.priced(one)[1] == "table"


def test_in_the_committed_table_attention_costs_more_than_none_and_the_papers_width_more_than_a_narrow_one():
    steps = {
        (row.method, row.stream.stem): row.seconds for row in machine_table("cpu").units if row.unit == "step"
    }
    for stem in (8, 16):
        assert steps["tsman", stem] > steps["densevoxnet", stem]
    for method in PAPER:
        assert steps[method, 16] > 20 * steps[method, 8]


def test_computing_otherwise_than_was_measured_is_a_guess():
    known = Prices({}, machine_table("cpu"), lambda name: SHAPE)
    for one in planned("densevoxnet", recipe_name="quick", changes=["compute=plain"]):
        if one.kind not in ("split", "ensemble"):
            assert known.priced(one)[1] == "guess"


def test_a_stage_of_a_method_that_is_not_at_hand_is_passed_over(tmp_path):
    store, stages = Store(tmp_path), planned("densevoxnet")
    student = next(one for one in stages if one.kind == "student")
    foreign = student.document() | {"key": "student-foreign"}
    foreign["settings"] = foreign["settings"] | {"method": {"name": "mine", "version": 1, "settings": {}}}
    folder = store.folder("student-foreign")
    folder.mkdir(parents=True)
    (folder / "stage.json").write_text(json.dumps(foreign | {"seconds": 5.0}))
    assert prices(stages, store, "cpu", lambda name: SHAPE).measured == {}


def test_a_trial_of_few_steps_does_not_price_a_whole_training(tmp_path):
    store, stages = Store(tmp_path), planned("densevoxnet", recipe_name="quick")
    short = planned("densevoxnet", recipe_name="quick", changes=["student.steps=15"])
    finished(store, next(one for one in short if one.kind == "student"), 60.0)
    student = next(one for one in stages if one.kind == "student")
    assert prices(stages, store, "cpu", lambda name: SHAPE).priced(student)[1] != "store"


@pytest.mark.parametrize("hours", [0.01, 0.5, 30.0, 12_345.0])
def test_what_it_costs_fits_a_line(hours, capsys):
    from bench.cli.run.text import say_cost

    sums = Sums(stages=9999, network_steps=16_025_000, network_passes=13_450, hours=hours)
    table = TableName(processor="AMD EPYC", device="cpu", when="2026-11-23")
    shares = {"store": 0.2, "table": 0.4, "guess": 0.4}
    left, sources = (
        replace(sums, stages=3, network_passes=0),
        UnitCostSources(share_of_time=shares, table=table),
    )
    say_cost(Estimate(whole=sums, left=left, jobs=16, unit_costs=sources))
    said = capsys.readouterr().out.splitlines()
    assert max(map(len, said)) <= 80
    assert any(line.startswith("left     3 stages") for line in said)
