"""A method that studies its training cases: what it is shown, what its soft targets become, and who judges."""

import json
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from bench.data.patches import pad_background
from bench.data.split import dealt
from bench.errors import StageError, UsageError
from bench.execution.execute import execute
from bench.settings.schema import Sampling
from bench.stages.training.loop import Training
from bench.stages.training.sampler import TrainingCase, cropped
from bench.store.store import Store
from methods import registry
from methods.interface import Studies
from methods.registry import METHODS, Entry

SEEN = []


@dataclass(frozen=True, kw_only=True)
class Studious:
    """Keeps each case's mean in a buffer, and learns from targets that are even among all classes."""

    name: ClassVar[str] = "fake"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = "this test"
    networks: ClassVar[int] = 1
    studies: ClassVar[tuple[float, ...]] = (0.0, 0.5)
    judges: ClassVar[int] = 2

    def network(self, channels, classes, stream):
        made = nn.Sequential(nn.Conv3d(channels, classes, 1), nn.BatchNorm3d(classes))
        made.register_buffer("seen", torch.zeros(()))
        return made

    def loss(self, network, batch, progress):
        SEEN.append((progress, batch))
        return nn.functional.cross_entropy(network(batch.image_bcijk), batch.target_bnijk)

    def probabilities(self, network, image_bcijk):
        return network(image_bcijk).softmax(dim=1)

    def study(self, network, cases, predict, progress):
        targets = {}
        for case in cases:
            SEEN.append((progress, case))
            network.seen += 1
            targets[case.name] = torch.full_like(predict(case.image_cijk), 1 / 3)
        return targets


class Misshapes(Studious):
    def study(self, network, cases, predict, progress):
        return {case.name: case.label_ijk[None].float() for case in cases}


class Unnormalised(Studious):
    def study(self, network, cases, predict, progress):
        return {case.name: torch.ones_like(predict(case.image_cijk)) for case in cases}


@pytest.fixture
def contestant(monkeypatch):
    SEEN.clear()

    def register(kind):
        module = ModuleType("fake_contestant")
        module.Fake = kind
        monkeypatch.setitem(sys.modules, "fake_contestant", module)
        monkeypatch.setattr(registry, "METHODS", {**METHODS, "fake": Entry("fake_contestant", "Fake")})

    return register


def student_of(lab, **plan):
    stages = lab.plan("fake", **plan).stages()
    return next(one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs))


def make(stage, store):
    for _, needed in stage.inputs:
        make(needed, store)
    execute(stage.document(), store, run="test", device="cpu")
    return store.folder(stage.key)


def test_the_fake_keeps_the_protocol():
    assert isinstance(Studious(), Studies)
    assert not isinstance(registry.method("densevoxnet"), Studies)


def test_each_case_is_judged_by_a_network_that_never_saw_its_label(tiny_lab, contestant):
    contestant(Studious)
    stage = student_of(tiny_lab)
    judges = [one for name, one in stage.inputs if name.startswith("judge")]
    assert [one.kind for one in judges] == ["judge", "judge"]
    judged = [set(json.loads(one.settings)["judged"]) for one in judges]
    assert judged[0] | judged[1] == set(tiny_lab.dataset.train)
    assert not judged[0] & judged[1]
    for one, cases in zip(judges, judged, strict=True):
        assert not cases & dict(one.images).keys()
        assert not cases & dict(one.labels).keys()


def test_it_is_shown_every_case_with_the_judges_word_once_and_its_own_targets_after(tiny_lab, contestant):
    contestant(Studious)
    folder = make(student_of(tiny_lab, changes=["student.steps=4"]), tiny_lab.store)
    cases = [(share, one) for share, one in SEEN if hasattr(one, "name")]
    assert [share for share, _ in cases] == [0.0] * len(tiny_lab.dataset.train) + [0.5] * len(
        tiny_lab.dataset.train
    )
    for share, case in cases:
        assert (case.judged_nijk is not None) == (share == 0)
        assert (case.target_nijk is not None) == (share > 0)
        if share == 0:
            assert case.judged_nijk.shape == (3, *case.label_ijk.shape)
            assert torch.allclose(case.judged_nijk.sum(0), torch.ones(()), atol=1e-4)
    batches = [one for _, one in SEEN if hasattr(one, "image_bcijk")]
    assert len(batches) == 4
    for batch in batches:
        inside = batch.target_bnijk[:, 0] < 0.5  # what padding added is background for certain
        assert torch.allclose(batch.target_bnijk.sum(1), torch.ones(()), atol=2e-3)
        assert inside.any()
    described = json.loads((folder / "stage.json").read_text())
    trained = len(tiny_lab.dataset.train)
    # Judges are asked once, the network itself at both studies.
    assert described["facts"]["revision_passes"] == trained + 2 * trained
    from safetensors.torch import load_file

    assert load_file(folder / "network.safetensors")["seen"] == 2 * trained


