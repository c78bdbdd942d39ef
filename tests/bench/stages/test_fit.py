"""The training loop: what it may see, what it repeats bit for bit, and what it lets a method do."""

import csv
import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
import torch
from torch import nn

from bench.data.dataset import remember
from bench.errors import LabelWithheldError, StageError
from bench.execution.execute import execute
from bench.seeding import torch_stream
from bench.stages.context import open_lab
from bench.stages.model import begin
from bench.store.artifacts import WEIGHTS, stored_label
from methods import registry
from methods.registry import METHODS, Entry

SEEN = []  # what a fake contestant was shown; each test empties it


@dataclass(frozen=True, kw_only=True)
class Plain:
    """One convolution under cross-entropy."""

    name: ClassVar[str] = "fake"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = "this test"
    networks: ClassVar[int] = 1

    def network(self, channels, classes, stream):
        return nn.Sequential(nn.Conv3d(channels, classes, 1), nn.BatchNorm3d(classes))

    def loss(self, network, batch, progress):
        SEEN.append((batch, progress))
        return nn.functional.cross_entropy(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network, image_bcijk):
        return network(image_bcijk).softmax(dim=1)


class Skips(Plain):
    def loss(self, network, batch, progress):
        return None


class LooksAndSkips(Plain):
    def loss(self, network, batch, progress):
        network(batch.image_bcijk)


class BreaksAtTheEnd(Plain):
    def loss(self, network, batch, progress):
        loss = super().loss(network, batch, progress)
        return loss * float("nan") if progress >= 0.5 else loss


class Counts(Plain):
    def after_step(self, network, step):
        SEEN.append(step)


class Revises(Plain):
    revisions: ClassVar[tuple[float, ...]] = (0.5,)

    def revise(self, cases, predict, progress):
        return {
            case.name: torch.full_like(case.label_ijk, 2)
            for case in cases
            if not case.is_manual and predict(case.image_cijk).shape[1:] == case.label_ijk.shape
        }


class RevisesManualLabels(Revises):
    def revise(self, cases, predict, progress):
        return {case.name: case.label_ijk for case in cases if case.is_manual}


@pytest.fixture
def contestant(monkeypatch):
    """Register a class of this file as the method ``fake``."""
    SEEN.clear()

    def register(kind):
        module = ModuleType("fake_contestant")
        module.Fake = kind
        monkeypatch.setitem(sys.modules, "fake_contestant", module)
        monkeypatch.setattr(registry, "METHODS", {**METHODS, "fake": Entry("fake_contestant", "Fake")})

    return register


def one_of(stages, kind, *, with_input=None):
    return next(
        one for one in stages if one.kind == kind and (with_input is None or with_input in dict(one.inputs))
    )


def make(stage, store):
    """The stage and all it needs."""
    for _, needed in stage.inputs:
        make(needed, store)
    execute(stage.document(), store, run="test", device="cpu")
    return store.folder(stage.key)


def supervised_of(lab, method="fake", **plan):
    stages = lab.plan(method, **plan).stages()
    return next(one for one in stages if one.kind == "student" and "pseudo" not in dict(one.inputs))


def student_of(lab, method="fake", **plan):
    return one_of(lab.plan(method, **plan).stages(), "student", with_input="pseudo")


