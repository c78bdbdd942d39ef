"""Installed packages bring methods by entry points: a made distribution on the path stands for one."""

import json
import sys
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.plugins import methods
from bench.plugins.errors import PluginError

SMOOTHING = (Path(__file__).parents[2] / "plugins" / "label_smoothing.py").read_text()


def install(folder, package, version, modules, points):
    """A distribution as pip leaves it: modules, and a dist-info folder beside them."""
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    about = folder / f"{package}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text("\n".join(points) + "\n")
    return folder


def install_smoothing(installed):
    """Version 1.2 of a package that brings the method ``label-smoothing``."""
    points = "[bench.methods]", "label-smoothing = fake_smoothing:LabelSmoothing"
    installed("noisy-fake", "1.2", {"fake_smoothing": SMOOTHING}, *points)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs modules for the length of a test."""
    made = []

    def add(package, version, modules, *points):
        monkeypatch.syspath_prepend(install(tmp_path / package, package, version, modules, points))
        made.extend(modules)

    yield add
    methods.admit([])
    for name in made:
        sys.modules.pop(name, None)


def test_an_installed_method_is_one_of_every_but_not_of_all(installed):
    methods.admit([])
    before = methods.select("every")
    install_smoothing(installed)
    assert methods.select("every") == [*before, "label-smoothing"]
    assert "label-smoothing" not in methods.select("all")
    assert methods.select("label-smoothing,tsman") == ["label-smoothing", "tsman"]
    assert methods.method("label-smoothing").smoothing == 0.1


def test_nothing_of_it_is_imported_until_it_is_asked_for(installed):
    installed(
        "lazy-fake", "1.0", {"fake_lazy": SMOOTHING}, "[bench.methods]", "lazy = fake_lazy:LabelSmoothing"
    )
    methods.admit([])
    methods.select("all")
    methods.method("tsman")
    assert "fake_lazy" not in sys.modules


def test_its_stage_names_package_version_and_source(installed, tiny_lab):
    install_smoothing(installed)
    methods.admit([])
    stage = next(one for one in tiny_lab.plan("label-smoothing").stages() if one.kind == "student")
    origin = json.loads(stage.settings)["method"]["plugin"]
    package, _, source = origin.partition(":")
    assert package == "noisy-fake==1.2"
    assert len(source) == 64
    methods._KNOWN.clear()  # as in a process that was just started
    methods.admit_kept(
        tiny_lab.store.plugins, {origin: "package noisy-fake 1.2"}, stage.document()["settings"]
    )
    assert methods.method_of(stage.spec.method).name == "label-smoothing"


def test_another_version_than_the_planned_one_is_refused(installed, tiny_lab):
    from bench.errors import StageError

    install_smoothing(installed)
    methods.admit([])
    methods.method("label-smoothing")
    other = "noisy-fake==1.1:" + "0" * 64
    settings = {"method": {"name": "label-smoothing", "plugin": other, "settings": {}}}
    with pytest.raises(StageError, match=r"was planned with noisy-fake==1\.1"):
        methods.admit_kept(tiny_lab.store.plugins, {other: "package noisy-fake 1.1"}, settings)


def test_a_broken_package_is_named_and_left_out_of_the_listing(installed, caplog):
    installed(
        "broken-fake", "0.3", {"fake_broken": "import torhc\n"}, "[bench.methods]", "half = fake_broken:Half"
    )
    installed(
        "wrong-fake", "0.4", {"fake_wrong": "def half(): ...\n"}, "[bench.methods]", "other = fake_wrong:half"
    )
    methods.admit([])
    found, broken = methods.listed()
    assert not {"half", "other"} & {one.name for one in found}
    assert any("package broken-fake 0.3, half: expected an entry point that imports" in one for one in broken)
    assert any("package wrong-fake 0.4, other: expected a class" in one for one in broken)
    assert not {"half", "other"} & set(methods.select("every"))
    assert "left out: package broken-fake 0.3, half: expected" in caplog.text
    with pytest.raises(PluginError, match="No module named 'torhc'"):
        methods.select("half")


def test_a_name_that_two_packages_bring_is_refused(installed):
    for package in ("first-fake", "second-fake"):
        installed(package, "1", {package.replace("-", "_"): SMOOTHING}, "[bench.methods]", "twice = x:Y")
    methods.admit([])
    with pytest.raises(
        PluginError, match=r"package first-fake 1.*expected one package that brings it, found 2"
    ):
        methods.method("twice")


def test_a_name_of_bench_cannot_be_taken(installed):
    installed(
        "bold-fake", "1", {"fake_bold": SMOOTHING}, "[bench.methods]", "tsman = fake_bold:LabelSmoothing"
    )
    methods.admit([])
    assert type(methods.method("tsman")).__module__ == "methods.two_stream"
    assert methods.known().count("tsman") == 1


def test_its_name_must_be_that_of_its_entry_point(installed):
    installed("odd-fake", "1", {"fake_odd": SMOOTHING}, "[bench.methods]", "odd = fake_odd:LabelSmoothing")
    methods.admit([])
    with pytest.raises(UsageError, match="expected 'odd', as its entry point says, found 'label-smoothing'"):
        methods.method("odd")


def test_the_command_line_runs_an_installed_method(bench, tmp_path, spheres, tiny):
    import os

    folder = install(
        tmp_path / "site",
        "noisy-fake",
        "1.2",
        {"fake_smoothing": SMOOTHING},
        ["[bench.methods]", "label-smoothing = fake_smoothing:LabelSmoothing"],
    )
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    words = [
        "run",
        "--methods",
        "label-smoothing",
        "--dataset",
        f"decathlon:{spheres}",
        "--xi",
        "0.5",
        "--recipe",
        "smoke",
    ]
    words += [word for one in tiny for word in ("--set", one)]
    done = bench(
        *words,
        "--store",
        tmp_path / "store",
        "--no-mlflow",
        "--jobs",
        "1",
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "store" / "plugins").exists()


SPHERES = """
from pathlib import Path
from bench.data.sources import decathlon
from bench.data.sources.listing import Complaints

