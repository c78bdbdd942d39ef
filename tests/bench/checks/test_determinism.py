"""What could break determinism on a GPU is named as PyTorch documents it; on the CPU the flag changes nothing."""

import json
import re
import warnings
from importlib import metadata

import pytest

from bench.checks.determinism import MADE_DETERMINISTIC, READ_FROM, WITHOUT, documented, operations_of
from bench.execution.deterministic import deterministically
from bench.execution.execute import execute
from bench.plan.recipes import smoke
from bench.store.stage import in_order
from bench.store.store import Store
from methods.registry import METHODS, method


def listed(text):
    """The bullets of a part of a docstring, one line each, without markup."""
    bullets = re.split(r"\n\s+\* ", text)[1:]
    plain = [re.sub(r":\w+:`([^`]*)`", r"\1", bullet).replace("`", "") for bullet in bullets]
    joined = [re.sub(r"\s+- +", ", ", line).replace("used:,", "used:") for line in plain]
    return {" ".join(line.split()) for line in joined}


def test_the_tables_are_what_the_installed_torch_documents():
    import torch

    if not metadata.version("torch").startswith(READ_FROM):
        pytest.skip(f"the tables were read from torch {READ_FROM}")
    text = torch.use_deterministic_algorithms.__doc__
    between = "The following normally-nondeterministic operations will throw a"
    acts, throws = text.partition("operations will act")[2].split(between)
    throws = throws.partition("In addition, several operations")[0]
    assert {entry.line for entry in MADE_DETERMINISTIC} == listed(acts)
    assert {entry.line for entry in WITHOUT} == listed(throws)


def test_every_operation_of_the_tables_is_one_that_torch_has():
    import torch

    for entry in (*MADE_DETERMINISTIC, *WITHOUT):
        for name in entry.operations:
            assert hasattr(torch.ops.aten, re.split(r"[.\[]", name)[0]), name


def tried(name):
    shape = (4, 5) if name == "mme" else (1, 3)
    return operations_of(method(name), *shape, smoke().stream)


SOFT = {"noise-adaptation", "forward-correction", "cl-slsr", "adele", "nr-dice", "t-loss"}
"""Whose loss is of probabilities: nothing looks up a label's score."""


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_looks_up_labels_has_no_deterministic_implementation_of_it(name):
    without = documented(WITHOUT, tried(name))
    line = "torch.nn.NLLLoss when called on a CUDA tensor"
    assert without.get("nll_loss2d_forward", "") == ("" if name in SOFT else line)


def test_forward_and_backward_operations_are_told_apart_by_their_shape():
    made = documented(MADE_DETERMINISTIC, tried("tsman"))
    assert {"conv3d", "conv_transpose3d", "max_pool3d_with_indices_backward"} <= made.keys()
    assert "conv2d" not in made
    assert "replication_pad3d_backward" in documented(MADE_DETERMINISTIC, tried("unet-3d"))


def test_an_operation_that_only_backward_calls_is_heard():
    from dataclasses import dataclass

    import torch

    @dataclass(frozen=True)
    class Pools:
        name: str = "pools"

        def network(self, channels, classes, stream):
            return torch.nn.Conv3d(channels, classes, 1)

        def loss(self, network, batch, progress):
            return torch.nn.functional.avg_pool3d(network(batch.image_bcijk), 2).cumsum(0).mean()

        def probabilities(self, network, image_bcijk):
            return network(image_bcijk).softmax(1)

    without = documented(WITHOUT, operations_of(Pools(), 1, 3, smoke().stream))
    assert without.keys() == {"avg_pool3d_backward", "cumsum[float]"}


def test_results_on_the_cpu_are_bit_equal_with_and_without(tiny_lab, tmp_path):
    stages = tiny_lab.plan("tsman").stages()
    student = next(one for one in stages if one.kind == "student" and "pseudo" in dict(one.inputs))
    other = Store(tmp_path / "other")
    from bench.data.dataset import remember

    remember(tiny_lab.dataset, other.workshop)
    for stage in in_order([student]):
        execute(stage.document(), tiny_lab.store, run="plain", device="cpu")
        with deterministically() as warned:
            execute(stage.document(), other, run="deterministic", device="cpu")
        assert warned == set()
        assert tiny_lab.store.stage(stage.key)["files"] == other.stage(stage.key)["files"]


def test_what_warns_is_named_other_warnings_pass_and_all_is_put_back():
    import torch

    with warnings.catch_warnings(record=True, action="always") as passed, deterministically() as warned:
        assert torch.are_deterministic_algorithms_enabled()
        warnings.warn(
            "nll_loss2d_forward does not have a deterministic implementation, but you set", stacklevel=1
        )
        warnings.warn("another", stacklevel=1)
    assert warned == {"nll_loss2d_forward"}
    assert [str(one.message) for one in passed] == ["another"]
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_run_says_what_could_break_it_and_no_key_changes(bench, tmp_path):
    words = ("run", "--recipe", "smoke", "--methods", "tsman", "--xi", "0.5", "-n", "--store", tmp_path)
    said = bench(*words, "--deterministic")
    assert said.returncode == 0, said.stderr
    assert "on the CPU every operation is deterministic already" in said.stdout
    assert "tsman: no deterministic implementation of nll_loss2d_forward" in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 80
    plain, flagged = (
        json.loads(bench(*words, "--json", *more).stdout) for more in ((), ("--deterministic",))
    )
    assert flagged["run"] == plain["run"]
    assert "nll_loss2d_forward" in flagged["determinism"]["methods"]["tsman"]["without"]
