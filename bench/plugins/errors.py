"""What a plug-in does wrong, in one form: file, member, what was expected, what was found."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from bench.errors import SHORT_OF_MEMORY, BenchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 240  # letters of what was found


class PluginError(UsageError):
    """A plug-in that cannot be loaded; ``check`` is the part of the contract that it breaks."""

    def __init__(self, sentence: str, check: str) -> None:
        """Keep which part it is beside the sentence."""
        super().__init__(sentence)
        self.check = check


def sentence(where: Sequence[str], expected: str, found: str) -> str:
    """One sentence: ``my.py, Focal.loss: expected a scalar, found a list.`` is one."""
    file, *inside = where
    said = " ".join(found.split())
    shown = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
    return f"{file}{', ' if inside else ''}{'.'.join(inside)}: expected {expected}, found {shown}."


def misfit(where: Sequence[str], expected: str, found: str, *, check: str) -> PluginError:
    """The error of a plug-in that cannot be loaded."""
    return PluginError(sentence(where, expected, found), check)


def told(error: BaseException, path: str) -> str:
    """An error in a few words, with the line of the plug-in where it came up."""
    first = (str(error).strip().splitlines() or [""])[0]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines, first = [error.lineno], str(error.msg)
    name = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return f"{name} (line {lines[-1]})" if lines else name


def is_ours(error: BaseException) -> bool:
    """Whether an error is no fault of a plug-in: one of our own, or memory that runs out."""
    short = isinstance(error, MemoryError) or any(word in str(error) for word in SHORT_OF_MEMORY)
    return short or isinstance(error, BenchError)
