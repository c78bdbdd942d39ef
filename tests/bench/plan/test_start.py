"""Students that start at trained teachers: which teachers, with what settings and steps, and who cannot."""

import json

import pytest
import torch

from bench.errors import UsageError
from bench.execution.execute import execute
from bench.plan.experiments import Noise, free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.records.costs import charges, scored_students
from bench.stages.model import begin, opened
from bench.store.store import Store
from bench.store.titles import title
from methods.registry import METHODS, classes, method
from tsman.network import streams_of
from tsman.settings import StreamSettings

WITHOUT = {"unet-2d", "unet-3d", "mme", "dast"}
"""Methods whose networks do not consist of a teacher's streams."""
STARTS = ("student.start=auto", "student.learning_rate=0.002", "teachers.steps=[1,2,3]", "student.steps=2")


@pytest.fixture(scope="module")
def lab(tmp_path_factory, spheres, tiny):
    from bench.data.catalogue import open_dataset
    from bench.data.dataset import DataSettings, remember

    store = Store(tmp_path_factory.mktemp("start") / "store")
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), store.workshop)
    remember(dataset, store.workshop)

    def plan(*changes, methods=("tsman",), noises=(), labelled_only=False):
        chosen = recipe("smoke", [*tiny, *STARTS, *changes], classes())
        chosen = resolved(chosen, device="cpu", native_bfloat16=False)
        part = free_part(methods, ("0.5",), chosen, noises, labelled_only=labelled_only)
        return Sweep(chosen, (part,), (0,), (dataset,)).stages()

    return store, plan


def students(stages):
    return [one for one in stages if one.kind == "student"]


def mixed(stages):
    """The students at ξ < 1."""
    return [one for one in students(stages) if "pseudo" in dict(one.inputs)]


def settings(stage):
    return json.loads(stage.settings)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_that_says_it_starts_at_teachers_consists_of_their_streams(name):
    stream = StreamSettings(stem=2, growth=2, units=1, decoder=(2, 2))
    one = method(name)
    says = getattr(one, "starts_at_teachers", False)
    assert says == (name not in WITHOUT)
    if says:
        assert 1 <= len(streams_of(one.network(1, 3, stream))) <= one.networks


def test_the_networks_start_at_the_teachers_of_most_steps_in_turn(lab):
    _, plan = lab
    for student in students(plan()):
        inputs = dict(student.inputs)
        assert [settings(inputs[name])["member"] for name in ("start01", "start02")] == [3, 2]
        assert [one["member"] for one in settings(student)["start"]] == [3, 2]


def test_a_student_on_all_manual_labels_starts_at_teachers_of_all_manual_labels(lab):
    _, plan = lab
    (full,) = [one for one in students(plan()) if "pseudo" not in dict(one.inputs)]
    for name in ("start01", "start02"):
        assert dict(full.inputs)[name].labels == full.labels


def test_the_weights_before_the_first_step_are_the_teachers(lab):
    store, plan = lab
    stages = plan("optimiser.kind=sgd", "student.learning_rate=1e-30", "optimiser.weight_decay=0")
    for stage in stages:
        execute(stage.document(), store, run="test", device="cpu")
    (student,) = mixed(stages)
    trained = opened(store.folder(student.key), student.spec, "cpu")
    inputs = dict(student.inputs)
    for place, stream in enumerate(streams_of(trained.network), start=1):
        teacher = inputs[f"start{place:02d}"]
        (own,) = streams_of(opened(store.folder(teacher.key), teacher.spec, "cpu").network)
        kept = dict(own.named_parameters())
        assert all(torch.equal(weight, kept[name]) for name, weight in stream.named_parameters())
    fresh = streams_of(begin(student.spec, "cpu").network)[0]
    assert not all(
        torch.equal(one, other)
        for one, other in zip(fresh.parameters(), streams_of(trained.network)[0].parameters(), strict=True)
    )
    row = next(
        one
        for one in charges(store, scored_students(store, store.keys("scores")))
        if one["role"] == "supervised"
    )
    assert row["start"] == "teachers"
    assert row["passes_teachers_alone"] == 2 + 3  # the two teachers of all manual labels that it starts at