def losses_of(folder):
    with (folder / "losses.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def fresh_weights(stage):
    with torch_stream(stage.spec.streams, "network"):
        return begin(stage.spec, "cpu").network.state_dict()


def weights_of(folder):
    from safetensors.torch import load_file

    return load_file(folder / WEIGHTS)


@pytest.mark.parametrize("kind", ["teacher", "pseudo", "student"])
def test_a_stage_that_asks_for_a_withheld_label_or_a_test_image_is_refused(tiny_lab, kind):
    stages = tiny_lab.plan("densevoxnet").stages()
    stage = one_of(stages, kind, with_input="pseudo" if kind == "student" else None)
    manual = {case for case, _ in one_of(stages, "teacher").labels}
    withheld = min(set(tiny_lab.dataset.train) - manual)
    lab = open_lab(stage.document(), tiny_lab.store, tiny_lab.store.path, "cpu")
    for case in (withheld, tiny_lab.dataset.test[0], "nobody"):
        with pytest.raises(LabelWithheldError, match=case):
            lab.label(case)
    unseen = [tiny_lab.dataset.test[0], *([withheld] if kind == "teacher" else [])]
    for case in unseen:
        with pytest.raises(LabelWithheldError, match=case):
            lab.image(case)
    assert not set(lab.label_cases) & {withheld, *tiny_lab.dataset.test}


@pytest.mark.parametrize("method", ["densevoxnet", "deep-level-set"])
def test_the_chain_runs_to_the_same_bit_without_the_withheld_truth_on_disk(tiny_lab, tmp_path, method):
    student = student_of(tiny_lab, method)
    first = {key: (make(one, tiny_lab.store) / WEIGHTS).read_bytes() for key, one in trained_below(student)}
    manual = {case for case, _ in one_of(tiny_lab.plan(method).stages(), "teacher").labels}
    gone = str(tmp_path / "gone.nii.gz")
    hidden = {
        case: replace(files, label=files.label if case in manual else gone)
        for case, files in tiny_lab.dataset.cases.items()
    }
    other = type(tiny_lab.store)(tmp_path / "other")
    blind = replace(tiny_lab.dataset, cases=hidden)
    assert blind.id == tiny_lab.dataset.id
    remember(blind, other.workshop)
    second = {key: (make(one, other) / WEIGHTS).read_bytes() for key, one in trained_below(student)}
    assert first == second


def trained_below(student):
    pseudo = dict(student.inputs)["pseudo"]
    teachers = [one for name, one in pseudo.inputs if name.startswith("teacher")]
    return [(one.key, one) for one in [*teachers, student]]


def test_two_runs_of_one_stage_are_equal_to_the_last_bit(tiny_lab, contestant, tmp_path):
    stage = supervised_of(tiny_lab, "tsman")
    other = type(tiny_lab.store)(tmp_path / "other")
    remember(tiny_lab.dataset, other.workshop)
    one, two = make(stage, tiny_lab.store), make(stage, other)
    assert (one / WEIGHTS).read_bytes() == (two / WEIGHTS).read_bytes()
    assert (one / "losses.csv").read_bytes() == (two / "losses.csv").read_bytes()


def test_training_leaves_torchs_own_random_numbers_as_they_were(tiny_lab, contestant):
    contestant(Plain)
    before = torch.random.get_rng_state()
    make(supervised_of(tiny_lab), tiny_lab.store)
    assert torch.equal(before, torch.random.get_rng_state())


def test_every_step_is_written_down_with_its_loss_and_a_poly_learning_rate(tiny_lab, contestant):
    contestant(Plain)
    changes = ["student.steps=5", "optimiser.kind=sgd", "optimiser.learning_rate=0.05"]
    rows = losses_of(make(supervised_of(tiny_lab, changes=changes), tiny_lab.store))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5]
    assert all(float(row["loss"]) > 0 for row in rows)
    expected = [0.05 * (1 - step / 5) ** 0.9 for step in range(5)]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(expected)
    assert [progress for _, progress in SEEN] == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_a_method_is_shown_patches_of_the_right_size_with_whole_labels(tiny_lab, contestant):
    contestant(Plain)
    make(student_of(tiny_lab, changes=["student.steps=20", "sampling.batch=3"]), tiny_lab.store)
    batches = [batch for batch, _ in SEEN]
    assert all(batch.image_bcijk.shape == (3, 1, 8, 8, 8) for batch in batches)
    assert all(batch.image_bcijk.dtype == torch.float32 for batch in batches)
    assert all(batch.label_bijk.dtype == torch.int64 for batch in batches)
    assert {int(label) for batch in batches for label in batch.label_bijk.unique()} <= {0, 1, 2}
    shown = torch.cat([batch.is_manual_b for batch in batches])
    assert 0 < int(shown.sum()) < len(shown)  # 60 draws of 5 cases in rounds, of which ξ = 0.5 are manual
    assert int(shown.sum()) == 60 * 3 // 5


def test_teachers_are_shown_manual_labels_alone(tiny_lab):
    teacher = one_of(tiny_lab.plan("densevoxnet").stages(), "teacher")
    assert teacher.images
    assert [case for case, _ in teacher.images] == [case for case, _ in teacher.labels]


@pytest.mark.filterwarnings("ignore:Detected call of .lr_scheduler")  # a first step that is skipped
def test_skipped_steps_leave_the_weights_as_they_were_made(tiny_lab, contestant):
    contestant(Skips)
    stage = supervised_of(tiny_lab, changes=["student.steps=4"])
    folder = make(stage, tiny_lab.store)
    after, before = weights_of(folder), fresh_weights(stage)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert [row["loss"] for row in losses_of(folder)] == ["", "", "", ""]
    assert tiny_lab.store.stage(stage.key)["facts"]["skipped_steps"] == 4


@pytest.mark.filterwarnings("ignore:Detected call of .lr_scheduler")  # a first step that is skipped
def test_a_step_that_is_skipped_after_looking_updates_no_running_statistics_either(tiny_lab, contestant):
    contestant(LooksAndSkips)
    stage = supervised_of(tiny_lab)
    after, before = weights_of(make(stage, tiny_lab.store)), fresh_weights(stage)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_training_changes_the_weights(tiny_lab, contestant):
    contestant(Plain)
    stage = supervised_of(tiny_lab)
    after, before = weights_of(make(stage, tiny_lab.store)), fresh_weights(stage)
    assert not torch.equal(after["0.weight"], before["0.weight"])


