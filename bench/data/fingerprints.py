"""What is known of files: voxel fingerprints, and which pairs were looked through; until a file changes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.data.folder import write_text
from bench.data.json_file import noted
from bench.data.promises import check_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def _mark(path: Path) -> str:
    """What changes with a file: its time can be set back, that of its inode cannot."""
    check_regular(path)
    status = path.stat()
    times = f"{status.st_mtime_ns}|{status.st_ctime_ns}"
    return f"{path.resolve()}|{status.st_size}|{times}|{status.st_ino}"


def _known(path: Path) -> dict[str, str]:
    """What an older process kept; nothing where that is damaged."""
    return {mark: known for mark, known in noted(path).items() if isinstance(known, str)}


class Fingerprints:
    """A cache keyed by path, size, inode and times of change; it only saves work, deleting it is harmless.

    Whoever opens a data set keeps what it found; who only compares, as running stages do, keeps nothing.
    """

    def __init__(self, path: Path) -> None:
        """Open or begin the cache at ``path``."""
        self._path = path
        self._known = _known(path)
        self._changed = False

    def of(self, path: Path, take: Callable[[Path], str]) -> str:
        """The fingerprint of a file, by ``take`` if it is not known yet."""
        return self._once(_mark(path), lambda: take(path))

    def content_of(self, path: Path, take: Callable[[Path], str]) -> str:
        """What a file holds (``bench.data.content``), by ``take`` if it is not known yet."""
        return self._once(f"content|{_mark(path)}", lambda: take(path))

    def of_with_content(self, path: Path, take: Callable[[Path], tuple[str, str]]) -> str:
        """The fingerprint of a file, by ``take`` if it is not known yet, which gives what it holds too."""

        def taken(path: Path) -> str:
            found, content = take(path)
            self._known[f"content|{_mark(path)}"] = content
            return found

        return self.of(path, taken)

    def look_through(self, files: Sequence[Path], said: object, look: Callable[[], None]) -> None:
        """Call ``look`` unless it found nothing wrong in these files by what was ``said`` of them."""

        def looked() -> str:
            look()
            return "looked through"

        self._once(json.dumps(["looked through", *map(_mark, files), said]), looked)

    def _once(self, mark: str, take: Callable[[], str]) -> str:
        if mark not in self._known:
            self._known[mark] = take()
            self._changed = True
        return self._known[mark]

    def save(self) -> None:
        """Keep what was taken, where there is room to."""
        if not self._changed:
            return
        with suppress(OSError):
            write_text(self._path, json.dumps(self._known, indent=0, sort_keys=True))
