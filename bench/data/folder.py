"""Files that appear whole or not at all, and names that are safe to be files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 80
"""Letters of a name that is part of a path."""


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


def safe_name(text: str, what: str) -> str:
    """The text with anything but letters, digits, dot, dash and underscore made a dash.

    A name without Latin letters or digits, such as one in Chinese, is ``what`` and a checksum of the text.

    Raises:
        DataError: It has no letter or digit of any script, or is what Windows takes for a device.
    """
    if not any(char.isalnum() for char in text):
        raise DataError(f"{what} {text[:LONGEST]!r} has no letter or digit in it.")
    name = _readable(text)
    if not name:
        return _with_checksum(what.replace(" ", "-"), text)
    if _is_reserved(name):
        raise DataError(
            f"{what} {text[:LONGEST]!r} means a device on Windows; expected a name that can be a file."
        )
    return name


def safe_names(texts: Iterable[str], what: str) -> dict[str, str]:
    """A safe name for each text, as ``safe_name`` makes it, different for different texts.

    A text that is a safe name keeps it. Of others that would get the same name each has a checksum of its
    text behind it.

    Raises:
        DataError: As ``safe_name``.
    """
    names = {text: safe_name(text, what) for text in texts}
    often = Counter(name.casefold() for name in names.values())
    return {
        text: name if text == name or often[name.casefold()] == 1 else _with_checksum(name, text)
        for text, name in names.items()
    }


def _readable(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST].rstrip("-._")


def _with_checksum(name: str, text: str) -> str:
    checksum = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST - len(checksum) - 1].rstrip('-._')}-{checksum}"


def is_safe_name(text: str, longest: int = LONGEST) -> bool:
    """Whether ``safe_name`` would leave the text as it is, were it not too long."""
    inside = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text) is not None
    return inside and len(text) <= longest and not _is_reserved(text)


def checked_name(text: str, what: str, longest: int = LONGEST) -> str:
    """The text, where it is about to be part of a path.

    Raises:
        DataError: It is not a safe name.
    """
    if not is_safe_name(text, longest):
        shown = f"{text[:80]!r}{' ...' if len(text) > 80 else ''}"
        raise DataError(
            f"{what} {shown} cannot be part of a path: letters, digits, . _ - and at most {longest}."
        )
    return text


def _is_reserved(name: str) -> bool:
    """Whether Windows takes a file of this name for a device, whatever its ending."""
    return re.fullmatch(r"(con|prn|aux|nul|(com|lpt)[1-9])(\..*)?", name, re.IGNORECASE) is not None
