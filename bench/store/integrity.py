"""Whether a finished stage is still what was written: checksums, and a note of what was found sound."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from bench.files.atomic import write_text
from bench.files.checksummed import unsealed
from bench.files.json_document import noted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.store.stage import Stage
    from bench.store.store import Store

NOTED = "sound.json"
"""The file of a store that says which folders were found sound, and how they lay then; only saves work."""


def checksum(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        OSError: It is no file; a pipe would be waited for.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damage(folder: Path) -> str:
    """What is wrong with the folder of a finished stage, in a clause; empty where nothing is."""
    try:
        described = unsealed(folder / "stage.json")
        files, is_own = dict(described["files"]), described["key"] == folder.name
    except (ValueError, KeyError, TypeError):
        return "stage.json is not what was written"
    if not is_own:
        return "stage.json is of another stage"
    for name, expected in files.items():
        try:
            if checksum(folder / name) != expected:
                return f"{name} is not what was written"
        except (OSError, ValueError):
            return f"{name} is missing or cannot be read"
    return ""


def damaged(store: Store, keys: Iterable[str], *, anew: Collection[str] = ()) -> dict[str, str]:
    """Key -> what is wrong, of those finished stages that are no longer what was written.

    Args:
        store: Where they lie.
        keys: Which to look at; what lay exactly so when it was found sound is taken for sound.
        anew: Those that are read byte for byte all the same: what other stages will be made from.
    """
    before = noted(store.path / NOTED)
    found: dict[str, str] = {}
    sound = dict(before)
    for key in dict.fromkeys(keys):
        folder = store.folder(key)
        mark = _mark(folder)
        if key not in anew and before.get(key) == mark:
            continue
        if what := damage(folder):
            found[key] = what
            sound.pop(key, None)
        else:
            sound[key] = mark
    if sound != before and os.access(store.path, os.W_OK):
        write_text(store.path / NOTED, json.dumps(sound, indent=0, sort_keys=True))
    return found


def put_damaged_aside(store: Store, stages: Sequence[Stage]) -> dict[str, str]:
    """Move what is damaged out of the way, so that it is made anew; key -> what was wrong.

    Looked at are the stages that are planned, inputs of what is missing byte by byte, all scores, of which
    the records are gathered, and whatever lies among the stages and is none.
    """
    found: dict[str, str] = {}
    while True:
        there = {stage.key for stage in stages if os.path.lexists(store.folder(stage.key))}
        needed = {below.key for stage in stages if stage.key not in there for _, below in stage.inputs}
        looked_at = [*sorted(there), *store.keys("scores"), *store.strangers()]
        worse = damaged(store, looked_at, anew=needed & there)
        if not worse:
            return found
        for key in worse:
            store.put_aside(store.folder(key))
        found |= worse


def contents(described: Mapping[str, object]) -> str:
    """All results of a stage in one word: what was made from it was made from exactly these."""
    return hashlib.sha256(json.dumps(described["files"], sort_keys=True).encode()).hexdigest()[:16]


def _mark(folder: Path) -> str:
    """How all files of a folder lie: a word that every change but the disk's own changes."""
    return hashlib.sha256(json.dumps(sorted(_entries(str(folder), ""))).encode()).hexdigest()


def _entries(place: str, name: str) -> Iterator[tuple[str, int, int, int, int]]:
    if not os.path.isdir(place):  # noqa: PTH112 - plain text: thousands of folders
        return
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path, f"{name}{entry.name}/")
                continue
            try:
                at = entry.stat()
            except OSError:  # a link to nothing
                at = entry.stat(follow_symlinks=False)
            yield f"{name}{entry.name}", at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino
