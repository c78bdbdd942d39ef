"""Cores and memory that this process may use: of the machine, and of its container (cgroup)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/")
"""Where ``proc`` and ``sys`` are."""


def cores() -> int:
    """The cores that this process may use: its affinity, and the share of its container; at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min([allowed, *(int(quota) for quota in _quotas())]), 1)


def free_memory() -> int | None:
    """Bytes that this process can still have, of the machine and of its container; ``None`` if not known."""
    known = [free for free in (_available(), *_left()) if free is not None]
    return max(min(known), 0) if known else None


def _available() -> int | None:
    """The memory that the machine still has, in bytes; ``None`` if not known."""
    lines = _text(ROOT / "proc" / "meminfo").splitlines()
    said = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(said[0]) * 1024 if said and said[0].isdigit() else None


def _quotas() -> Iterator[float]:
    """The shares of processor time that cgroups allow, in cores."""
    for folder in _folders(""):
        yield from _quotient(_text(folder / "cpu.max").split())
    for folder in _folders("cpu"):
        words = [_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
        yield from _quotient(words)


def _quotient(words: list[str]) -> Iterator[float]:
    """Quota over period, where both are numbers: ``max`` and -1 stand for no limit."""
    if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])


def _left() -> Iterator[int]:
    """The memory that cgroups still allow, in bytes."""
    for folder in _folders(""):
        yield from _rest(folder, "memory.max", "memory.current", "inactive_file")
    for folder in _folders("memory"):
        yield from _rest(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _rest(folder: Path, limit: str, usage: str, cache: str) -> Iterator[int]:
    """The limit less what is used; files that the kernel keeps in memory and would drop are not in use."""
    most, used = _number(_text(folder / limit)), _number(_text(folder / usage))
    if most is None:
        return
    lines = (line.split() for line in _text(folder / "memory.stat").splitlines())
    dropped = sum(int(line[1]) for line in lines if len(line) == 2 and line[0] == cache and line[1].isdigit())
    yield most - max((used or 0) - dropped, 0)


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _folders(controller: str) -> Iterator[Path]:
    """The cgroup of this process and those above it, as far as they can be seen from here.

    Args:
        controller: Of a version 1 hierarchy, such as ``memory``; empty for version 2.
    """
    place = ROOT / "sys" / "fs" / "cgroup"
    tops = [place, place / "unified"] if not controller else [place / controller]
    if controller == "cpu":
        tops.append(place / "cpu,cpuacct")
    parts = _own_path(controller)
    for top in tops:
        for length in range(len(parts) + 1):
            folder = top.joinpath(*parts[:length])
            if folder.is_dir():
                yield folder


def _own_path(controller: str) -> list[str]:
    """The names on the way to the cgroup of this process; none where its container hides them."""
    for line in _text(ROOT / "proc" / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(","):
            return [part for part in path.split("/") if part not in ("", ".", "..")]
    return []


def _text(path: Path) -> str:
    """What a file says; nothing where it is not there or is no text."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
