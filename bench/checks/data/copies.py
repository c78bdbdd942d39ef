"""The same voxels under two names, and test cases that are training cases."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.checks.data.finding import Finding, found, opened_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.checks.data.survey import CaseFacts, FileFacts, Survey


def duplicates(survey: Survey) -> Iterator[Finding]:
    """The same voxels under two names."""
    for kind, group in _equal(survey):
        for (other, first), (case, file) in pairwise(group):
            elsewhere = "" if _same_place(first, file) else ", under another affine"
            what = f"its {kind} holds the voxels of the {kind} of {other.name}{elsewhere}; expected others"
            yield found("warning", "duplicates", case, file, what)


def leaks(survey: Survey) -> Iterator[Finding]:
    """Test cases that are training cases under another name.

    An equal label map under another image is no error: it may be drawn, or be chance where a structure is
    small. ``bench run`` refuses where this is an error (docs/decisions/0028).
    """
    by_seed = bool(survey.listing.test_by_seed)
    copied: set[str] = set()
    for kind, group in sorted(_equal(survey), key=lambda found: found[0] != "image"):
        known = [(case, file) for case, file in group if case.role == "train"]
        tests = [(case, file) for case, file in group if case.role == "test"]
        if by_seed and len(known) > 1:
            known, tests = known[:1], known[1:]
        if known:
            seen = known[0][0].name
            when = " for some seeds" if by_seed else ""
            for case, file in tests:
                what = f"its {kind} is tested on{when} and holds the voxels of the training case {seen}"
                if kind == "image":
                    copied.add(case.name)
                elif case.name not in copied:
                    what += ", under another image"
                yield found("error" if case.name in copied else "warning", "leaks", case, file, what)


def _equal(survey: Survey) -> Iterable[tuple[str, list[tuple[CaseFacts, FileFacts]]]]:
    """Kind and files of equal voxels; empty label maps are equal without being copies."""
    groups: dict[tuple[str, str], list[tuple[CaseFacts, FileFacts]]] = defaultdict(list)
    for case, file in opened_files(survey):
        is_telling = file.kind == "image" or (file.kind == "label" and any(file.counts))
        if file.voxels and is_telling and all(low < high for low, high in file.ranges):
            groups[file.kind, file.voxels].append((case, file))
    return [(kind, group) for (kind, _), group in groups.items() if len(group) > 1]


def _same_place(one: FileFacts, other: FileFacts) -> bool:
    assert one.grid is not None
    assert other.grid is not None
    return np.allclose(one.grid.affine, other.grid.affine, atol=1e-3, equal_nan=True)
