"""The precision of a CPU follows what PyTorch's library will use, not the processor's flags alone."""

import os
import subprocess
import sys

import pytest

from bench.files import processor
from bench.plan.words import recipe_of
from bench.store import provenance

SCRIPT = """
import torch
conv = torch.nn.Conv3d(16, 16, 3).to(torch.bfloat16)
conv(torch.randn(1, 16, 8, 8, 8).to(torch.bfloat16))
"""
LIMITS = (
    "",
    "SSE41",
    "AVX2",
    "AVX2_VNNI",
    "AVX512_MIC",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
    "AVX512_CORE_BF16",
    "nonsense",
)


@pytest.fixture
def on_processor(monkeypatch, tmp_path):
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)

    def say(flags):
        path = tmp_path / "cpuinfo"
        path.write_text(f"model name : one\nflags : fpu avx2 {flags}\n")
        monkeypatch.setattr(processor, "CPUINFO", path)

    say("avx512f avx512_bf16")
    return say


def test_a_processor_without_bfloat16_takes_float32(on_processor):
    assert recipe_of("quick", (), "cpu").compute.precision == "bfloat16"
    on_processor("avx512f")
    assert recipe_of("quick", (), "cpu").compute.precision == "float32"


@pytest.mark.parametrize("name", ["DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"])
@pytest.mark.parametrize("limit", ["AVX2", "avx2", "AVX512_CORE", "SSE41"])
def test_a_library_that_is_limited_takes_float32(on_processor, monkeypatch, name, limit):
    monkeypatch.setenv(name, limit)
    assert recipe_of("quick", (), "cpu").compute.precision == "float32"


@pytest.mark.parametrize("limit", ["AVX512_CORE_BF16", "AVX512_CORE_AMX", "DEFAULT", "nonsense"])
def test_a_limit_that_allows_bfloat16_changes_nothing(on_processor, monkeypatch, limit):
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", limit)
    assert recipe_of("quick", (), "cpu").compute.precision == "bfloat16"


def test_the_newer_name_of_the_limit_is_heeded_first(on_processor, monkeypatch):
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "DEFAULT")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert not processor.has_native_bfloat16()


def test_an_empty_variable_leaves_the_limit_to_the_other_name(on_processor, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "")
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "AVX2")
    assert not processor.has_native_bfloat16()


@pytest.mark.parametrize(
    ("limit", "newer"), [*((limit, None) for limit in LIMITS), ("AVX2", ""), ("AVX2", "DEFAULT")]
)
def test_the_library_itself_says_the_same(monkeypatch, limit, newer):
    """oneDNN's own log names the kernel: avx512_core_bf16 and later multiply bfloat16, others convert it."""
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    if limit:
        monkeypatch.setenv("DNNL_MAX_CPU_ISA", limit)
    if newer is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", newer)
    surroundings = {**os.environ, "ONEDNN_VERBOSE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=surroundings, capture_output=True, text=True, check=True
    )
    kernels = [line for line in done.stdout.splitlines() if ",convolution," in line and "src:bf16" in line]
    native = any(name in line for line in kernels for name in ("_bf16,", "_amx", "_fp16", "avx10"))
    assert processor.has_native_bfloat16() is native, kernels


def test_what_chooses_instructions_is_recorded_with_the_machine(on_processor, monkeypatch):
    for name in ("ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    assert provenance.machine()["instructions"] == ""
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert provenance.machine()["instructions"] == "DNNL_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell"