def test_the_learning_rate_of_students_is_that_of_a_start_at_teachers_alone(lab):
    _, plan = lab
    stages = plan(methods=("densevoxnet", "unet-3d"))
    rates = {
        settings(one)["method"]["name"]: settings(one)["optimiser"]["learning_rate"]
        for one in students(stages)
    }
    assert rates["densevoxnet"] == 0.002
    assert (
        rates["unet-3d"]
        == settings(next(one for one in stages if one.kind == "teacher"))["optimiser"]["learning_rate"]
    )


def test_who_cannot_start_at_teachers_has_the_steps_of_a_teacher_more(lab):
    _, plan = lab
    stages = plan(methods=("densevoxnet", "unet-3d"))
    steps = {settings(one)["method"]["name"]: settings(one)["steps"] for one in students(stages)}
    assert steps == {"densevoxnet": 2, "unet-3d": 2 + 3}
    assert not any(
        "start" in settings(one) for one in students(stages) if settings(one)["method"]["name"] == "unet-3d"
    )


def test_a_start_that_is_demanded_is_refused_by_name(lab):
    _, plan = lab
    with pytest.raises(UsageError, match="unet-3d cannot start at teachers"):
        plan("student.start=teachers", methods=("densevoxnet", "unet-3d"))
    with pytest.raises(
        UsageError, match=r"densevoxnet cannot start at teachers.* 2 networks and the recipe 1"
    ):
        plan("student.start=teachers", "teachers.steps=[3]", methods=("densevoxnet",))


def test_an_unknown_start_is_refused(tiny):
    with pytest.raises(UsageError, match=r"student\.start is 'pretrained'"):
        recipe("smoke", [*tiny, "student.start=pretrained"], classes())


def test_under_injected_noise_students_start_fresh_unless_asked(lab):
    _, plan = lab
    noises = (Noise("markov", "0.2"),)
    (fresh,) = mixed(plan(noises=noises))
    assert "start" not in settings(fresh)
    assert settings(fresh)["steps"] == 2 + 3
    (asked,) = mixed(plan("student.start=teachers", noises=noises))
    assert len(settings(asked)["start"]) == 2
    assert settings(asked)["steps"] == 2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tsman", ("loss_attention", "warm_up")), ("decoupling", ("warm_up",)),
        ("gce", ("warm_up",)), ("truncated-gce", ("warm_up",)),
    ],
)  # fmt: skip
def test_a_start_at_teachers_needs_no_warm_up_unless_one_is_set(lab, name, path):
    _, plan = lab

    def warm_up(*changes):
        (student,) = mixed(plan(*changes, methods=(name,)))
        value = settings(student)["method"]["settings"]
        for key in path:
            value = value[key]
        return value

    assert warm_up() == 0.0
    assert warm_up("student.start=fresh") == 0.5
    assert warm_up(f"{name}.{'.'.join(path)}=0.3") == 0.3


def test_a_fresh_recipe_plans_no_teachers_of_all_manual_labels(lab):
    _, plan = lab
    stages = plan("student.start=fresh")
    assert not any("start" in settings(one) for one in students(stages))
    assert {len(one.labels) for one in stages if one.kind == "teacher"} == {len(mixed(stages)[0].labels)}


def test_methods_on_the_manual_labels_alone_are_references_on_request(lab):
    store, plan = lab
    before, stages = plan(), plan(labelled_only=True)
    assert {one.key for one in before} < {one.key for one in stages}
    (alone,) = [one for one in students(stages) if len(one.images) < len(mixed(stages)[0].images)]
    assert alone.images == tuple(one for one in mixed(stages)[0].images if one[0] in dict(alone.labels))
    assert "manual labels alone" in title(alone)
    scored = [
        settings(one)["identity"] for one in stages
        if one.kind == "scores" and dict(one.inputs)["of"].key == alone.key
    ]  # fmt: skip
    assert [(one["role"], one["method"], one["xi"]) for one in scored] == [("labelled-only", "tsman", "0.5")]
    assert store is not None
