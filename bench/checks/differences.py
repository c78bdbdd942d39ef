"""Two folders of one stage, file by file: whether they hold the same bytes, and where not, what differs."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from bench.data.images.volumes import read_label, read_weights
from bench.store.integrity import checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

CIRCUMSTANCES = ("resumed", "resumed_cases", "checkpoints_left_aside", "nondeterministic")
"""Facts of a stage that say how it was made, not what was made."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two makings of a stage do not share."""

    name: str  # a file, or a fact of stage.json
    what: str


def differences(then: Path, now: Path, names: Iterable[str]) -> Iterator[Difference]:
    """What the files of two folders do not share.

    Args:
        then: The folder of a finished stage.
        now: The folder of the same stage, made again.
        names: All files of either.
    """
    for name in sorted(names):
        one, other = then / name, now / name
        if not (one.is_file() and other.is_file()):
            yield Difference(name, "is there only " + ("now" if other.is_file() else "then"))
        elif checksum(one) != checksum(other):
            yield Difference(name, _what(name, one, other))


def fact_differences(then: Mapping[str, object], now: Mapping[str, object]) -> Iterator[Difference]:
    """What two ``facts`` of ``stage.json`` do not share, but for how the stage was made."""
    for name in sorted((then.keys() | now.keys()) - set(CIRCUMSTANCES)):
        if then.get(name) != now.get(name):
            yield Difference(name, f"{then.get(name)} then, {now.get(name)} now")


def _what(name: str, one: Path, other: Path) -> str:
    if name.endswith(".safetensors"):
        return _of_weights(one, other)
    if name.endswith(".csv"):
        return _of_tables(one, other)
    if name.startswith("labels/"):
        return _of_arrays(read_label(one)[0], read_label(other)[0])
    if name.startswith("maps/"):
        return _of_arrays(read_weights(one), read_weights(other))
    return "other content"


def _of_weights(one: Path, other: Path) -> str:
    from safetensors.torch import load_file

    then, now = load_file(one), load_file(other)
    if {k: t.shape for k, t in then.items()} != {k: t.shape for k, t in now.items()}:
        return "other tensors"
    worst = {name: float((then[name].double() - now[name].double()).abs().max()) for name in then}
    if not any(worst.values()):
        return "the same tensors in other bytes"
    name = max(worst, key=lambda one: math.inf if math.isnan(worst[one]) else worst[one])
    count = sum(value != 0 for value in worst.values())
    return f"{count} of {len(worst)} tensors differ, at most by {worst[name]:.3g} ({name})"


def _of_tables(one: Path, other: Path) -> str:
    with one.open(newline="", encoding="utf-8") as a, other.open(newline="", encoding="utf-8") as b:
        then, now = list(csv.reader(a)), list(csv.reader(b))
    if [len(row) for row in then] != [len(row) for row in now]:
        return f"{len(then)} rows then, {len(now)} now, or other columns"
    header = then[0] if then else []
    apart, words, numbers = 0.0, 0, 0
    at = ""
    for row, new in zip(then, now, strict=True):
        for column, x, y in zip_longest(header, row, new, fillvalue=""):
            if x == y:
                continue
            if (gap := _gap(x, y)) is None:
                words += 1
            else:
                numbers += 1
                apart, at = max((apart, at), (gap, column))
    said = [f"{numbers} numbers differ, at most by {apart:.3g} ({at})"] if numbers else []
    return ", ".join(said + ([f"{words} words differ"] if words else [])) or "other bytes"


def _gap(x: str, y: str) -> float | None:
    try:
        return abs(float(x) - float(y))
    except ValueError:
        return None


def _of_arrays(then: NDArray[np.generic], now: NDArray[np.generic]) -> str:
    if then.shape != now.shape:
        return f"{then.shape} voxels then, {now.shape} now"
    apart = int((then != now).sum())
    if not apart:
        return "the same voxels in other bytes"
    most = float(np.abs(then.astype(np.float64) - now.astype(np.float64)).max())
    by = f", at most by {most:.3g}" if np.issubdtype(then.dtype, np.floating) else ""
    return f"{apart:,} of {then.size:,} voxels differ{by}"