@pytest.mark.parametrize(
    ("kind", "says"), [(Misshapes, "of shape"), (Unnormalised, "holds no probabilities")]
)
def test_a_target_that_is_none_fails_the_stage(tiny_lab, contestant, kind, says):
    contestant(kind)
    with pytest.raises(StageError, match=says):
        make(student_of(tiny_lab), tiny_lab.store)


class KilledError(Exception):
    pass


def test_killed_after_each_step_it_ends_with_the_same_weights(tiny_lab, contestant, tmp_path, monkeypatch):
    import shutil

    from bench.stages.context import Conduct

    contestant(Studious)
    stage = student_of(tiny_lab, changes=["student.steps=4"])
    unbroken = make(stage, tiny_lab.store)
    advance = Training.advance
    for step in range(1, 5):
        shutil.copytree(tiny_lab.store.path, tmp_path / str(step))
        store = Store(tmp_path / str(step))
        shutil.rmtree(store.folder(stage.key))

        def killed(training, step=step):
            advance(training)
            if training.step == step:
                raise KilledError

        monkeypatch.setattr(Training, "advance", killed)
        with pytest.raises(KilledError):
            execute(stage.document(), store, run="t", device="cpu", conduct=Conduct(checkpoint_seconds=0))
        monkeypatch.setattr(Training, "advance", advance)
        execute(stage.document(), store, run="t", device="cpu")
        for name in ("network.safetensors", "losses.csv"):
            assert (store.folder(stage.key) / name).read_bytes() == (unbroken / name).read_bytes(), step


def test_cases_are_dealt_to_judges_with_equal_shares_of_manual_ones():
    cases = [f"case{number}" for number in range(10)]
    manual = cases[:4]
    parts = dealt(cases, manual, 2, dataset="d", seed=0)
    assert sorted([*parts[0], *parts[1]]) == sorted(cases)
    assert [len(set(part) & set(manual)) for part in parts] == [2, 2]
    assert parts == dealt(cases, manual, 2, dataset="d", seed=0)
    assert parts != dealt(cases, manual, 2, dataset="d", seed=1)
    with pytest.raises(UsageError, match="3 training cases"):
        dealt(cases[:3], manual, 4, dataset="d", seed=0)


def test_a_soft_target_is_cropped_with_its_label_and_padded_with_background():
    rng = np.random.default_rng(0)
    label_ijk = np.zeros((20, 20, 6), np.uint8)
    label_ijk[8:12, 8:12, 2:4] = 1
    target_nijk = rng.dirichlet(np.ones(3), size=label_ijk.shape).transpose(3, 0, 1, 2).astype(np.float16)
    case = TrainingCase(
        "a",
        torch.from_numpy(target_nijk[:1].astype(np.float32)),  # the image, so that both can be compared
        torch.from_numpy(label_ijk),
        is_manual=False,
        target_nijk=torch.from_numpy(target_nijk),
    )
    small = cropped(case, Sampling(patch=(8, 8, 8), batch=1, roi_margin=1))
    assert small.target_nijk.shape == (3, *small.label_ijk.shape)
    inside = slice(1, 7)  # two slices were added, one on either side
    assert torch.equal(small.target_nijk[0, ..., inside].float(), small.image_cijk[0, ..., inside])
    for outside in (0, 7):
        assert torch.equal(small.target_nijk[0, ..., outside], torch.ones(8, 8, dtype=torch.float16))
        assert not small.target_nijk[1:, ..., outside].any()


def test_padding_adds_nothing_where_a_patch_fits():
    target_nijk = np.full((2, 8, 8, 8), 0.5, np.float16)
    assert pad_background(target_nijk, (8, 8, 8)) is target_nijk
