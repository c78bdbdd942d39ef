"""Checkpoints of a training: written aside, flushed, renamed; each bears its checksum in its name."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.files.atomic import flushed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

KEPT: Final = 2
"""Of each kind: should the last be torn, the one before it still stands."""
_NAME: Final = re.compile(r"(?P<kind>[a-z]+)-(?P<step>\d{9})-(?P<sum>[0-9a-f]{16})\.safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerState:
    """Where the stream of training batches is."""

    generator: dict[str, object]  # of NumPy
    round: tuple[int, ...]  # the cases that are left of this round


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """What a training goes on from, beside its tensors."""

    layout: int
    step: int
    sampler: SamplerState
    schedule: dict[str, object]  # of PyTorch
    rates: tuple[float, ...]  # the learning rate of each parameter group
    facts: dict[str, object]
    versions: dict[str, str]
    commit: str
    processor: str
    device: str
    labels: str = ""  # the file of the labels and targets that were changed
    seconds: float = 0.0  # that the training took up to here


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a training goes on from: tensors by name, the rest as plain JSON."""

    tensors: Mapping[str, Tensor]
    plain: Mapping[str, object]


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of one stage, in its scratch folder.

    Labels that a method revised are kept apart, in a file that the checkpoints after them name: they are
    large, and change seldom.
    """

    folder: Path
    every_seconds: float
    left_aside: list[str] = field(default_factory=list)  # what could not be gone on from, and why
    _last: float = field(default_factory=time.monotonic)

    def are_due(self) -> bool:
        """Whether the interval is over."""
        return time.monotonic() - self._last >= self.every_seconds

    def save(self, kind: str, step: int, checkpoint: Checkpoint, *, kept: int = KEPT) -> str:
        """Write one, then remove all but the last of its kind; returns its name.

        Args:
            kind: ``checkpoint``, ``labels`` or ``milestone``.
            step: The number of steps done.
            checkpoint: Its tensors on the CPU, contiguous, none of them part of another.
            kept: How many of its kind stay.
        """
        from safetensors.torch import save

        content = save(dict(checkpoint.tensors), metadata={"plain": json.dumps(checkpoint.plain)})
        path = self.folder / f"{kind}-{step:09d}-{_sum(content)}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".aside")
        try:
            aside.write_bytes(content)
            flushed(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        flushed(self.folder)
        for old in self._newest_first(kind)[kept:]:
            old.unlink(missing_ok=True)
        self._last = time.monotonic()
        return path.name

    def usable(self) -> Iterator[Checkpoint]:
        """Those that are whole, the newest first, their labels among the tensors as ``labels.*``."""
        for path in self._newest_first("checkpoint"):
            found = self._read(path)
            if found is None:
                continue
            named = found.plain.get("labels")
            labels = self._read(self.folder / str(named)) if named else None
            if named and labels is None:
                continue
            more = {f"labels.{name}": tensor for name, tensor in labels.tensors.items()} if labels else {}
            yield Checkpoint({**found.tensors, **more}, found.plain)

    def saved(self, kind: str) -> Iterator[tuple[int, Checkpoint]]:
        """Those of a kind that are whole, by the step."""
        for path in self._newest_first(kind):
            if (found := self._read(path)) is not None:
                yield int(path.name.split("-")[1]), found

    def drop(self, kind: str, *, after: int) -> None:
        """Remove those of a kind that were kept after a step."""
        for path in self._newest_first(kind):
            if int(path.name.split("-")[1]) > after:
                path.unlink(missing_ok=True)

    def _newest_first(self, kind: str) -> list[Path]:
        found = [path for path in self.folder.glob(f"{kind}-*.safetensors") if _NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: path.name, reverse=True)

    def _read(self, path: Path) -> Checkpoint | None:
        """The checkpoint, or None, and a word of it, where it is not what was written."""
        from safetensors import safe_open
        from safetensors.torch import load

        name = _NAME.fullmatch(path.name)
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        if name is None or _sum(content) != name["sum"]:
            self.left_aside.append(f"{path.name} is damaged")
            return None
        with safe_open(path, framework="pt") as file:
            plain = json.loads(file.metadata()["plain"])
        return Checkpoint(load(content), plain)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