def test_a_loss_that_is_no_number_ends_the_stage_with_the_step_and_leaves_nothing(tiny_lab, contestant):
    contestant(BreaksAtTheEnd)
    stage = supervised_of(tiny_lab, changes=["student.steps=4"])
    with pytest.raises(StageError, match="nan at step 3 of 4"):
        make(stage, tiny_lab.store)
    assert not tiny_lab.store.has(stage.key)
    assert not tiny_lab.store.folder(stage.key).exists()


def test_a_method_is_called_after_each_step(tiny_lab, contestant):
    contestant(Counts)
    make(supervised_of(tiny_lab, changes=["student.steps=3"]), tiny_lab.store)
    assert [one for one in SEEN if isinstance(one, int)] == [1, 2, 3]


def test_a_revision_of_a_manual_label_is_refused(tiny_lab, contestant):
    contestant(RevisesManualLabels)
    with pytest.raises(StageError, match="manual label"):
        make(student_of(tiny_lab, changes=["student.steps=4"]), tiny_lab.store)


def test_revised_labels_reach_training_and_manual_ones_stay(tiny_lab, contestant):
    contestant(Revises)
    stage = student_of(tiny_lab, changes=["student.steps=20"])
    make(stage, tiny_lab.store)
    late = [batch for batch, progress in SEEN if progress >= 0.5]
    noisy = [batch.label_bijk for batch in late if not batch.is_manual_b.any()]
    clean = [batch.label_bijk for batch in late if batch.is_manual_b.all()]
    assert noisy
    assert clean
    assert all((label_bijk == 2).all() for label_bijk in noisy)
    assert any((label_bijk != 2).any() for label_bijk in clean)
    (changed,) = tiny_lab.store.stage(stage.key)["facts"]["revised_voxels"]
    assert changed > 0


def test_pseudo_labels_are_whole_volumes_of_the_withheld_cases_alone(tiny_lab):
    pseudo = one_of(tiny_lab.plan("densevoxnet").stages(), "pseudo")
    folder = make(pseudo, tiny_lab.store)
    written = {path.name.removesuffix(".nii.gz") for path in (folder / "labels").iterdir()}
    assert written == {case for case, _ in pseudo.images}
    for case in written:
        assert stored_label(folder, case)[0].shape == (20, 16, 12)


def test_a_finished_stage_says_where_it_comes_from(tiny_lab):
    stage = supervised_of(tiny_lab, "densevoxnet")
    folder = make(stage, tiny_lab.store)
    described = json.loads((folder / "stage.json").read_text())
    assert described["settings"] == json.loads(stage.settings)
    assert {"commit", "versions", "machine", "device", "seconds", "peak_memory_mib", "inputs"} <= set(
        described
    )
    facts = described["facts"]
    assert facts["steps"] == 2
    assert facts["voxels_seen"] == 2 * 8**3
    assert facts["network_passes"] == 4
    assert set(described["files"]) == {WEIGHTS, "losses.csv"}
    assert {str(path.relative_to(folder)) for path in Path(folder).rglob("*")} == {
        WEIGHTS,
        "losses.csv",
        "stage.json",
    }


def test_there_is_one_training_step_which_the_checks_of_a_method_use_too():
    """The check of gradients alone does its own backward pass: it looks at what the optimiser would be given."""
    from bench.checks.method import subject
    from bench.stages.training import loop

    root = Path(loop.__file__).parents[2]
    with_backward = {
        str(path.relative_to(root)) for path in root.rglob("*.py") if ".backward()" in path.read_text()
    }
    assert with_backward == {"stages/training/loop.py", "checks/method/outputs.py"}
    assert subject.step is loop.step


def test_a_step_that_gives_no_number_does_not_go_on_to_after_step():
    """An average of weights that are no numbers would hide at which step they became none."""
    from bench.settings.schema import Compute
    from bench.stages.model import Trained
    from bench.stages.training.loop import step

    class Diverges:
        after = ()

        def loss(self, network, batch, progress):
            return network.weight.sum() * float("nan" if progress else 1.0)

        def after_step(self, network, number):
            self.after = (*self.after, number)

    method, network = Diverges(), torch.nn.Linear(2, 1)
    trained = Trained(method, network, Compute(precision="float32"), "cpu")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    losses = [step(trained, None, optimiser, progress=number / 2, number=number + 1) for number in (0, 1)]
    assert [math.isfinite(loss) for loss in losses] == [True, False]
    assert method.after == (1,)
