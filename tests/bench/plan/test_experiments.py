"""What a published table or figure asks for: which stages, which of them are shared, and what is refused."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.data.dataset import TUMOUR, CaseFiles, Dataset
from bench.errors import UsageError
from bench.plan.experiments import EXPERIMENTS, NINE, WHOLE, chosen, free_part, resolved_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.store.stage import in_order
from bench.store.titles import title
from methods.registry import METHODS, PAPER, classes

TRAIN = tuple(f"train_{number}" for number in range(10))
TEST = ("test_0", "test_1")


def heart():
    files = {case: CaseFiles((f"{case}.nii",), f"{case}_label.nii", case, case) for case in TRAIN + TEST}
    return Dataset("heart", ("MRI",), ("wall", "blood"), files, TRAIN, TEST)


def tumour():
    return replace(heart(), name="tumour", structures=TUMOUR, channels=("Flair", "T1", "T1c", "T2"))


def planned(words, *datasets, changes=(), seeds=(0,)):
    found = resolved(recipe("smoke", changes, classes()), device="cpu", native_bfloat16=False)
    plans = chosen(words)
    parts = tuple(resolved_part(plan, found) for plan in plans.values())
    return Sweep(found, parts, seeds, datasets or (heart(),), tuple(plans))


def swept(*names, xis, datasets=None):
    found = resolved(recipe("smoke", (), classes()), device="cpu", native_bfloat16=False)
    return Sweep(found, (free_part(names, xis, found),), (0,), datasets or (heart(),))


def scored(sweep):
    """Identity and scored stage of every scores stage."""
    stages = [one for one in sweep.stages() if one.kind == "scores"]
    whose = [json.loads(one.settings)["identity"] for one in stages]
    return [
        SimpleNamespace(**who, of=dict(one.inputs)["of"], stage=one)
        for who, one in zip(whose, stages, strict=True)
    ]


def keys(sweep):
    return {one.key for one in sweep.stages()}


def test_table_1_has_each_teacher_alone_and_all_together_through_one_view_and_through_all():
    found = [(one.xi, one.variant, one.member) for one in scored(planned("table1")) if one.role == "pseudo"]
    ways = [*((v, m) for v in ("single", "dd") for m in "123"), ("md", ""), ("hd", "")]
    assert sorted(found) == sorted((xi, *way) for xi in ("0.3", "0.5", "0.8") for way in ways)


def test_table_1_asks_each_way_of_its_own_teachers_and_views():
    sweep = planned("table1", changes=("distillation.views=axial-12",))
    found = {
        (one.variant, one.member): one.of for one in scored(sweep) if one.role == "pseudo" and one.xi == "0.3"
    }
    for (variant, member), stage in found.items():
        teachers = [json.loads(one.settings)["member"] for _, one in stage.inputs]
        assert teachers == ([int(member)] if member else [1, 2, 3])
        views = json.loads(stage.settings)["distillation"]["views"]
        assert views == ("axial-12" if variant in ("dd", "hd") else "identity")


def test_the_hierarchical_labels_of_table_1_are_those_that_a_free_sweep_trains_on():
    free = swept("tsman", xis=("0.3",))
    (mixed,) = [one.of.key for one in scored(free) if one.role == "pseudo"]
    hierarchical = [one for one in scored(planned("table1")) if one.variant == "hd" and one.xi == "0.3"]
    assert [one.of.key for one in hierarchical] == [mixed]


def test_table_2_trains_each_ablation_once_and_takes_the_whole_from_the_sweep():
    students = {one.variant: one.of.key for one in scored(planned("table2")) if one.role == "student"}
    assert list(students) == ["baseline", "f4", "f34", "f234", "f1234", "f4-unsmoothed"]
    assert len(set(students.values())) == 6
    (whole,) = [one.of.key for one in scored(swept("tsman", xis=("0.3",))) if one.role == "student"]
    assert students["f1234"] == whole


def test_an_ablation_keeps_what_the_recipe_sets_beside_it():
    changes = ("tsman.attention.gain=plain", "tsman.attention.f3=true", "tsman.loss_attention.warm_up=0.25")
    found = {
        one.variant: one.of for one in scored(planned("table2", changes=changes)) if one.role == "student"
    }
    settings = json.loads(found["f4-unsmoothed"].settings)["method"]["settings"]
    assert settings["attention"]["gain"] == "plain"
    assert [settings["attention"][name] for name in ("f1", "f2", "f3", "f4")] == [False, False, False, True]
    assert settings["loss_attention"]["smooth"] is False
    assert settings["loss_attention"]["warm_up"] == 0.25


def test_figure_6_is_the_free_sweep_of_all_methods_over_every_share():
    assert keys(planned("figure6")) == keys(swept(*PAPER, xis=NINE))


def test_the_whole_paper_shares_what_its_tables_and_figures_have_in_common():
    hearts = [name for name, plan in EXPERIMENTS.items() if plan.benchmark == "hvsmr"]
    whole = planned(WHOLE)
    assert keys(whole) == set().union(*(keys(planned(name)) for name in hearts))
    counted = Counter(one.kind for one in whole.stages())
    # nine shares of four methods, their four references, and five ablations beside TSMAN itself
    assert counted["student"] == 9 * 4 + 4 + 5
    assert counted["teacher"] == 9 * 3 + 2  # the references start at two that see all labels
    assert counted["pseudo"] == 9 + 3 * 7


def test_each_part_runs_on_the_data_sets_of_its_benchmark_alone():
    both = planned("table3,table4", heart(), tumour())
    found = {(one.dataset, one.role): set() for one in scored(both)}
    for one in scored(both):
        found[one.dataset, one.role].add(one.method)
    assert found["heart", "supervised"] == set(PAPER)
    assert found["tumour", "supervised"] == {*PAPER, *EXPERIMENTS["table4"].supervised}
    assert found["tumour", "student"] == set(PAPER)


def test_background_is_scored_on_tumours_and_enters_no_key_of_hearts():
    settings = {
        one.dataset: json.loads(one.stage.settings)
        for one in scored(planned("figure3,figure7", heart(), tumour()))
    }
    assert settings["tumour"]["background"] is True
    assert "background" not in settings["heart"]


def test_an_unknown_experiment_is_refused_with_the_nearest_known_one():
    with pytest.raises(UsageError, match=r"unknown experiment 'tabel1'.*Did you mean 'table1'"):
        chosen("table2,tabel1")


def test_the_experiments_name_methods_that_there_are():
    for plan in EXPERIMENTS.values():
        named = {word.partition("/")[0] for word in (*plan.students, *plan.supervised)}
        assert named <= set(METHODS)


def test_pseudo_labels_are_told_apart_by_their_titles():
    titles = [title(one) for one in planned("table1").stages() if one.kind == "pseudo"]
    assert len(set(titles)) == len(titles)
    assert "pseudo labels of teacher 2 through one view, 3 of 10 manual, seed 0" in titles


def test_the_order_of_the_stages_lets_every_input_come_first():
    stages = planned(WHOLE, heart(), tumour()).stages()
    assert [one.key for one in in_order(stages)] == [one.key for one in stages]
    met = set()
    for one in stages:
        assert {needed.key for _, needed in one.inputs} <= met
        met.add(one.key)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--experiment", "table9"), "table9"),
        (("--experiment", "table1", "--methods", "tsman"), "leave --methods tsman out"),
        (("--experiment", "table4", "--dataset", "phantom-heart"), "tumours with BRATS' labels"),
    ],
)
def test_an_experiment_that_cannot_be_ends_with_2(bench, tmp_path, words, named):
    found = bench("run", *words, "--recipe", "smoke", "-n", "--store", tmp_path / "store")
    assert found.returncode == 2, found.stdout
    assert named in found.stderr


def test_an_experiment_can_be_had_at_other_shares(bench, tmp_path):
    words = ("run", "--experiment", "table2", "--xi", "0.5", "--recipe", "smoke", "-n", "--json")
    found = bench(*words, "--store", tmp_path / "store")
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["xi"] == ["0.5"]
    assert said["stages"]["student"]["stages"] == 6


def test_what_no_data_set_is_for_is_left_out_with_a_line(bench, tmp_path):
    words = ("run", "--experiment", "table1,table4", "--dataset", "phantom-heart", "--recipe", "smoke", "-n")
    found = bench(*words, "--store", tmp_path / "store")
    assert found.returncode == 0, found.stderr
    assert "left out table4: wants a data set with tumours" in found.stdout


def test_every_takes_what_fits_the_data_and_names_what_does_not(bench, tmp_path, spheres):
    words = ("run", "--dataset", f"decathlon:{spheres}", "--xi", "0.5", "--recipe", "smoke", "-n")
    found = bench(*words, "--methods", "every", "--store", tmp_path / "store")
    assert found.returncode == 0, found.stderr
    assert (
        "left out mme on spheres: it fuses modalities and needs at least 2 image channels, not 1"
        in found.stdout
    )
    told = bench(*words, "--methods", "mme,tsman", "--store", tmp_path / "store")
    assert told.returncode == 2
    assert "mme on spheres" in told.stderr
