"""While a plug-in's code runs it writes no file, starts no program and speaks to nobody."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import StageError
from bench.plugins.errors import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

WRITES = (
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)
ELSEWHERE = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "socket.connect", "socket.bind")
"""What Python tells its audit hooks of, and a loss has no business with."""


class _Here(threading.local):
    where: tuple[str, ...] | None = None
    trespass: str = ""


_HERE = _Here()
_INSTALLED: list[bool] = []


@contextmanager
def fenced(where: Sequence[str]) -> Iterator[None]:
    """Refuse such things within the block; what the plug-in catches of it is raised at the end.

    It is a fence for mistakes, not a wall: code that wants out finds a way.

    Raises:
        StageError: It was tried.
    """
    if not _INSTALLED:
        sys.addaudithook(_heed)  # there is no way to take one away: outside of the block it does nothing
        _INSTALLED.append(True)
    before = _HERE.where
    _HERE.where = tuple(where)
    try:
        yield
    finally:
        _HERE.where = before
        said, _HERE.trespass = _HERE.trespass, ""
        if said:
            raise StageError(said)


def _heed(event: str, given: tuple[Any, ...]) -> None:
    if _HERE.where is None:
        return
    found = _opened(given) if event == "open" else _other(event, given)
    if found and not _is_importing():
        _HERE.trespass = sentence(_HERE.where, "that it writes no file and reaches nobody", found)
        raise StageError(_HERE.trespass)


def _is_importing() -> bool:
    """Whether another module is being imported just now: some make a folder for their settings."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - there is no other name for it
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load":
            return True
        frame = frame.f_back
    return False


def _opened(given: tuple[Any, ...]) -> str:
    path, mode, flags = given
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(flags, int) else False
    writes = writes or (isinstance(mode, str) and bool(set(mode) & set("wax+")))
    return "" if not writes or _is_pythons(path) else f"{_shown(path)} opened for writing"


def _other(event: str, given: tuple[Any, ...]) -> str:
    if event in ELSEWHERE or (event in WRITES and not _is_pythons(given[0])):
        return f"{event} of {_shown(given[1] if event.startswith('socket') else given[0])}"
    return ""


def _is_pythons(path: object) -> bool:
    """Caches of modules that are imported on the way, and devices."""
    name = _shown(path)
    return isinstance(path, int) or "__pycache__" in name or name.startswith(("/dev/", "/proc/"))


def _shown(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
