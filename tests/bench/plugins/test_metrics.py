"""Metrics that installed packages bring: a made distribution on the path stands for one."""

import csv
import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench.errors import StageError, UsageError
from bench.execution.execute import execute
from bench.plan.recipes import recipe
from bench.plugins import metrics
from bench.plugins.errors import PluginError
from bench.settings.schema import Metrics
from bench.settings.serialise import plain
from bench.store.record import failed_rows, planned_rows
from methods.registry import classes
from reports.inputs.records import read
from reports.statistics.case_scores import case_scores

NAME = "volume-difference"
VOLUME = """
import math

class VolumeDifference:
    name = "volume-difference"
    unit = "ml"
    better = "lower"
    best = 0.0

    def worst(self, shape, spacing_mm):
        return math.prod(shape) * math.prod(spacing_mm) / 1000

    def __call__(self, predicted_ijk, reference_ijk, spacing_mm):
        voxels = abs(int(predicted_ijk.sum()) - int(reference_ijk.sum()))
        return voxels * math.prod(spacing_mm) / 1000
"""
SHARE = """
class Share:
    name, unit, better, worst, best = "share", "", "higher", 0.0, 1.0
    {more}

    def __call__(self, predicted_ijk, reference_ijk, spacing_mm):
        {body}
"""
SPACING_MM = (2.0, 5.0, 10.0)  # a voxel is 0.1 ml


def install(folder, package, modules, *points, version="1.0"):
    """A distribution as pip leaves it: modules, and a dist-info folder beside them."""
    about = folder / f"{package}-{version}.dist-info"
    about.mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text("\n".join(["[bench.metrics]", *points]) + "\n")
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs modules for the length of a test."""
    made = []

    def add(package, modules, *points):
        monkeypatch.syspath_prepend(install(tmp_path / package, package, modules, *points))
        made.extend(modules)

    metrics.metric.cache_clear()
    yield add
    metrics.metric.cache_clear()
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def volume(installed):
    """The package that measures volumes."""
    installed("fake-volume", {"fake_volume": VOLUME}, f"{NAME} = fake_volume:VolumeDifference")


@pytest.fixture
def share(installed):
    """A function that installs a metric of a known name with a body of one's own."""

    def add(body="return 0.5", more=""):
        text = SHARE.format(body=body, more=more)
        installed("fake-share", {"fake_share": text}, "share = fake_share:Share")

    return add


def boxes(*sizes):
    """A label map in which structure n has so many voxels, in a volume of 4 x 5 x 6 voxels (12 ml)."""
    label_ijk = np.zeros(120, np.uint8)
    label_ijk[: sum(sizes)] = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    return label_ijk.reshape(4, 5, 6)


def measured(name, predicted_ijk, reference_ijk, structures=(1,)):
    found = metrics.measure(
        [metrics.metric(name)], (predicted_ijk, reference_ijk), SPACING_MM, structures, "hvsmr2016"
    )
    return [(one.structure, one.metric, one.value, one.unit, one.status) for one in found]


def test_a_difference_of_seven_voxels_of_a_tenth_of_a_millilitre_is_0_7_ml(volume):
    found = measured(NAME, boxes(10, 3), boxes(17, 3), (2, 1))
    assert found == [(2, NAME, 0.0, "ml", "ok"), (1, NAME, pytest.approx(0.7), "ml", "ok")]


def test_one_empty_side_is_the_worst_and_two_are_the_best(volume):
    found = measured(NAME, boxes(5, 0), boxes(0, 5), (1, 2, 3))
    assert found == [
        (1, NAME, 12.0, "ml", "empty_reference"),
        (2, NAME, 12.0, "ml", "empty_prediction"),
        (3, NAME, 0.0, "ml", "both_empty"),
    ]