def spheres(where, settings, workshop):
    '''Spheres of a package.'''
    return decathlon.listing(Path(where or {folder!r}), Complaints())
"""


def test_an_installed_data_set_is_opened_by_its_name(installed, spheres, tmp_path):
    from bench.data.dataset import DataSettings, Workshop
    from bench.plan.words import datasets_of
    from bench.plugins.datasets import installed_sources

    text = SPHERES.format(folder=str(spheres))
    installed(
        "balls-fake",
        "1",
        {"fake_balls": text, "fake_half": "nothing = 1\n"},
        "[bench.datasets]",
        "balls = fake_balls:spheres",
        "half = fake_half:nothing",
    )
    workshop = Workshop(tmp_path / "data")
    (by_name,) = datasets_of("balls", DataSettings(), workshop)
    (by_folder,) = datasets_of(f"balls:{spheres}", DataSettings(), workshop)
    (plain,) = datasets_of(f"decathlon:{spheres}", DataSettings(), workshop)
    assert by_name == by_folder == plain
    found, broken = installed_sources()
    assert found["balls"].what == "Spheres of a package."
    assert "package balls-fake 1, half: expected" in broken[0]
    with pytest.raises(UsageError, match="Did you mean 'balls'"):
        datasets_of("ball", DataSettings(), workshop)


def test_what_lists_no_data_set_is_named(installed, tmp_path):
    from bench.data.dataset import DataSettings, Workshop
    from bench.plan.words import datasets_of

    installed(
        "odd-fake",
        "2",
        {"fake_list": "def cases(where, settings, workshop):\n    return []\n"},
        "[bench.datasets]",
        "odd = fake_list:cases",
    )
    with pytest.raises(
        UsageError,
        match=r"package odd-fake 2, odd: expected a bench.data.sources.listing.Listing, found \[\]",
    ):
        datasets_of("odd", DataSettings(), Workshop(tmp_path / "data"))


FLIP = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Flip:
    name: ClassVar[str] = "flip"
    what: ClassVar[str] = "labels turned upside down"
    reference: ClassVar[str] = "none"
    limit: ClassVar[str] = "a symmetric structure stays as it is"
    axis: int = 0

    def corrupt(self, clean):
        label_ijk = clean.label_ijk
        return {given}
"""


@pytest.fixture
def flipped(installed):
    from bench.plugins import noise

    def add(given):
        noise._installed.cache_clear()
        installed(
            "flip-fake",
            "1.0",
            {"fake_flip": FLIP.format(given=given)},
            "[bench.noise]",
            "flip = fake_flip:Flip",
        )

    yield add
    noise._installed.cache_clear()


def test_an_installed_noise_is_named_set_and_made(flipped):
    import numpy as np

    from bench.data.noise import corrupt, parse
    from bench.plugins.noise import kinds, origins, simulator
    from bench.settings.serialise import build

    flipped("label_ijk[::-1].copy()")
    assert parse("flip:0.2", kinds()) == [("flip", "0.2")]
    assert origins("markov") == {}
    assert list(origins("flip+markov")["plugins"]) == ["flip"]
    assert origins("flip")["plugins"]["flip"].startswith("flip-fake==1.0:")
    label_ijk = np.arange(3, dtype=np.uint8).repeat(16).reshape(3, 4, 4)
    made = {"flip": build(simulator("flip"), {"axis": 1}, "noise flip")}
    noisy_ijk = corrupt(label_ijk, (1, 1, 1), "flip", 0.2, np.random.default_rng(0), 3, made)
    assert np.array_equal(noisy_ijk, label_ijk[::-1])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("label_ijk[1:]", r"expected labels of 0..2, uint8 \(3, 4, 4\), found uint8 \(2, 4, 4\)"),
        ("label_ijk + 1", "found label 3"),
        ("label_ijk.nothing", "expected an answer, found AttributeError"),
        ("__import__('socket').socket().bind(('', 0))", "expected that it uses no network"),
    ],
)
def test_a_noise_that_answers_amiss_fails_in_a_sentence(flipped, given, why, tmp_path, monkeypatch):
    import numpy as np

    from bench.data.noise.simulator import CleanLabels
    from bench.errors import StageError
    from bench.plugins.noise import simulator

    monkeypatch.chdir(tmp_path)
    flipped(given)
    label_ijk = np.arange(3, dtype=np.uint8).repeat(16).reshape(3, 4, 4)
    clean = CleanLabels(
        label_ijk=label_ijk, spacing_mm=(1, 1, 1), rates_n=np.zeros(3), rng=np.random.default_rng(0)
    )
    with pytest.raises(StageError, match=rf"package flip-fake 1.0, Flip.corrupt: .*{why}"):
        simulator("flip")().corrupt(clean)
    with pytest.raises(StageError, match=r"was planned with flip-fake==0\.9"):
        simulator("flip", "flip-fake==0.9:00")


def test_a_noise_that_takes_other_arguments_is_named_before_anything_is_computed(flipped, monkeypatch):
    from bench.errors import UsageError
    from bench.plugins.noise import simulator

    monkeypatch.setattr(f"{__name__}.FLIP", FLIP.replace("(self, clean)", "(self, label_ijk, rates_n)"))
    flipped("label_ijk")
    with pytest.raises(
        UsageError, match=r"flip\.corrupt: expected a method of one argument.*\(label_ijk, rates_n\)"
    ):
        simulator("flip")
