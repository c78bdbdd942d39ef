"""What is known of files: voxel fingerprints, and which pairs were looked through; until a file changes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.data.images.volumes import files_of, fingerprint, fingerprint_and_content
from bench.files.atomic import write_text
from bench.files.json_document import noted
from bench.files.regular import check_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.data.content import Kind
    from bench.data.images.grids import SpacingFrom


READING = 2  # of the rules by which headers are read: what was kept under older ones is taken again


def _mark(path: Path) -> str:
    """What changes with an image: of every file it lies in, as header and voxels may be apart."""
    return "|".join([f"{READING}", *map(_mark_of_file, files_of(path))])


def _mark_of_file(path: Path) -> str:
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

    def of(self, path: Path, spacing_from: SpacingFrom = "") -> str:
        """The fingerprint of an image, taken if it is not known yet."""
        return self._once(self._of_print(path, spacing_from), lambda: fingerprint(path, spacing_from))

    @staticmethod
    def _of_print(path: Path, spacing_from: SpacingFrom) -> str:
        return _mark(path) + (f"|{spacing_from}" if spacing_from else "")

    @staticmethod
    def _of_content(path: Path) -> str:
        return f"content|{_mark(path)}"

    def content_of(self, path: Path, kind: Kind, spacing_from: SpacingFrom = "") -> str:
        """The content of an image or label map (``bench.data.content``), read if it is not known yet."""
        return self._once(
            self._of_content(path), lambda: fingerprint_and_content(path, kind, spacing_from)[1]
        )

    def of_with_content(self, path: Path, kind: Kind, spacing_from: SpacingFrom = "") -> str:
        """The fingerprint of an image or label map, whose content is kept from the same reading."""

        def taken() -> str:
            found, self._known[self._of_content(path)] = fingerprint_and_content(path, kind, spacing_from)
            return found

        return self._once(self._of_print(path, spacing_from), taken)

    def look_through(self, files: Sequence[Path], said: object, look: Callable[[], list[str]]) -> list[str]:
        """The warnings that ``look`` has for these files, by what is ``said`` of them; it is called once."""

        def looked() -> str:
            return json.dumps(look())

        mark = json.dumps(["looked through", *map(_mark, files), said])
        try:
            return [str(sentence) for sentence in json.loads(self._once(mark, looked))]
        except (ValueError, TypeError):  # somebody changed what was kept
            del self._known[mark]
            return self.look_through(files, said, look)

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
