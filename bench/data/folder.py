"""Files that appear whole or not at all, and names that are safe to be files."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_text(path: Path, text: str) -> None:
    """Write aside and rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:  # a full disk keeps no half of it
        Path(aside).unlink(missing_ok=True)
        raise


def flushed(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes its name only when the block ends well.

    Where another process was first, its folder stays and ours is dropped: equal keys hold equal content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    aside.chmod(0o755)
    try:
        yield aside
        for inside in (*aside.rglob("*"), aside):
            flushed(inside)  # what has its name after the power failed must have its content too
        try:
            aside.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""Names that mean a device and no file on Windows, whatever follows a dot in them."""


def _is_device(name: str) -> bool:
    return name.partition(".")[0].upper() in DEVICES


def safe_name(text: str, what: str) -> str:
    """The text with anything but letters, digits, dot, dash and underscore made a dash.

    Raises:
        DataError: Nothing is left of it, or what Windows takes for a device.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80].rstrip("-._")
    if not name:
        raise DataError(f"{what} {text[:80]!r} has no letter or digit in it.")
    if _is_device(name):
        raise DataError(
            f"{what} {text[:80]!r} means a device on Windows; expected a name that can be a file."
        )
    return name


def is_safe_name(text: str) -> bool:
    """Whether ``safe_name`` would leave the text as it is."""
    is_plain = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9])?", text) is not None
    return is_plain and not _is_device(text)
