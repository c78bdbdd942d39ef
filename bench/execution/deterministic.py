"""Deterministic algorithms of PyTorch, and the operations that have none."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def deterministically() -> Iterator[set[str]]:
    """Deterministic algorithms within; when it ends, the set names the operations that have none and ran.

    To be entered before anything runs on a GPU: cuBLAS reads its setting when it starts.
    """
    import torch

    os.environ.setdefault(*CUBLAS)
    cudnn = torch.backends.cudnn
    before = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    warned: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003 - torch's own word
        cudnn.deterministic, cudnn.benchmark = True, False
        try:
            yield warned
        finally:
            torch.set_deterministic_debug_mode(before[0])
            cudnn.deterministic, cudnn.benchmark = before[1:]
            texts = [str(one.message) for one in caught]
            warned |= {text.split()[0] for text in texts if NO_IMPLEMENTATION in text}
    for one in caught:
        if NO_IMPLEMENTATION not in str(one.message):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


NO_IMPLEMENTATION = "does not have a deterministic implementation"
"""Of PyTorch's warning, which begins with the name of the operation."""
