"""Label maps that a stage makes case by case: those that are made stay made when the stage is killed."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bench.files.atomic import write_text
from bench.store import provenance
from bench.store.integrity import checksum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.stages.context import Lab

LEDGER: Final = "checkpoint-cases.json"
"""What the label maps were made with, and by case their checksums."""


class Piecemeal:
    """What is done of a stage, by case."""

    def __init__(self, lab: Lab) -> None:
        """Look what an earlier attempt left."""
        self._lab = lab
        self._scratch = lab.store.scratch(lab.key)
        self._with = {"versions": provenance.versions(), "device": lab.device.partition(":")[0]}
        self._sums = _read(self._scratch / LEDGER, self._with)

    def has(self, case: str) -> bool:
        """Whether the label map of a case is made; then it lies in the stage's folder."""
        kept, expected = self._scratch / _name(case), self._sums.get(case)
        if expected is None or not kept.is_file() or checksum(kept) != expected:
            return False
        _lay(kept, self._lab.folder / _name(case))
        self._lab.facts.add("resumed_cases", 1)
        return True

    def keep(self, case: str) -> None:
        """Keep the label map of a case that has just been made."""
        made = self._lab.folder / _name(case)
        _lay(made, self._scratch / _name(case))
        self._sums[case] = checksum(made)
        write_text(self._scratch / LEDGER, json.dumps({**self._with, "labels": self._sums}))


def _name(case: str) -> str:
    return f"labels/{case}.nii.gz"


def _read(path: Path, made_with: Mapping[str, object]) -> dict[str, str]:
    """The checksums by case; none where other versions or another device made them."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        said = json.loads(path.read_text(encoding="utf-8"))
        if all(said[name] == value for name, value in made_with.items()):
            return {str(case): str(expected) for case, expected in dict(said["labels"]).items()}
    return {}


def _lay(file: Path, place: Path) -> None:
    """The same file under another name; a copy where the file system knows no links."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)
