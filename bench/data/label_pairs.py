"""Two label maps, or those of two folders, case by case: what scoring and measuring noise compare."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from bench.data.images.volumes import read_label
from bench.data.sources.found_files import ENDINGS, case_of, not_used, scans_in
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.data.images.grids import SpacingFrom

LOGGER = logging.getLogger(__name__)


def pairs(predicted: Path, reference: Path) -> list[tuple[str, Path, Path]]:
    """Case, prediction and reference, sorted by case; every reference must have its prediction.

    Files of a folder that are no label maps are named in a logged note.

    Raises:
        DataError: Something is missing, a folder has a case twice, or one is a folder and the other a file.
    """
    for path in (predicted, reference):
        if not path.exists():
            raise DataError(f"{path} does not exist.")
    if predicted.is_dir() != reference.is_dir():
        raise DataError("one of the two is a folder and the other a file; give two files or two folders.")
    if not reference.is_dir():
        return [(case_of(reference.name) or reference.name, predicted, reference)]
    there, wanted = _label_maps(predicted), _label_maps(reference)
    if not wanted:
        raise DataError(f"{reference} holds no label map; expected files that end with {', '.join(ENDINGS)}.")
    if missing := sorted(set(wanted) - set(there)):
        raise DataError(
            f"{predicted} lacks {len(missing)} of {len(wanted)} cases, the first is {missing[0]}."
        )
    if extra := sorted(set(there) - set(wanted)):
        raise DataError(
            f"{reference} lacks {len(extra)} cases that {predicted} has, the first is {extra[0]}."
        )
    return [(case, there[case], wanted[case]) for case in sorted(wanted)]


def structures_of(found: Sequence[tuple[str, Path, Path]], spacing_from: SpacingFrom = "") -> tuple[int, ...]:
    """The structures of a call, the same for all its cases: every label above 0 that any label map has.

    A number that no label map has is no structure: measured as empty on both sides it would have a Dice of 1.

    Raises:
        DataError: A label map cannot be read, or none has a structure.
    """
    paths = [path for _, *both in found for path in both]
    maps = (read_label(path, spacing_from=spacing_from)[0] for path in paths)
    labels = {int(label) for label_ijk in maps for label in np.unique(label_ijk)} - {0}
    if not labels:
        _, first, other = found[0]
        named = f"{first} and {other}" if len(found) == 1 else f"{first.parent} and {other.parent}"
        raise DataError(
            f"the label maps of {named} hold no label above 0, so there is no structure to measure; "
            "expected a structure in at least one of them."
        )
    return tuple(sorted(labels))


def _label_maps(folder: Path) -> Mapping[str, Path]:
    found = scans_in(folder)
    if sentence := not_used(folder, found.left_out):
        LOGGER.warning(f"note: {sentence}")
    return found.scans
