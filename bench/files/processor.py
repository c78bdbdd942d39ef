"""Instructions of the processor that PyTorch's CPU library (oneDNN) will use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CPUINFO = Path("/proc/cpuinfo")
_FLAGS: Final = ("avx512_bf16", "amx_bf16")
# Source: oneDNN developer guide, "CPU Dispatcher Control". The first name is heeded before the second.
_LIMITS: Final = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WITHOUT_BFLOAT16: Final = frozenset(
    ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")
)

_CHOICES: Final = (*_LIMITS, "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")


def chosen_instructions() -> str:
    """The environment variables that choose a library's instructions; empty where none is set."""
    return " ".join(f"{name}={os.environ[name]}" for name in _CHOICES if os.environ.get(name))


def has_native_bfloat16() -> bool:
    """True if oneDNN will multiply bfloat16 by instructions of the processor.

    Where it does not, it converts each number, which can take 15 times as long as float32. The processor may
    have them and the library not use them: an environment variable limits what it uses.
    """
    if _limit() in _WITHOUT_BFLOAT16:
        return False
    try:
        text = CPUINFO.read_text(encoding="utf-8")
    except OSError:
        return False
    return any(flag in text for flag in _FLAGS)


def _limit() -> str:
    """The instruction set that oneDNN is limited to; empty where it is not. It ignores other names.

    An empty variable is none: the older name is heeded then.
    """
    said = next((os.environ[name] for name in _LIMITS if os.environ.get(name)), "")
    return said.upper()
