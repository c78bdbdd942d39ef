"""A stage's key and a purpose -> random streams that nothing else shares."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


def seed_of(key: str, purpose: str) -> int:
    """A 63-bit seed from a stage's key and what the stream is for."""
    digest = hashlib.sha256(f"{key}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(key: str, purpose: str) -> np.random.Generator:
    """A numpy generator of its own for this key and purpose."""
    return np.random.Generator(np.random.PCG64(seed_of(key, purpose)))


def reseed_torch(key: str, purpose: str) -> None:
    """Seed torch's global generators; for use inside ``torch_stream``, which puts them back."""
    import torch

    torch.manual_seed(seed_of(key, purpose))  # noqa: TID251 - here alone


def torch_generator(key: str, purpose: str, device: str) -> torch.Generator:
    """A torch generator of its own for this key and purpose."""
    import torch

    return torch.Generator(device=device).manual_seed(seed_of(key, purpose))


@contextmanager
def torch_stream(key: str, purpose: str) -> Iterator[None]:
    """Torch's global generators (initialisation, dropout) seeded inside, and as they were outside."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed_of(key, purpose))  # noqa: TID251 - the one place that may
        yield
