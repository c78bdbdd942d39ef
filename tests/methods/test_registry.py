"""Names choose methods, and naming them stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from methods import registry
from methods.deep_level_set import DeepLevelSetMethod
from methods.two_stream import TwoStreamMethod
from tsman.settings import AttentionSettings

LIGHT = """
import sys
from methods import registry
for name in registry.METHODS:
    registry.describe(registry.method(name))
print(*sorted({"torch", "scipy", "numpy", "monai"} & set(sys.modules)))
"""


def test_naming_and_describing_every_method_imports_no_torch():
    answer = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_the_papers_four_are_registered():
    assert registry.PAPER == ("tsman", "decoupling", "deep-level-set", "densevoxnet")
    assert set(registry.PAPER) <= set(registry.METHODS)


@pytest.mark.parametrize("name", list(registry.METHODS))
def test_a_method_is_called_what_the_table_calls_it(name):
    assert registry.method(name).name == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", ["tsman", "decoupling", "deep-level-set", "densevoxnet"]),
        ("every", list(registry.METHODS)),
        ("densevoxnet, tsman", ["densevoxnet", "tsman"]),
        ("tsman,all,tsman", ["tsman", "decoupling", "deep-level-set", "densevoxnet"]),
        ("all,!decoupling", ["tsman", "deep-level-set", "densevoxnet"]),
        ("!tsman,!decoupling", ["deep-level-set", "densevoxnet"]),
    ],
)
def test_words_choose(text, names):
    assert registry.select(text) == names


def test_a_plug_in_joins_the_groups_and_can_be_named():
    extra = {"mine": TwoStreamMethod()}
    assert registry.select("all", extra) == [*registry.PAPER, "mine"]
    assert registry.select("every,!tsman", extra)[-1] == "mine"
    assert registry.select("mine", extra) == ["mine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tsmn", "unknown method 'tsmn'; did you mean 'tsman'"),
        ("all,!densvoxnet", "did you mean 'densevoxnet'"),
        ("!all", "unknown method 'all'"),
        ("", "chooses no method"),
        ("tsman,!tsman", "chooses no method"),
    ],
)
def test_words_that_choose_nothing_are_refused_with_the_nearest(text, said):
    with pytest.raises(ValueError, match=said):
        registry.select(text)


def test_what_cannot_be_trained_on_the_data_says_why():
    why = {name: registry.why_unfit(registry.method(name), 1, 3) for name in registry.METHODS}
    assert [name for name, reason in why.items() if reason] == ["mme"]
    assert "at least 2 image channels, not 1" in why["mme"]
    assert not any(registry.why_unfit(registry.method(name), 4, 5) for name in registry.METHODS)


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'deep-level-set'"):
        registry.method("deep_level_set")


@pytest.mark.parametrize("name", list(registry.METHODS))
def test_a_description_is_plain_json(name):
    description = registry.describe(registry.method(name))
    assert json.loads(json.dumps(description)) == description
    assert list(description) == ["name", "version", "reference", "networks", "capabilities", "settings"]


def test_a_description_shows_a_changed_setting_and_the_capabilities():
    changed = replace(TwoStreamMethod(), attention=AttentionSettings(f3=False))
    assert registry.describe(changed)["settings"]["attention"]["f3"] is False
    assert registry.describe(changed)["capabilities"] == [
        "ParameterGroups",
        "Doubts",
        "Weighs",
        "StartsAtTeachers",
        "DependsOnStart",
    ]
    assert "Revises" in registry.describe(DeepLevelSetMethod())["capabilities"]


@dataclass(frozen=True)
class Bare:
    """A plug-in that declares nothing."""

    name: str = "bare"
    version: int = 1
    reference: str = "none"
    networks: int = 1

    def network(self, channels, classes, stream): ...

    def loss(self, network, batch, progress): ...

    def probabilities(self, network, image_bcijk): ...


def test_a_bare_plug_in_has_no_capabilities():
    assert registry.describe(Bare())["capabilities"] == []


def test_a_lookup_imports_that_method_alone():
    code = (
        "import sys; from methods import registry; found = registry.classes({'mine': int})\n"
        "assert len(found) == len(list(found)) == len(registry.METHODS) + 1 and found['mine'] is int\n"
        "found['gce']\n"
        "print(*(name for name, entry in registry.METHODS.items() if entry.module in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Both are defined in one file.
    assert run.stdout.split() == ["gce", "truncated-gce"]
