"""What is known of files: voxel fingerprints, and which pairs were looked through; until a file changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.data.folder import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def _mark(path: Path) -> str:
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


class Fingerprints:
    """A cache keyed by path, size and time of change; it only saves work, deleting it is harmless."""

    def __init__(self, path: Path) -> None:
        """Open or begin the cache at ``path``."""
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        self._changed = False

    def of(self, path: Path, take: Callable[[Path], str]) -> str:
        """The fingerprint of a file, by ``take`` if it is not known yet."""
        return self._once(_mark(path), lambda: take(path))

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
        """Keep what was taken."""
        if self._changed:
            write_text(self._path, json.dumps(self._known, indent=0, sort_keys=True))
