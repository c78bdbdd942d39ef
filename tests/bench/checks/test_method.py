"""The contract: every method of bench keeps it, and each broken plug-in fails where it is broken, with the reason."""

import json
import re
import tempfile
from pathlib import Path

import pytest
import torch

from bench.checks.method.plugin import failures
from bench.checks.method.side_effects import copies_in
from bench.checks.method.suite import CHECKS, FIRST, held_to_contract, shown_of
from bench.errors import UsageError
from bench.plugins import methods
from bench.plugins.errors import PluginError
from methods import registry
from tsman.network import Independent
from tsman.settings import StreamSettings

PLUGINS = Path(__file__).parents[2] / "plugins"
BROKEN = PLUGINS / "broken"

AT_THE_DOOR = {
    "does_not_import": ("imports", "found ModuleNotFoundError: No module named 'torhc' (line 3)"),
    "not_python": ("imports", "a file that imports, found SyntaxError: expected ':' (line 3)"),
    "no_method": ("members", "expected a class with name, version, reference"),
    "lacks_member": (
        "members",
        "Broken.probabilities: expected a method (network, image_bcijk), found nothing",
    ),
    "wrong_signature": ("members", "found (network, image_bcijk, label_bijk)"),
    "takes_a_name": ("members", "Broken.name: expected one of its own, found 'tsman', a method of bench"),
    "mutable_settings": ("settings", "expected settings that cannot change, found shares, a list"),
}
IN_A_CHECK = {
    "wrong_shape": ("probabilities", "Broken.probabilities: expected probabilities (3, 3, 8, 12, 16), found a float32"),
    "not_summing": ("probabilities", "expected probabilities that sum to one, found sums that are"),
    "nan_loss": ("loss", "Broken.loss: expected a finite number, found nan at 50% of the steps"),
    "vector_loss": ("loss", "expected a scalar tensor, or None to skip the step, found a float32 tensor (2,)"),
    "detached": ("loss", "expected a loss that the network can learn from"),
    "raises": ("loss", "found AttributeError: 'Batch' object has no attribute 'labels' (line 14)"),
    "nan_without_class": ("missing classes", "expected a finite number, found nan"),
    "leaks_labels": ("test labels", "found others after its loss saw the labels"),
    "not_repeatable": ("repeatable", "it draws from a generator of its own, or keeps a state"),
    "seeds_anew": ("global state", "found that it is seeded anew"),
    "same_start": ("network", "expected weights drawn from torch's global generator"),
    "changes_threads": ("global state", "get_num_threads"),
    "not_saved": ("saved", "part of what it learned is neither a parameter nor a buffer"),
    "writes_file": ("files", "the temporary folder and starts no program, found diary.txt opened for writing"),
    "connects": ("files", "expected that it uses no network, since no key of a stage holds what comes from there"),
    "hides_connecting": ("files", "found socket.connect of ('127.0.0.1', 9)"),
    "changes_manual_labels": ("revise", "expected that no manual label is changed, found a new one for case_0"),
    "overwrites_labels": ("revise", "found that of case_0 overwritten in place"),
    "refines_to_labels": ("refine", "Broken.refine: expected probabilities (3, "),
    "refines_in_place": ("refine", "expected what it is given left as it is, found it changed in place"),
    "doubt_out_of_range": ("doubt", "Broken.doubt: expected loss in [0, 1], found values from"),
    "no_gradient": ("gradients", "found none ever for streams.1."),
    "never_learns": ("by heart", "expected one patch by heart: a Dice above 0.9"),
    "undercharged": ("cost", "found 2, and 3 of one shape in its network"),
    "changes_weights": ("weights stay", "expected weights that only the optimiser changes"),
    "studies_badly": ("study", "Broken.study: expected probabilities in [0, 1]"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_before(tmp_path, monkeypatch):
    """No plug-in is left over, and none writes where the tests are, or in what it may take for temporary."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    methods.admit([])


@pytest.mark.parametrize("name", list(registry.METHODS))
def test_every_method_of_bench_keeps_the_contract(name):
    method = registry.method(name)
    found = list(held_to_contract(method, shown_of(method)))
    assert [one.check for one in found] == [*FIRST, *CHECKS]
    assert {one.check: one.why for one in found if one.state == "fail"} == {}


def test_a_method_of_thirty_lines_that_is_not_of_bench_keeps_it_too():
    assert failures(PLUGINS / "label_smoothing.py", "label-smoothing") == []


def test_there_is_a_broken_plug_in_for_every_line_and_a_line_for_each():
    assert {path.stem for path in BROKEN.glob("*.py")} == AT_THE_DOOR.keys() | IN_A_CHECK.keys()


@pytest.mark.parametrize("stem", list(AT_THE_DOOR))
def test_what_is_amiss_before_anything_is_computed_is_named(stem):
    check, why = AT_THE_DOOR[stem]
    with pytest.raises(PluginError, match=re.escape(why)) as raised:
        methods.admit([BROKEN / f"{stem}.py"])
    assert raised.value.check == check
    assert str(raised.value).startswith(f"{stem}.py")


@pytest.mark.parametrize("stem", list(IN_A_CHECK))
def test_what_is_amiss_in_an_answer_is_named(stem, tmp_path):
    check, why = IN_A_CHECK[stem]
    methods.admit([BROKEN / f"{stem}.py"])
    found = list(held_to_contract(methods.method(stem.replace("_", "-")), f"{stem}.py", [check]))
    assert [one.state for one in found] == ["pass"] * len(FIRST) + ["fail"]
    assert why in found[-1].why
    assert found[-1].why.startswith(f"{stem}.py, Broken.")
    written = {path.name for path in tmp_path.iterdir()} - {"temporary"}
    assert written == ({"diary.txt"} if stem == "writes_file" else set())


def test_the_command_says_each_check_and_ends_with_3_where_one_fails(bench, tmp_path):
    done = bench("methods", "check", "no-gradient", "--plugin", BROKEN / "no_gradient.py", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert re.search(r"^gradients +FAIL  no_gradient.py, Broken.loss", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == "no-gradient: 24 checks, 1 failed: gradients"
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_plug_in_that_does_not_import_fails_that_check(bench):
    done = bench("methods", "check", "any", "--plugin", BROKEN / "does_not_import.py", "--json")
    assert done.returncode == 3
    said = json.loads(done.stdout)
    assert (said["method"], said["passed"]) == ("any", False)
    assert [(one["check"], one["state"]) for one in said["checks"]] == [("imports", "fail")]


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        methods.admit([tmp_path / "nothing.py"])


def test_copies_are_counted_whatever_lies_around_them():
    stream = StreamSettings(stem=4, growth=2, units=1, decoder=(4, 4))
    assert copies_in(Independent(1, 3, stream, 3)) == 3
    assert copies_in(torch.nn.Sequential(Independent(1, 3, stream, 2))) == 2
    assert copies_in(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 9))) == 1
