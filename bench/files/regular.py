"""Whether a path is a regular file."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from bench.errors import DataError, reason_of

if TYPE_CHECKING:
    from pathlib import Path


_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def check_regular(path: Path) -> int:
    """The size of a regular file in bytes; links are followed.

    Raises:
        DataError: It is missing, cannot be reached, or is a folder, a pipe or a device: reading one may hang.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else error
        raise DataError(f"{str(path)[:300]!r} cannot be opened: {reason}.") from error
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_one, name in _KINDS.items() if is_one(status.st_mode)), "no file")
        raise DataError(f"{path} is {kind}; expected a file.")
    return status.st_size


def is_file(path: Path) -> bool:
    """Whether there is a file that ``check_regular`` lets through."""
    try:
        check_regular(path)
    except DataError:
        return False
    return True
