"""`bench tune`: a declared budget of development trainings, kept as rows, resumed, and equal or not ranked."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from bench.cli.tune import trials
from bench.cli.tune.trials import Trial, best_of, nested, proposed, space_of
from bench.errors import DataError, UsageError
from bench.plan.recipes import recipe
from bench.settings.serialise import plain
from methods import registry
from methods.dense_vox_net import DenseVoxNetMethod
from methods.search import Choice, Range

PLUGIN = """
from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod
from methods.search import Range


@dataclass(frozen=True, kw_only=True)
class Mine(DenseVoxNetMethod):
    name: ClassVar[str] = "mine"
    search_space: ClassVar = {"nothing_like_it": Range(0.0, 1.0)}
"""


@dataclass(frozen=True, kw_only=True)
class Tunable(DenseVoxNetMethod):
    name: ClassVar[str] = "tunable"
    search_space: ClassVar = {"rate": Range(0.0, 1.0), "networks": Range(1, 3), "kind": Choice(("a", "b"))}

    rate: float = 0.5
    kind: str = "a"


@pytest.mark.parametrize("name", list(registry.METHODS))
def test_every_declared_search_space_is_one_of_settings_that_the_method_has(name):
    method = registry.method(name)
    if not hasattr(method, "search_space"):
        with pytest.raises(UsageError, match="declares no search_space: it has nothing to tune"):
            space_of(method)
        return
    for start in ("teachers", "fresh"):
        settled = method.resolved(start) if hasattr(method, "resolved") else method
        for setting in space_of(settled):
            assert isinstance(trials.default_of(settled, setting), bool | int | float | str)


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"rote": Range(0, 1)}, "search space of broken: unknown setting 'rote'; 'rote' is none of networks"),
        ({"rate.deep": Range(0, 1)}, "unknown setting 'rate.deep'; 'deep' is none of none"),
        ({"networks": Range(0, 3)}, "networks 0 must be in 1..100"),
        ({"networks": Choice(("many", "few"))}, "networks is 'many'; expected a whole number"),
        ({"rate": 0.5}, "rate is 0.5; expected a Range or a Choice"),
    ],
)
def test_a_search_space_that_the_settings_do_not_have_is_refused(space, sentence):
    @dataclass(frozen=True, kw_only=True)
    class Broken(Tunable):
        name: ClassVar[str] = "broken"
        search_space: ClassVar = space

    with pytest.raises(UsageError, match=sentence):
        space_of(Broken())


@pytest.mark.parametrize(
    "wrong",
    [lambda: Range(1, 1), lambda: Range(0, float("inf")), lambda: Range(0.0, 1.0, log=True), lambda: Choice(("a",)), lambda: Choice((1, 1))],
)  # fmt: skip
def test_what_is_no_range_and_no_choice_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong()


def test_the_first_trial_is_the_defaults_and_the_rest_lie_in_the_space_and_hang_on_what_was_made():
    method, space = Tunable(), space_of(Tunable())
    made = []
    for number in range(14):
        settings = proposed(method, space, made, seed=3)
        made.append(Trial(number, settings, None if number == 5 else settings["rate"]))
    assert made[0].settings == {"rate": 0.5, "networks": 2, "kind": "a"}
    assert all(0 <= t.settings["rate"] <= 1 and t.settings["networks"] in (1, 2, 3) for t in made)
    assert {type(t.settings["networks"]) for t in made} == {int}
    assert {t.settings["kind"] for t in made} == {"a", "b"}
    assert proposed(method, space, made[:9], seed=3) == made[9].settings, (
        "an interrupted search goes on alike"
    )
    assert proposed(method, space, made[:9], seed=4) != made[9].settings
    best = best_of(made)
    assert best.value == max(t.value for t in made if t.value is not None)
    assert best_of([made[5]]) is None


def test_trials_are_read_as_they_were_written_and_others_refused(tmp_path):
    space = {"q": Range(0.0, 1.0)}
    made = [
        Trial(0, {"q": 0.7}, 0.125, "scores-1"),
        Trial(1, {"q": 0.5}, None, "scores-2", "it broke, badly"),
    ]
    trials.write(tmp_path, made)
    assert trials.read(tmp_path, space) == made
    with pytest.raises(DataError, match="has other trials than this search makes; remove it to begin anew"):
        trials.read(tmp_path, {"r": Range(0.0, 1.0)})
    (tmp_path / trials.FILE).write_text("trial,status\n0,ok\n")
    with pytest.raises(DataError, match="is no table of trials"):
        trials.read(tmp_path, space)
    assert nested({"a.b": 1, "a.c.d": 2, "e": 3}) == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["densevoxnet"], "bench: method 'densevoxnet' declares no search_space"),
        (["gce", "--first-seed", "0"], "--first-seed 0 is the benchmark's data; development begins at 1000"),
        (["gce", "--set", "data.first_seed=0"], "--set data.first_seed=0 is said by --first-seed here"),
        (["gce", "--dataset", "hvsmr2016:x"], "has no development seeds; tune on one phantom"),
        (["gce", "--trials", "0"], "--trials 0 must be in 1..1000"),
        (["gce", "--metric", "iou"], "unknown metric 'iou'"),
        (["gce", "--recipe", "mine.toml"], "unknown recipe 'mine.toml'"),
        (["gcee"], "unknown method 'gcee'. Did you mean 'gce'?"),
    ],
)
def test_what_is_no_search_on_development_data_is_a_sentence(bench, tmp_path, words, sentence):
    done = bench("tune", *words, "--store", tmp_path / "r", cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""


def test_a_plug_in_whose_settings_lack_its_search_space_is_a_sentence(bench, tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    done = bench("tune", "mine", "--plugin", "mine.py", "--store", "r", cwd=tmp_path)
    assert done.returncode == 2
    assert "search space of mine: unknown setting 'nothing_like_it'" in done.stderr


def test_without_optuna_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'tsman-bench\[tune\]'"):
        proposed(Tunable(), space_of(Tunable()), [Trial(0, {}, 0.0)], seed=0)


def test_unequal_budgets_are_refused_before_anything_is_ranked(bench, tmp_path):
    words = ["run", "--recipe", "smoke", "-n", "--store", tmp_path / "r"]
    both = ["--methods", "gce,sce,densevoxnet"]
    done = bench(*words, *both, "--set", "tuning.gce=20", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "tuning budgets differ: 20 trainings of gce, 0 of sce; a ranking needs equal budgets" in done.stderr
    )
    alone = bench(*words, "--methods", "sce", "--set", "tuning.gce=20", cwd=tmp_path)
    assert alone.returncode == 2, "the results of one recipe are ranked together"
    equal = bench(*words, *both, "--set", "tuning.gce=20", "--set", "tuning.sce=20", cwd=tmp_path)
    assert equal.returncode == 0, equal.stderr
    unknown = bench(*words, *both, "--set", "tuning.gcee=20", cwd=tmp_path)
    assert (unknown.returncode, "unknown method 'gcee'" in unknown.stderr) == (2, True)


def test_a_recipe_that_says_nothing_of_tuning_holds_nothing_of_it():
    classes = registry.classes()
    assert "tuning" not in plain(recipe("smoke", [], classes))
    assert plain(recipe("smoke", ["tuning.gce=2"], classes))["tuning"] == {"gce": 2}


def test_two_trials_are_kept_and_a_third_is_all_that_a_larger_budget_makes(bench, tmp_path):
    pytest.importorskip("optuna")
    words = ["tune", "gce", "--recipe", "smoke", "--store", tmp_path / "r", "--jobs", "1"]
    first = bench(*words, "--trials", "2", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    assert (said["budget"], len(said["trials"])) == (2, 2)
    assert said["trials"][0]["settings"] == {"q": 0.7, "warm_up": 0.0}
    again = json.loads(bench(*words, "--trials", "3", "--json", cwd=tmp_path).stdout)
    assert again["trials"][:2] == said["trials"]
    with Path(again["records"]).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert not (tmp_path / "r" / "records.csv").exists(), "no trial is among the results"
    best = tomllib.loads((tmp_path / again["recipe"]).read_text(encoding="utf-8"))
    assert best["tuning"] == {"gce": 3}
    assert best["gce"] == again["trials"][again["best"]]["settings"]
    planned = bench("run", "--methods", "gce", "--recipe", again["recipe"], "-n", "--json", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
