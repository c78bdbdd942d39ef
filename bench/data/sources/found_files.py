"""The scans that a user's folder holds: which files are taken, under which names, and which are left out.

Every verb that looks into a folder asks here, so that all take the same files. Links to folders are followed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.data.images.volumes import files_of
from bench.errors import DataError
from bench.files.regular import is_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

ENDINGS: Final = (".nii.gz", ".nii", ".mha", ".mhd", ".hdr.gz", ".hdr")
_LEFTOVERS: Final = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
_NAMED: Final = 3  # files left out that a sentence names


@dataclass(frozen=True, slots=True)
class FoundScans:
    """The scans of one folder by the name of their case, and the other files in it."""

    scans: Mapping[str, Path]
    left_out: tuple[Path, ...]


def ending_of(name: str) -> str:
    """The ending of an image file as it is written; empty where the name has none that is known."""
    lower = name.lower()
    known = next((ending for ending in ENDINGS if lower.endswith(ending)), "")
    return name[len(name) - len(known) :] if len(name) > len(known) > 0 else ""


def case_of(name: str) -> str:
    """The name of a file without the ending of an image."""
    return name[: len(name) - len(ending_of(name))]


def is_leftover(name: str) -> bool:
    """True for what an operating system leaves behind: ``._x.nii.gz``, ``.DS_Store``, ``__MACOSX``."""
    return name.startswith(".") or name.lower() in _LEFTOVERS


def scans_in(folder: Path) -> FoundScans:
    """The scans that lie in a folder, not below it.

    Raises:
        DataError: Two files are one case, such as ``a.nii`` and ``a.nii.gz``, or a link leads nowhere.
    """
    scans: dict[str, Path] = {}
    left_out = []
    for path in sorted(folder.iterdir()):
        if is_leftover(path.name) or not ending_of(path.name):
            left_out.append(path)
        elif path.is_symlink() and not path.exists():
            raise DataError(f"{path} is a link to a file that does not exist; mend or remove it.")
        elif is_file(path):
            case = case_of(path.name)
            if case in scans:
                raise DataError(twice(folder, case, scans[case], path))
            scans[case] = path
        else:
            left_out.append(path)
    used = {one for path in scans.values() for one in _files_of(path)}
    return FoundScans(scans, tuple(path for path in left_out if path not in used))


def _files_of(path: Path) -> tuple[Path, ...]:
    """The files of an image; whoever reads it says what is wrong with it."""
    try:
        return files_of(path)
    except DataError:
        return (path,)


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and below it, by name; links are followed, but no folder is entered twice."""
    yield from _files_below(folder, set())


def _files_below(folder: Path, entered: set[tuple[int, int]]) -> Iterator[Path]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in entered:
        return
    entered.add((status.st_dev, status.st_ino))
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        path = folder / entry.name
        if not path.is_dir():  # nor a link that leads nowhere or to itself
            yield path
        elif not is_leftover(entry.name):
            yield from _files_below(path, entered)


def twice(where: Path, name: str, first: Path, second: Path) -> str:
    """The sentence for two files that bear one name."""
    return f"{where} has {name} twice: {first} and {second}; leave one of them there."


def not_used(where: Path, files: Iterable[Path]) -> str:
    """A sentence that names the files of a folder that are left out; empty where there are none."""
    names = [str(path.relative_to(where)) if path.is_relative_to(where) else str(path) for path in files]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    verb = "are" if len(names) > 1 else "is"
    return f"{', '.join(names[:_NAMED])}{more} in {where} {verb} not used."