def test_an_empty_mask_is_not_shown_to_a_metric(share):
    share("raise AssertionError('never called')")
    assert measured("share", boxes(0), boxes(9)) == [(1, "share", 0.0, "", "empty_prediction")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return float('nan')", r"expected a finite float up to 1e\+15, found float nan"),
        ("return 1e16", "found float 1e"),
        ("return None", "found NoneType None"),
        ("return 1", "found int 1"),
        ("return '0.5'", "found str '0.5'"),
        ("return reference_ijk.nothing", "expected an answer, found AttributeError: .*line 7"),
        ("predicted_ijk[0] = True", "expected an answer, found ValueError: .*read-only"),
        ("__import__('socket').socket().bind(('', 0))", "expected that it uses no network"),
        ("return -0.1", "expected no value worse than 0, its worst .*, found -0.1"),
    ],
)
def test_what_answers_amiss_fails_with_package_and_member(share, body, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    share(body)
    with pytest.raises(StageError, match=rf"^package fake-share 1\.0, Share\.__call__: .*{why}"):
        measured("share", boxes(5), boxes(5))


def test_a_worst_that_is_not_worse_fails_where_it_hangs_on_the_volume(share):
    share(more="worst = lambda self, shape, spacing_mm: 2.0")
    with pytest.raises(StageError, match=r"Share\.worst: expected a number worse than best, 1, .* found 2"):
        measured("share", boxes(5), boxes(5))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("unit = None", r"Share\.unit: expected a word such as 'ml', or '', found None"),
        ("better = 'more'", r"Share\.better: expected 'higher' or 'lower', found 'more'"),
        ("best = float('inf')", r"Share\.best: expected a finite number up to 1e\+15, found float inf"),
        (
            "worst = 1.5",
            r"Share\.worst: expected a number worse than best, 1, where higher is better, found 1.5",
        ),
        ("worst = best = 1.0", r"Share\.worst: expected a number worse than best"),
        ("name = 'part'", r"Share\.name: expected 'share', as its entry point says, found 'part'"),
        ("__call__ = None; del unit", r"Share\.unit: expected it to be there, found nothing"),
        ("def __init__(self, power): ...", r"Share: expected to be made without arguments, found TypeError"),
        ("import torhc", r"share: expected an entry point that imports, found .*No module named 'torhc'"),
    ],
)
def test_what_is_no_metric_is_refused_before_anything_is_computed(share, more, why):
    share(more=more)
    with pytest.raises(PluginError, match=rf"^package fake-share 1\.0, {why}"):
        recipe("smoke", ['metrics.more=["share"]'], classes())


def test_a_function_is_no_metric_and_a_column_no_name(installed):
    text = SHARE.format(body="return 0.5", more="name = 'case'") + "\ndef half(*given):\n    return 0.5\n"
    installed("fake-odd", {"fake_odd": text}, "half = fake_odd:half", "case = fake_odd:Share")
    with pytest.raises(PluginError, match=r"package fake-odd 1\.0, half: expected a class, found <function"):
        metrics.demand(["half"], "here")
    with pytest.raises(PluginError, match=r"Share\.name: expected small letters.*found 'case'"):
        metrics.demand(["case"], "here")


@pytest.mark.parametrize("name", ["dice", "adb", "hdd", "hd95", "overall", "iou"])
def test_a_metric_of_bench_cannot_be_replaced(installed, name):
    installed("fake-bold", {"fake_bold": VOLUME}, f"{name} = fake_bold:VolumeDifference")
    with pytest.raises(UsageError, match=f"'{name}' is a metric of bench"):
        recipe("smoke", [f'metrics.more=["{name}"]'], classes())


def test_an_unknown_name_is_refused_with_the_nearest(volume):
    with pytest.raises(UsageError, match=r"unknown metric 'volume'. Did you mean 'volume-difference'\?"):
        recipe("smoke", ['metrics.more=["volume"]'], classes())


def test_without_a_package_and_named_twice_it_is_refused(installed):
    with pytest.raises(UsageError, match="no installed package brings a metric, 'volume' neither"):
        recipe("smoke", ['metrics.more=["volume"]'], classes())
    with pytest.raises(UsageError, match="names one twice"):
        recipe("smoke", ['metrics.more=["a", "a"]'], classes())


def test_without_it_settings_and_marks_are_what_they_were():
    assert plain(Metrics()) == {"definition": "hvsmr2016", "compute": "fast"}
    assert plain(replace(Metrics(), more=("a",)))["more"] == ["a"]
    same = recipe("smoke", ["metrics.more=[]"], classes())
    assert "more" not in plain(same)["metrics"]
    # Records of both are of one recipe.
    named = [
        recipe("quick", ["student.steps=7", *more], classes()).name for more in ([], ["metrics.more=[]"])
    ]
    assert named[0] == named[1]


