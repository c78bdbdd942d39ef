"""Operations without a deterministic implementation are noted as they run; on the CPU the flag changes nothing."""

import json
import re
import shutil
import warnings

from bench.execution.deterministic import deterministically
from bench.execution.execute import execute
from bench.store.stage import in_order
from bench.store.store import Store


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


WORDS = ("run", "--recipe", "smoke", "--methods", "tsman", "--xi", "0.5", "--no-mlflow")


def test_before_a_run_it_says_what_is_set_and_no_key_changes(bench, tmp_path):
    words = (*WORDS, "-n", "--store", tmp_path)
    said = bench(*words, "--deterministic")
    assert said.returncode == 0, said.stderr
    assert "determ.  on the CPU the results are the same with and without" in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 80
    plain, flagged = (
        json.loads(bench(*words, "--json", *more).stdout) for more in ((), ("--deterministic",))
    )
    assert flagged["run"] == plain["run"]
    assert flagged["determinism"].keys() == {"device", "torch", "settings"}
    assert "determinism" not in plain


def test_after_a_run_it_says_which_operations_had_none(bench, tiny, tmp_path):
    """Noted by each stage; stages that were made before without the flag are counted apart."""
    words = (*WORDS, *(f"--set={one}" for one in tiny), "--store", tmp_path)
    assert bench(*words).returncode == 0
    said = bench(*words, "--deterministic")
    assert said.returncode == 0, said.stderr
    assert "no operation" not in said.stdout
    assert re.search(r"^determ\.  not known of \d+ stages: made earlier, without", said.stdout, re.MULTILINE)
    (student, *_) = (tmp_path / "stages").glob("student-*")
    shutil.rmtree(student)
    said = bench(*words, "--deterministic")
    assert "determ.  no operation without a deterministic implementation ran in 1 stage" in said.stdout
    found = json.loads(bench(*words, "--deterministic", "--json").stdout)["determinism"]
    assert (found["operations"], found["made_with"]) == ({}, [student.name])
    assert found["made_without"]


def test_what_stages_noted_is_gathered_by_operation(tiny_lab, capsys):
    from dataclasses import replace

    from bench.cli.run.determinism import noted, say_noted
    from bench.settings.stage_specs import read
    from bench.store.documents import FinishedStage

    stages = tiny_lab.plan("tsman").stages()
    kinds = {stage.kind: stage for stage in stages}
    facts = {
        kinds["teacher"].key: {"nondeterministic": ["nll_loss2d_forward_out_cuda_template", "b"]},
        kinds["student"].key: {"nondeterministic": ["nll_loss2d_forward_out_cuda_template"]},
        kinds["ensemble"].key: {},
        kinds["split"].key: {},
    }

    class Made:
        def has(self, key):
            return key in facts

        def finished_stage(self, key):
            stage = next(one for one in stages if one.key == key)
            return read(FinishedStage, {**stage.document(), "facts": facts[key]}, key)

    found = noted(Made(), [replace(stage) for stage in kinds.values()])
    assert found == {
        "operations": {
            "b": [kinds["teacher"].key],
            "nll_loss2d_forward_out_cuda_template": [
                kinds[kind].key for kind in kinds if kind in ("teacher", "student")
            ],
        },
        "made_with": [kinds[kind].key for kind in kinds if kind in ("teacher", "student")],
        "made_without": [kinds["ensemble"].key],
    }
    say_noted(found)
    said = capsys.readouterr().out
    assert "nll_loss2d_forward_out_cuda_template has no deterministic implementation: it ran in" in " ".join(
        said.split()
    )
    assert "not known of 1 stage: made earlier" in said
