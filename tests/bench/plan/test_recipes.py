"""The four recipes, TOML files on top of them, and assignments that narrow them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.plan.recipes import RECIPES, recipe
from bench.settings.schema import Cleaning, Optimiser
from bench.settings.serialise import plain
from methods.registry import classes
from tsman.settings import StreamSettings

NAMES = classes()


@pytest.mark.parametrize("name", ["smoke", "quick", "standard", "paper"])
def test_the_four_recipes_resolve_and_are_plain_json(name):
    found = recipe(name, (), NAMES)
    assert found.name == name
    assert json.loads(json.dumps(plain(found))) == plain(found)


def test_the_recipes_take_the_promised_numbers_of_seeds():
    assert {name: make().seeds for name, make in RECIPES.items()} == {
        "smoke": 1,
        "quick": 1,
        "standard": 3,
        "paper": 5,
    }


def test_paper_is_what_the_paper_and_heartseg_print():
    paper = recipe("paper", (), NAMES)
    assert paper.sampling.patch == (64, 64, 64)
    assert paper.sampling.batch == 3
    assert paper.sampling.roi_margin == 10
    assert paper.optimiser == Optimiser(
        kind="sgd", learning_rate=0.05, power=0.9, momentum=0.9, weight_decay=5e-4
    )
    assert paper.teachers.steps == (10_000, 15_000, 20_000)
    assert paper.student.steps == 35_000
    assert paper.distillation.views == "axial-12"
    assert paper.inference.window == "heartseg"
    assert paper.cleaning.resolved(single_pieces=True) == Cleaning(min_component=0.2, fill_holes=True)
    assert paper.stream == StreamSettings()
    assert paper.data.size == "paper"


def test_the_views_of_the_paper_are_twelve_distinct_ones():
    import torch

    from tsman.views import VIEWS

    volume = torch.arange(4 * 4 * 3).reshape(4, 4, 3)
    seen = {view.apply(volume).numpy().tobytes() for view in VIEWS["axial-12"]}
    assert len(seen) == 12


def test_a_changed_recipe_bears_another_name_and_an_equal_change_the_same():
    one = recipe("smoke", ["student.steps=9"], NAMES)
    assert one.student.steps == 9
    assert one.name.startswith("smoke+")
    assert one.name == recipe("smoke", ["student.steps=9"], NAMES).name
    assert one.name != recipe("smoke", ["student.steps=10"], NAMES).name


def test_the_last_assignment_wins():
    assert recipe("smoke", ["student.steps=9", "student.steps=11"], NAMES).student.steps == 11


def test_a_setting_that_begins_with_a_methods_name_is_that_methods():
    found = recipe("smoke", ["tsman.attention.f4=false", "deep-level-set.stop_above=0.9"], NAMES)
    assert found.methods == {"tsman": {"attention": {"f4": False}}, "deep-level-set": {"stop_above": 0.9}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("student.stepz=5", "steps"),
        ("studnet.steps=5", "student"),
        ("student=5", "student"),
        ("student.steps=many", "student.steps"),
        ("student.steps.more=5", "steps"),
        ("optimiser.kind=adam", "optimiser.kind"),
        ("sampling.patch=[16,16]", "patch"),
        ("sampling.patch=[10,10,10]", "patch"),
        ("methods.nobody.x=1", "nobody"),
        ("tsman=5", "tsman"),
        ("inference.window=half", "window"),
        ("cleaning.fill_holes=1", "fill_holes"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_named(change, named):
    with pytest.raises(UsageError, match=named):
        recipe("smoke", [change], NAMES)


@pytest.mark.parametrize(
    "change",
    [
        "student.steps=0",
        "student.steps=-5",
        "teachers.steps=[]",
        "teachers.steps=[4,0]",
        "compute.threads=0",
        "compute.threads=-1",
        "optimiser.learning_rate=nan",
        "optimiser.learning_rate=-0.1",
        "inference.overlap=1.0",
        "inference.overlap=-0.5",
        "inference.batch=0",
        "cleaning.min_component=-1",
        "stream.growth=0",
        "stream.dropout=1.5",
        "seeds=0",
        "seeds=-1",
        "name=../../elsewhere",
        "data.size=huge",
        "data.first_seed=-1",
        "tsman.x=2020-01-01",
    ],
)
def test_a_value_of_the_right_kind_that_makes_no_sense_is_refused(change):
    with pytest.raises(UsageError):
        recipe("smoke", [change], NAMES)


@given(
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(
                ["student.steps", "tsman.floor", "sampling.patch", "student", "name", "x", "methods"]
            ),
            st.one_of(
                st.text(max_size=8),
                st.integers().map(str),
                st.floats().map(str),
                st.dates().map(str),
                st.sampled_from(["[1,2,3]", "{a = 1}", "true", "'a'", "[[1]]", "{}", "1979-05-27T07:32:00Z"]),
            ),
        ),
        min_size=1,
        max_size=2,
    )
)
def test_any_assignment_gives_a_recipe_or_a_sentence(changes):
    try:
        found = recipe("smoke", changes, NAMES)
    except UsageError:
        return
    json.dumps(plain(found), sort_keys=True)


def test_a_toml_file_narrows_its_base_and_gives_its_name(tmp_path):
    path = tmp_path / "my own.toml"
    path.write_text('base = "smoke"\n[student]\nsteps = 5\n[decoupling]\nwarm_up = 0.1\n')
    found = recipe(str(path), ["teachers.steps=[1]"], NAMES)
    assert found.name.startswith("my-own")
    assert found.student.steps == 5
    assert found.teachers.steps == (1,)
    assert found.methods == {"decoupling": {"warm_up": 0.1}}
    assert found.sampling == RECIPES["smoke"]().sampling


def test_a_toml_file_without_a_base_narrows_quick(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[student]\nsteps = 5\n")
    assert recipe(str(path), (), NAMES).sampling == RECIPES["quick"]().sampling


def test_two_toml_files_of_one_name_and_different_settings_are_not_taken_for_one(tmp_path):
    found = []
    for folder, steps in (("a", 5), ("b", 6)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "mine.toml"
        path.write_text(f"[student]\nsteps = {steps}\n")
        found.append(recipe(str(path), (), NAMES).name)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[student]\nstepz = 5\n", "stepz"),
        ("nonsense", "not TOML"),
        ('base = "smok"\n', "smoke"),
        ("base = 5\n", "base"),
        ("[nobody]\nx = 5\n", "nobody"),
        ("student = 5\n", "student"),
        ('name = "../elsewhere"\n', "name"),
    ],
)
def test_a_toml_file_with_a_mistake_is_refused_and_the_mistake_named(tmp_path, text, named):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        recipe(str(path), (), NAMES)


def test_a_recipe_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        recipe(str(tmp_path / "none.toml"), (), NAMES)
    with pytest.raises(UsageError, match="Did you mean 'paper'"):
        recipe("papr", (), NAMES)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        recipe(str(tmp_path / "folder.toml"), (), NAMES)