def test_only_scores_hang_on_it_and_name_package_version_and_source(tiny_lab, volume):
    usual = tiny_lab.plan("densevoxnet").stages()
    found = tiny_lab.plan("densevoxnet", changes=(f'metrics.more=["{NAME}"]',)).stages()
    assert {one.kind for one in found if one.key not in {other.key for other in usual}} == {"scores"}
    for one, before in zip(found, usual, strict=True):
        settings = json.loads(one.settings)
        if one.kind == "scores":
            assert settings["metrics"]["more"] == [NAME]
            assert settings["units"] == {NAME: "ml"}
            package, _, source = settings["plugins"][NAME].partition(":")
            assert (package, len(source)) == ("fake-volume==1.0", 64)
            assert not {"plugins", "units"} & json.loads(before.settings).keys()


def test_another_package_than_the_planned_one_fails_the_stage(volume):
    origin = metrics.metric(NAME).origin
    (one,) = metrics.planned([NAME], {NAME: origin})
    assert one.metric.unit == "ml"
    with pytest.raises(
        StageError, match=r"was planned with fake-volume==0\.9:00, and here is fake-volume==1"
    ):
        metrics.planned([NAME], {NAME: "fake-volume==0.9:00"})
    with pytest.raises(StageError, match=r"was planned with gone==1:00, which is not installed here"):
        metrics.planned(["gone"], {"gone": "gone==1:00"})


def test_rows_of_a_failed_stage_have_it_too_in_the_order_of_a_made_one(tiny_lab, volume):
    stages = tiny_lab.plan("densevoxnet", changes=(f'metrics.more=["{NAME}"]',)).stages()
    wanted = next(one for one in stages if one.kind == "scores" and "trained" in json.loads(one.settings))
    needed, todo = set(), [wanted]
    while todo:
        needed.add((one := todo.pop()).key)
        todo += [below for _, below in one.inputs]
    for one in stages:
        if one.key in needed:
            execute(one.document(), tiny_lab.store, run="r", device="cpu")
    failed = [row for row in failed_rows(planned_rows(wanted)) if row.metric == NAME]
    with (tiny_lab.store.folder(wanted.key) / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    made = [row for row in rows if row["metric"] == NAME]
    assert [(row.case, row.structure, row.unit) for row in failed] == [
        (row["case"], row["structure"], row["unit"]) for row in made
    ]
    assert {row["structure"] for row in made} == {"shell", "core"}
    assert [row["metric"] for row in rows[:9]] == [*["dice", "adb", "hdd", NAME] * 2, "overall"]
    assert {(row.value, row.status) for row in failed} == {(None, "failed")}


@pytest.fixture(scope="module")
def told(tmp_path_factory, bench, spheres, tiny):
    """A run of a shell in worker processes with the package installed, and what was in its environment."""
    folder = tmp_path_factory.mktemp("extra")
    site = install(
        folder / "site", "fake-volume", {"fake_volume": VOLUME}, f"{NAME} = fake_volume:VolumeDifference"
    )
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    words = ["run", "--methods", "densevoxnet", "--dataset", f"decathlon:{spheres}", "--xi", "0.5"]
    words += ["--recipe", "smoke", "--no-mlflow", "--jobs", "1", "--store", folder / "store"]
    words += [word for one in (*tiny, f'metrics.more=["{NAME}"]') for word in ("--set", one)]
    done = bench(*words, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    return folder / "store"


def test_every_role_has_a_row_for_each_case_and_structure(told):
    rows = read(told / "records.csv")
    dice, ours = (
        rows[(rows["metric"] == name) & (rows["structure"] != "background")] for name in ("dice", NAME)
    )
    where = ["role", "method", "member", "variant", "xi", "case", "structure", "status"]
    assert sorted(map(tuple, ours[where].to_numpy())) == sorted(map(tuple, dice[where].to_numpy()))
    assert {"teacher", "pseudo", "student"} <= set(ours["role"])
    assert set(ours["unit"]) == {"ml"}
    assert ours["value"].between(0, 20 * 16 * 12 * 3 / 1000).all()


def test_reports_and_comparisons_take_it_without_the_package(told, bench):
    assert NAME in case_scores(read(told / "records.csv"))
    reported = bench("report", "--store", told)
    assert reported.returncode == 0, reported.stderr
    compared = bench("compare", "densevoxnet@0.5", "densevoxnet@1", "--metric", NAME, "--store", told)
    assert compared.returncode == 0, compared.stderr
    assert f"A − B in {NAME}" in compared.stdout
