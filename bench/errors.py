"""What can go wrong in a user's terms; each kind carries the exit code of the command line."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BenchError(Exception):
    """Something that one or two sentences explain; never shown with a traceback unless asked for."""

    exit_code = 1


class UsageError(BenchError):
    """A command, a name or a setting that cannot be."""

    exit_code = 2


class DataError(BenchError):
    """Data that is missing, unreadable or contradicts itself."""

    exit_code = 4


class LabelWithheldError(BenchError):
    """A stage asked for a label or an image that its place in the graph does not allow."""


class StageError(BenchError):
    """A stage could not give its result."""

    exit_code = 3


class StoppedError(BenchError):
    """A stage was asked to stop, and has kept what it goes on from."""

    exit_code = 130


class StoreError(BenchError):
    """The store cannot be written any more: no stage could keep its result."""

    exit_code = 3


SHORT_OF_MEMORY = ("out of memory", "not enough memory", "allocate memory", "bad_alloc")
"""What PyTorch, CUDA and C++ say where memory runs out, in errors of no kind of their own."""
TOLERANCE_EXCEEDED = 5
"""The exit code of a comparison that is outside its tolerance under ``--strict``; it is no error."""


def reason_of(error: OSError) -> str:
    """The operating system's words for an error, e.g. "No space left on device".

    ``error.strerror`` is what the raising library chose to say: pyarrow puts a sentence of its own there.
    """
    return os.strerror(error.errno) if error.errno else error.strerror or str(error)


def unknown(kind: str, given: str, known: Iterable[str], *, where: str = "") -> UsageError:
    """The error for a name that nothing bears, with the nearest known one."""
    names = list(known)
    shown = f"{given[:_LONGEST]!r}{' ...' if len(given) > _LONGEST else ''}"
    near = difflib.get_close_matches(given[:_LONGEST], names, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    start = f"{where}: " if where else ""
    return UsageError(f"{start}unknown {kind} {shown}. {hint}Known: {', '.join(names)}.")


_LONGEST = 100  # letters of a word that nothing bears
