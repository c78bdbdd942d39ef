"""Students of one data set, split, labels and seed draw by the same streams, whatever their method."""

import json

import pytest
import torch

from bench.execution.execute import execute
from bench.plan.recipes import recipe
from bench.seeding import torch_stream
from bench.settings.stage_specs import TrainingSpec
from bench.stages.context import open_lab
from bench.stages.fit import _training_cases
from bench.stages.model import begin
from bench.stages.training.loop import Training
from bench.stages.training.streams import Streams
from methods.registry import METHODS, classes
from tsman.dense_vox_net import DenseVoxNet

OTHERS = {"unet-2d", "unet-3d", "mme"}  # whose networks have no such streams
STREAMED = sorted(set(METHODS) - OTHERS)


@pytest.fixture(scope="module")
def students(tmp_path_factory, spheres, tiny):
    """A planned sweep of every method with a stream on a store whose labels are made, and its students by method."""
    from bench.data.catalogue import open_dataset
    from bench.data.dataset import DataSettings, remember
    from bench.plan.experiments import free_part
    from bench.plan.recipes import resolved
    from bench.plan.sweep import Sweep
    from bench.store.store import Store

    store = Store(tmp_path_factory.mktemp("streams") / "store")
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), store.workshop)
    remember(dataset, store.workshop)

    def plan(*changes, methods=STREAMED, xi="0.5", seed=0):
        chosen = recipe("smoke", [*tiny, "stream.dropout=0.5", *changes], classes())
        chosen = resolved(chosen, device="cpu", native_bfloat16=False)
        stages = Sweep(chosen, (free_part(methods, (xi,), chosen),), (seed,), (dataset,)).stages()
        made = [one for one in stages if one.kind in ("split", "teacher", "pseudo", "judge")]
        return (
            store,
            made,
            {
                json.loads(one.settings)["method"]["name"]: one
                for one in stages
                if one.kind == "student" and len(one.labels) < len(dataset.train)
            },
        )

    return plan


def training(store, stage):
    """A training before its first step."""
    lab = open_lab(stage.document(), store, store.path / "scratch", "cpu")
    streams = Streams.of(lab)
    with streams.initialisation():
        trained = begin(lab.spec_as(TrainingSpec), "cpu")
        return Training(lab, trained, list(_training_cases(lab)), streams)


@pytest.fixture(scope="module")
def trainings(students):
    store, before, planned = students()
    for stage in before:
        execute(stage.document(), store, run="test", device="cpu")
    return {name: training(store, stage) for name, stage in planned.items()}


def first_stream(network):
    """The weights of a network's first stream by name; of two branches on one encoder, those of the encoder."""
    found = [module for module in network.modules() if isinstance(module, DenseVoxNet)]
    if found:
        return found[0].state_dict()
    encoder = network.encoder.state_dict()
    return {f"stages.{name}": tensor for name, tensor in encoder.items()}


def test_every_method_with_a_stream_is_among_them(trainings):
    assert sorted(trainings) == STREAMED
    assert len(STREAMED) >= 20


def test_the_first_stream_starts_with_the_same_weights_in_every_method(trainings):
    reference = first_stream(trainings["densevoxnet"].trained.network)
    for name, one in trainings.items():
        found = first_stream(one.trained.network)
        assert len(found) >= 10, name
        for key, tensor in found.items():
            assert torch.equal(tensor, reference[key]), (name, key)


def test_the_first_batches_are_the_same_in_every_method(trainings):
    batches = {name: [one.sampler.batch(one.trained) for _ in range(4)] for name, one in trainings.items()}
    for name, found in batches.items():
        for one, reference in zip(found, batches["densevoxnet"], strict=True):
            assert torch.equal(one.image_bcijk, reference.image_bcijk), name
            assert torch.equal(one.label_bijk, reference.label_bijk), name
            assert torch.equal(one.is_manual_b, reference.is_manual_b), name


def test_the_same_features_are_dropped_at_each_step_whatever_was_drawn_before(trainings):
    def dropped(name, step, draws):
        one = trainings[name]
        with torch_stream("test", name):
            torch.rand(draws)
            own = one.streams.begin_step(step, "cpu")
            torch.rand(draws, generator=own)  # what a method draws itself shifts nothing
            return torch.nn.functional.dropout(torch.ones(1000), 0.5)

    for step in (1, 2):
        reference = dropped("densevoxnet", step, 3)
        assert torch.equal(dropped("mean-teacher", step, 50), reference)
    assert not torch.equal(dropped("densevoxnet", 1, 3), dropped("densevoxnet", 2, 3))


def test_what_a_method_draws_itself_is_its_own(trainings):
    drawn = {
        name: torch.rand(5, generator=trainings[name].streams.begin_step(1, "cpu")).tolist()
        for name in ("mean-teacher", "tsman", "densevoxnet")
    }
    assert len({tuple(one) for one in drawn.values()}) == 3


def streams_in(planned):
    return {json.loads(stage.settings).get("streams") for stage in planned.values()}


def test_another_seed_or_share_has_other_streams(students):
    found = [streams_in(students(**how)[2]) for how in ({}, {"seed": 1}, {"xi": "0.3"})]
    assert all(len(one) == 1 for one in found)
    assert len(set.union(*found)) == 3


def test_adding_a_method_shifts_nobody(students):
    alone = students(methods=["tsman"])[2]["tsman"]
    beside = students()[2]["tsman"]
    assert alone.key == beside.key


def test_a_setting_of_the_training_does_not_shift_the_streams(students):
    assert streams_in(students()[2]) == streams_in(students("student.steps=9")[2])


def test_independent_streams_are_those_of_the_stage_alone(students):
    store, before, planned = students("seeding=independent", methods=["densevoxnet", "decoupling"])
    for stage in before:
        execute(stage.document(), store, run="test", device="cpu")
    assert streams_in(planned) == {None}
    one, other = (training(store, planned[name]) for name in ("densevoxnet", "decoupling"))
    assert not one.streams.are_common
    assert one.streams.begin_step(1, "cpu") is None
    first, second = (first_stream(each.trained.network) for each in (one, other))
    assert any(not torch.equal(first[key], second[key]) for key in first)
    batches = [each.sampler.batch(each.trained).image_bcijk for each in (one, other)]
    assert not torch.equal(*batches)


def test_an_unknown_seeding_is_refused(bench):
    done = bench("run", "-n", "--recipe", "smoke", "--set", "seeding=mine")
    assert done.returncode == 2
    assert "seeding" in done.stderr
    assert done.stderr.count("\n") == 1
