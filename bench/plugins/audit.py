"""The audit hook for code of plug-ins: it warns of files written elsewhere, and refuses the network."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import StageError
from bench.plugins.errors import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

LOGGER = logging.getLogger(__name__)

CHANGES: Final = {
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
}
"""Events beside ``open`` that change files, and the places of the changed paths among their arguments."""
PROGRAMS: Final = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec")
CONNECTIONS: Final = ("socket.connect", "socket.bind")
ALLOWED: Final = "that it writes files only in its stage's and the temporary folder and starts no program"
OFFLINE: Final = "that it uses no network, since no key of a stage holds what comes from there"
BY_ITSELF: Final = (
    "torch._inductor.",
    "torch._dynamo.convert_frame.",
    "torch.utils.cpp_extension.",
    "triton.",
)
"""Modules that write caches and start compilers by themselves; none of them calls a plug-in's own code."""


class _Audited(threading.local):
    where: tuple[str, ...] | None = None  # file and member of the plug-in whose code runs in this thread
    temporary: Path | None = None
    folder: Path | None = None  # of the stage
    refused: str = ""
    found: list[str] | None = None  # where a caller collects the sentences


_AUDITED = _Audited()
_INSTALLED: list[bool] = []
_WARNED: set[str] = set()


@contextmanager
def audited(where: Sequence[str]) -> Iterator[None]:
    """Audit the plug-in's code that runs in the block.

    Files that it writes outside the stage's and the temporary folder, and programs that it starts, are logged
    as a warning, once a plug-in; connections are refused, also where the plug-in catches the error. What
    PyTorch does by itself (``torch.compile``, Triton) is neither. This finds mistakes; it is no sandbox.

    Args:
        where: File and member of the plug-in, for the sentence.

    Raises:
        StageError: A network connection was tried.
    """
    if not _INSTALLED:
        sys.addaudithook(_hook)  # it cannot be removed: outside the block it does nothing
        _INSTALLED.append(True)
    with suppress(FileNotFoundError):  # there is none that can be written
        # Asked for here: within the hook, ``tempfile`` may be what writes, and it then holds its lock.
        _AUDITED.temporary = Path(tempfile.gettempdir()).resolve()
    before, _AUDITED.where = _AUDITED.where, tuple(where)
    written: list[str] = []
    outer = _AUDITED.found
    _AUDITED.found = written
    try:
        yield
    finally:
        _AUDITED.where, _AUDITED.found = before, outer
        _report(where[0], written)
        refused, _AUDITED.refused = _AUDITED.refused, ""
        if refused:
            raise StageError(refused)


@contextmanager
def stage_folder(folder: Path) -> Iterator[None]:
    """Within the block, files in this folder may be written."""
    before, _AUDITED.folder = _AUDITED.folder, folder.resolve()
    try:
        yield
    finally:
        _AUDITED.folder = before


@contextmanager
def collected() -> Iterator[list[str]]:
    """Within the block, the sentences of warnings are appended to this list instead of logged."""
    before, _AUDITED.found = _AUDITED.found, []
    try:
        yield _AUDITED.found
    finally:
        _AUDITED.found = before


def _report(file: str, sentences: list[str]) -> None:
    if not sentences:
        return
    if _AUDITED.found is not None:
        _AUDITED.found.extend(sentences)
    elif file not in _WARNED:
        _WARNED.add(file)
        LOGGER.warning(f"warning: {sentences[0]}")


def _hook(event: str, given: tuple[Any, ...]) -> None:
    """What Python calls of each audit event; ``where`` is None while the hook itself works."""
    where = _AUDITED.where
    if where is None:
        return
    _AUDITED.where = None
    try:
        if (found := _connection(event, given)) and not _is_by_itself():
            _AUDITED.refused = sentence(where, OFFLINE, found)
            raise StageError(_AUDITED.refused)
        if (found := _written(event, given) or _program(event, given)) and not _is_by_itself():
            assert _AUDITED.found is not None
            _AUDITED.found.append(sentence(where, ALLOWED, found))
    finally:
        _AUDITED.where = where


def _is_by_itself() -> bool:
    """Whether PyTorch compiles or another module is imported just now: some make a folder for settings."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - there is no other name for it
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name == "_find_and_load" or f"{module}.".startswith(BY_ITSELF):
            return True
        frame = frame.f_back
    return False


def _connection(event: str, given: tuple[Any, ...]) -> str:
    """An address of the internet is a tuple; those of sockets between processes here are text or bytes."""
    is_internet = event in CONNECTIONS and isinstance(given[1], tuple)
    return f"{event} of {given[1]}" if is_internet else ""


def _program(event: str, given: tuple[Any, ...]) -> str:
    return f"{event} of {_shown(given[0])}" if event in PROGRAMS else ""


def _written(event: str, given: tuple[Any, ...]) -> str:
    if event == "open":
        path, mode, flags = given
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(flags, int) else False
        writes = writes or (isinstance(mode, str) and bool(set(mode) & set("wax+")))
        return f"{_shown(path)} opened for writing" if writes and not _is_allowed(path) else ""
    outside = [given[place] for place in CHANGES.get(event, ()) if not _is_allowed(given[place])]
    return f"{event} of {_shown(outside[0])}" if outside else ""


def _is_allowed(path: object) -> bool:
    """In the stage's or the temporary folder, a cache of bytecode, a device, or no path at all."""
    name = _shown(path)
    if isinstance(path, int) or "__pycache__" in name or name.startswith(("/dev/", "/proc/")):
        return True
    folders = [folder for folder in (_AUDITED.temporary, _AUDITED.folder) if folder]
    # The folder's links are followed and the file's own is not: what is removed or renamed is the link.
    parent = Path(os.path.realpath(os.path.dirname(os.path.abspath(name))))  # noqa: PTH100, PTH120
    return any(parent.is_relative_to(folder) for folder in folders)


def _shown(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
