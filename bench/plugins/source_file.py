"""A plug-in's file -> its module, run from the very bytes whose checksum names it."""

from __future__ import annotations

import hashlib
import importlib.abc
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import TYPE_CHECKING

from bench.errors import StageError, UsageError, reason_of
from bench.plugins.audit import audited
from bench.plugins.errors import PluginError, misfit, told

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

LARGEST = 2**20
"""Bytes of a plug-in, more than any method takes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A plug-in as it was read."""

    shown: str  # what its user calls the file
    path: Path
    content: bytes

    @property
    def sha(self) -> str:
        """The checksum of its content: the file's name and place are no part of it."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def module(self) -> str:
        """A module name that no other source has."""
        return f"bench_plugin_{self.sha}"


def read(path: Path, shown: str = "") -> Source:
    """The file's content; nothing of it is run.

    Raises:
        UsageError: There is no such file, or it is no Python source.
    """
    if path.suffix != ".py":
        raise UsageError(f"plug-in {str(path)!r} is not a Python file; expected a name that ends in .py.")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"plug-in {path} cannot be read: {reason_of(error)}.") from error
    if len(content) > LARGEST:
        raise UsageError(f"plug-in {path} is larger than {LARGEST:,} bytes; no method is.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"plug-in {path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error
    return Source(shown or path.name, path, content)


class _Bytes(importlib.abc.SourceLoader):
    """Gives importlib what was read, so that what runs is what the checksum is of; caches nothing."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_filename(self, _fullname: str) -> str:
        return str(self._source.path)

    def get_data(self, path: str) -> bytes:
        if path != str(self._source.path):
            raise OSError(path)  # a cache of bytecode: it is not asked for
        return self._source.content


def run(source: Source) -> ModuleType:
    """Run the file as a module, once a process.

    Raises:
        PluginError: It does not import.
    """
    if source.module in sys.modules:
        return sys.modules[source.module]
    loader = _Bytes(source)
    module = module_from_spec(ModuleSpec(source.module, loader, origin=str(source.path)))
    module.__file__ = str(source.path)
    sys.modules[source.module] = module  # dataclasses look their annotations up there
    try:
        with audited((source.shown,)):
            loader.exec_module(module)
    except BaseException as error:
        del sys.modules[source.module]
        if isinstance(error, StageError):  # the audit hook's
            raise PluginError(str(error), "imports") from error
        if isinstance(error, KeyboardInterrupt | MemoryError):
            raise
        found = told(error, str(source.path))
        raise misfit((source.shown,), "a file that imports", found, check="imports") from error
    return module
