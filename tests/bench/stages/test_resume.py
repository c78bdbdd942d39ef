"""A training that was stopped or killed at any step, and gone on with, ends with the weights of the unbroken one."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from bench.errors import StoppedError
from bench.execution.execute import execute
from bench.stages.context import Conduct
from bench.stages.model import Trained
from bench.stages.training.checkpoint import Checkpoint, Checkpoints
from bench.stages.training.loop import Training
from bench.store.artifacts import WEIGHTS
from bench.store.store import Store

STEPS = 5
FILES = (WEIGHTS, "losses.csv")


class KilledError(Exception):
    """What a process that is gone cannot even raise."""


@pytest.fixture
def broken_at(monkeypatch):
    """Have the training call something after a number of its steps."""
    advance = Training.advance

    def arrange(step, call):
        def advanced(training):
            advance(training)
            if training.step == step:
                call()

        monkeypatch.setattr(Training, "advance", advanced)

    return arrange


def kill():
    raise KilledError


def made(stage, store):
    for _, needed in stage.inputs:
        made(needed, store)
    execute(stage.document(), store, run="test", device="cpu")
    return store.folder(stage.key)


def copy_without(store, key, path):
    """Another store with all but one stage."""
    shutil.copytree(store.path, path)
    shutil.rmtree(path / "stages" / key)
    return Store(path)


def student_of(lab, method, changes=()):
    stages = lab.plan(method, changes=[f"student.steps={STEPS}", *changes]).stages()
    return next(one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs))


def same_results(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


WAYS = {
    "tsman": (),
    "decoupling": ("optimiser.kind=sgd", "optimiser.learning_rate=0.01"),
    "deep-level-set": (),
    # At the 2x2x2 voxels of a patch of 8 this PyTorch's bfloat16 gradients are of memory that nobody wrote.
    "densevoxnet": ("stream.dropout=0.5", "compute.precision=bfloat16", "sampling.patch=[16,16,16]"),
    "unet-3d": (),
    "unet-2d": ("compute=plain",),
    "co-teaching": (
        "optimiser.kind=muon",
        "optimiser.matrix_learning_rate=0.05",
        "optimiser.matrix_momentum=0.8",
        "stream.stem=8",
        "stream.growth=8",
    ),
}


@pytest.mark.parametrize("method", WAYS)
def test_killed_after_any_step_it_ends_with_the_same_weights_and_losses(
    tiny_lab, tmp_path, broken_at, method, tried
):
    stage = student_of(tiny_lab, method, WAYS[method])
    unbroken = made(stage, tiny_lab.store)
    often = Conduct(checkpoint_seconds=0)
    for step in range(2, STEPS + 1):
        store = copy_without(tiny_lab.store, stage.key, tmp_path / f"killed-{step}")
        broken_at(step, kill)
        with pytest.raises(KilledError):
            execute(stage.document(), store, run="test", device="cpu", conduct=often)
        assert store.checkpointed() == [stage.key]
        store.sweep_up()
        broken_at(0, kill)
        execute(stage.document(), store, run="test", device="cpu")
        assert same_results(store.folder(stage.key), unbroken), step
        facts = store.stage(stage.key)["facts"]
        assert [one["step"] for one in facts.pop("resumed")] == [step - 1]
        assert facts == tiny_lab.store.stage(stage.key)["facts"]
        assert not store.scratch(stage.key).exists()
    tried(f"a {method} training killed after each of its steps", STEPS - 1)


def test_stopped_again_and_again_it_ends_with_the_same_weights(tiny_lab, tmp_path, broken_at):
    stage = student_of(tiny_lab, "deep-level-set")
    unbroken = made(stage, tiny_lab.store)
    store = copy_without(tiny_lab.store, stage.key, tmp_path / "stopped")
    for step in range(1, STEPS):
        stopping = threading.Event()
        broken_at(step, stopping.set)
        with pytest.raises(StoppedError, match=f"{step} of {STEPS}"):
            execute(stage.document(), store, run="test", device="cpu", stopping=stopping)
        assert not store.has(stage.key)
    broken_at(0, kill)
    execute(stage.document(), store, run="test", device="cpu")
    assert same_results(store.folder(stage.key), unbroken)
    described = store.stage(stage.key)
    assert [one["step"] for one in described["facts"]["resumed"]] == list(range(1, STEPS))
    assert described["seconds"] >= described["facts"]["resumed"][-1]["seconds"] > 0
    one_revision = tiny_lab.store.stage(stage.key)["facts"]["revised_voxels"]
    assert described["facts"]["revised_voxels"] == one_revision
    assert len(one_revision) >= 1


@pytest.mark.parametrize("kind", ["pseudo", "scores"])
def test_label_maps_that_were_made_stay_made_and_a_damaged_one_is_made_again(
    tiny_lab, tmp_path, monkeypatch, kind, tried
):
    stages = tiny_lab.plan("densevoxnet").stages()
    stage = [one for one in stages if one.kind == kind and '"role":"pseudo"' not in one.settings][-1]
    whole = made(stage, tiny_lab.store)
    store = copy_without(tiny_lab.store, stage.key, tmp_path / "killed")
    stopping, segmented = threading.Event(), []
    last = {"pseudo": 4, "scores": 1}[kind]  # two scans by two teachers, or one by one student
    segment = Trained.segment

    def counted(trained, image_cijk, *words, **named):
        segmented.append(image_cijk)
        if len(segmented) == last:
            stopping.set()
        return segment(trained, image_cijk, *words, **named)

    monkeypatch.setattr(Trained, "segment", counted)
    with pytest.raises(StoppedError):
        execute(stage.document(), store, run="test", device="cpu", stopping=stopping)
    kept = sorted(store.scratch(stage.key).glob("labels/*"))
    assert len(kept) >= 1
    store.sweep_up()
    truncated(kept[0])
    segmented.clear()
    execute(stage.document(), store, run="test", device="cpu")
    facts = store.stage(stage.key)["facts"]
    assert facts.get("resumed_cases", 0) == len(kept) - 1
    names = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()} - {Path("stage.json")}
    assert all((store.folder(stage.key) / name).read_bytes() == (whole / name).read_bytes() for name in names)
    tried(f"a {kind} stage stopped between two cases, one of its label maps truncated")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-3])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [truncated, flipped, emptied])
@pytest.mark.parametrize("kind", ["checkpoint", "labels"])
def test_of_torn_checkpoints_the_last_good_one_survives(tiny_lab, tmp_path, broken_at, spoil, kind, tried):
    stage = student_of(tiny_lab, "deep-level-set")
    unbroken = made(stage, tiny_lab.store)
    store = copy_without(tiny_lab.store, stage.key, tmp_path / "torn")
    broken_at(STEPS, kill)
    with pytest.raises(KilledError):
        execute(stage.document(), store, run="test", device="cpu", conduct=Conduct(checkpoint_seconds=0))
    broken_at(0, kill)
    kept = sorted(store.scratch(stage.key).glob("checkpoint-*"))
    assert [path.name.split("-")[1] for path in kept] == ["000000003", "000000004"]
    torn = max(store.scratch(stage.key).glob(f"{kind}-*"))
    spoil(torn)
    execute(stage.document(), store, run="test", device="cpu")
    assert same_results(store.folder(stage.key), unbroken)
    facts = store.stage(stage.key)["facts"]
    assert any(torn.name in said for said in facts["checkpoints_left_aside"])
    went_on = [one["step"] for one in facts.get("resumed", [])]
    assert went_on == [3]  # with the labels of its own time
    tried(f"a {kind} file of a training that is {spoil.__name__}")


@pytest.mark.parametrize(
    ("changed", "said"),
    [(("versions", {"torch": "1.0"}), "torch 1.0"), (("device", "cuda"), "made on cuda")],
)
def test_what_another_version_or_device_kept_is_left_aside_and_said(
    tiny_lab, tmp_path, broken_at, monkeypatch, changed, said
):
    stage = student_of(tiny_lab, "densevoxnet")
    unbroken = made(stage, tiny_lab.store)
    store = copy_without(tiny_lab.store, stage.key, tmp_path / "other")
    save = Checkpoints.save
    monkeypatch.setattr(
        Checkpoints,
        "save",
        lambda self, kind, step, one: save(
            self, kind, step, Checkpoint(one.tensors, {**one.plain, **dict([changed])})
        ),
    )
    broken_at(3, kill)
    with pytest.raises(KilledError):
        execute(stage.document(), store, run="test", device="cpu", conduct=Conduct(checkpoint_seconds=0))
    broken_at(0, kill)
    execute(stage.document(), store, run="test", device="cpu")
    assert same_results(store.folder(stage.key), unbroken)
    facts = store.stage(stage.key)["facts"]
    assert "resumed" not in facts
    assert said in json.dumps(facts["checkpoints_left_aside"])


def test_no_checkpoint_is_written_before_the_interval_is_over(tiny_lab, broken_at):
    stage = student_of(tiny_lab, "densevoxnet")
    broken_at(STEPS, kill)
    with pytest.raises(KilledError):
        made(stage, tiny_lab.store)
    assert tiny_lab.store.checkpointed() == []
