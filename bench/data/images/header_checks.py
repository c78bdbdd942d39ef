"""What a file promises of itself: absurd promises are refused before anything is allocated for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import DataError
from bench.files.limits import free_memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_VOXELS = 2**31  # all channels together; the largest scans there are have a tenth of it
MAX_OFFSET = 2**26  # bytes before the voxels: a header and its extensions
MAX_DEFLATE = 1032  # bytes that a byte of a deflate stream can hold at most. Source: zlib's technical details


@dataclass(frozen=True, slots=True)
class Promise:
    """What a header says that its file holds."""

    shape: tuple[int, ...]
    itemsize: int  # bytes a voxel
    start: int  # of the voxels in the unpacked file, bytes
    packed: bool  # whether deflate packed them

    @property
    def num_voxels(self) -> int:
        """Of all channels."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Of the unpacked file up to its last voxel."""
        return self.start + self.num_voxels * self.itemsize


def check_shape(path: Path, shape: Sequence[int]) -> None:
    """Refuse what is no volume.

    Raises:
        DataError: Other than three or four axes, an axis without voxels, or more voxels than any scan has.
    """
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise DataError(
            f"{path} has the shape {_sizes(shape)}; expected three axes, or four with the channels last."
        )
    if math.prod(shape) > MAX_VOXELS:
        raise DataError(
            f"{path} has the shape {_sizes(shape)}, {_count(math.prod(shape))} voxels; "
            f"the most is {MAX_VOXELS}."
        )


def check_promise(path: Path, promise: Promise, size: int) -> None:
    """Refuse a header that promises more than ``size`` bytes of file can hold, or than memory can.

    Raises:
        DataError: With what is promised and what there is.
    """
    if not 0 <= promise.start <= MAX_OFFSET:
        raise DataError(
            f"{path} says that its voxels begin at byte {promise.start}; expected 0 to {MAX_OFFSET}."
        )
    most = size * MAX_DEFLATE if promise.packed else size
    if promise.num_bytes > most:
        raise DataError(
            f"{path} promises {_count(promise.num_bytes)} bytes and its {size} bytes hold at most {most}: "
            "it is truncated or damaged."
        )
    needed, free = promise.num_voxels * (promise.itemsize + 4), free_memory()  # as stored, and as float32
    if free is not None and needed > free:
        raise DataError(f"{path} needs {_count(needed)} bytes of memory; this process has {free} left.")


def _sizes(shape: Sequence[int]) -> str:
    """A shape as Python writes it, without the names of numpy's types."""
    return str(tuple(int(n) for n in shape))


def _count(number: int) -> str:
    return str(number) if number < 10**15 else f"{number:.1e}"
