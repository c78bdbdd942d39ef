"""What can be wrong with a data set: one function a check, each given the whole survey.

A new check is one function and one line in ``CHECKS``. An error is what no stage could use or what makes
scores meaningless, a warning what someone should look at, a note what is worth knowing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.data.grids import check_same_grid
from bench.data.nifti import axis_codes
from bench.data.volumes import canonical_spacing_mm
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.data.survey import CaseFacts, FileFacts, Survey

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
SHEARED = 0.002  # cosine between two axes that should stand upright on each other: a tenth of a degree
SIZES_MM = (0.01, 50.0)  # of a voxel
UNLIKE = 2.0  # times the median voxel size
AGREE = 1e-3  # between the voxel size of a header and that of its affine


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is amiss; case and file are empty where it is in no single one."""

    severity: Severity
    check: str
    case: str
    file: str
    what: str  # what was found, and what is expected


def findings(survey: Survey) -> list[Finding]:
    """All that all checks find; errors first, then by case."""
    found = [finding for check in CHECKS for finding in check(survey)]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def _of(severity: Severity, check: str, case: CaseFacts, file: FileFacts, what: str) -> Finding:
    return Finding(severity, check, case.name, str(file.path), what)


def _files(survey: Survey) -> Iterator[tuple[CaseFacts, FileFacts]]:
    """Every file that could be opened, with its case."""
    yield from ((case, file) for case in survey.cases for file in case if file.grid is not None)


def _placed(survey: Survey) -> Iterator[tuple[CaseFacts, FileFacts]]:
    """Every file whose affine says a place, with its case."""
    yield from ((case, file) for case, file in _files(survey) if not file.singular)


def listing(survey: Survey) -> Iterator[Finding]:
    """What the folder says of itself and cannot be."""
    yield from (Finding("error", "listing", "", "", sentence) for sentence in survey.complaints)


def readable(survey: Survey) -> Iterator[Finding]:
    """Files that are missing, truncated or no images."""
    for case in survey.cases:
        for file in case:
            if file.trouble:
                yield _of("error", "readable", case, file, _of_itself(file.trouble, file))


def affine(survey: Survey) -> Iterator[Finding]:
    """Affines that cannot be inverted, and axes that are not upright on each other."""
    for case, file in _files(survey):
        if file.singular:
            yield _of(
                "error", "affine", case, file, f"its affine {file.singular}; expected one that says a place"
            )
            continue
        assert file.grid is not None
        linear = file.grid.affine[:3, :3]
        columns = linear / np.linalg.norm(linear, axis=0)
        cosine = float(np.abs(np.triu(columns.T @ columns, 1)).max())
        if cosine > SHEARED:
            degrees = np.degrees(np.arccos(min(cosine, 1.0)))
            what = f"two of its axes stand at {degrees:.1f} degrees; distances in mm are taken as if at 90"
            yield _of("warning", "affine", case, file, what)


def place(survey: Survey) -> Iterator[Finding]:
    """Files of one case that do not lie voxel on voxel."""
    for case in survey.cases:
        grids = [(file, file.grid) for file in case if file.grid is not None and not file.singular]
        for other, grid in grids[1:]:
            first, own = grids[0]
            try:
                check_same_grid(own, grid, other.path)
            except DataError as error:
                check = "shapes" if own.shape != grid.shape else "affine"
                what = f"{_of_itself(str(error), other)}; its partner is {_short(first)}"
                yield _of("error", check, case, other, what)


def spacing(survey: Survey) -> Iterator[Finding]:
    """Voxel sizes that are absurd, contradict the affine, or are unlike those of the other cases."""
    sizes = {case.name: canonical_spacing_mm(file.grid) for case, file in _placed(survey) if file.grid}
    usual = np.median(list(sizes.values()), axis=0) if sizes else np.ones(3)
    for case, file in _placed(survey):
        assert file.grid is not None
        own = canonical_spacing_mm(file.grid)
        lengths = np.linalg.norm(file.grid.affine[:3, :3], axis=0)
        if not np.allclose(file.zooms_mm, lengths, rtol=AGREE, atol=0):
            what = (
                f"its header says voxels of {_mm(file.zooms_mm)}; its affine, which is taken, {_mm(lengths)}"
            )
            yield _of("warning", "spacing", case, file, what)
        if min(own) < SIZES_MM[0] or max(own) > SIZES_MM[1]:
            what = f"its voxels have {_mm(own)}; expected {SIZES_MM[0]} to {SIZES_MM[1]:g} mm"
            yield _of("warning", "spacing", case, file, what)
        ratio = np.asarray(own) / usual
        if file is case.images[0] and (ratio.max() > UNLIKE or ratio.min() < 1 / UNLIKE):
            what = f"its voxels have {_mm(own)}; the median of all cases is {_mm(usual)}"
            yield _of("warning", "spacing", case, file, what)


def orientation(survey: Survey) -> Iterator[Finding]:
    """Cases that are stored along other axes than most: read alike here, but maybe not by other tools."""
    codes = {
        case.name: (case, file, axis_codes(file.grid.affine))
        for case, file in _placed(survey)
        if file is case.images[0] and file.grid is not None
    }
    if codes:
        usual = Counter(code for _, _, code in codes.values()).most_common(1)[0][0]
        for case, file, code in codes.values():
            if code != usual:
                what = f"it is stored along {code}, most cases along {usual}; all are turned to RAS when read"
                yield _of("note", "orientation", case, file, what)


def shapes(survey: Survey) -> Iterator[Finding]:
    """Numbers of axes and channels that the data set does not say."""
    wanted = len(survey.listing.channels)
    for case in survey.cases:
        known = [file for file in case.images if file.shape]
        channels = sum(file.shape[3] if len(file.shape) == 4 else 1 for file in known)
        if len(known) == len(case.images) and channels != wanted:
            what = f"it has {channels} channels; expected {wanted}: {', '.join(survey.listing.channels)}"
            yield _of("error", "shapes", case, case.images[0], what)
        for file in (case.label, case.mask):
            if file is not None and len(file.shape) == 4 and file.shape[3] != 1:
                what = f"it has the shape {file.shape}; a {file.kind} has three axes"
                yield _of("error", "shapes", case, file, what)


def intensities(survey: Survey) -> Iterator[Finding]:
    """NaN, infinite and constant images; empty masks."""
    for case, file in _files(survey):
        if file.num_not_finite and file.kind != "label":
            what = f"{file.num_not_finite} of its voxels are NaN or infinite; expected numbers"
            yield _of("error", "intensities", case, file, what)
        if file.kind == "image":
            for number, (low, high) in enumerate(file.ranges):
                if low == high:
                    channel = f"channel {number}" if len(file.ranges) > 1 else "it"
                    yield _of(
                        "error", "intensities", case, file, f"{channel} is constant ({low:g}): nothing to see"
                    )
        if file.kind == "mask" and file.ranges and file.ranges[0][1] <= 0:
            yield _of("error", "intensities", case, file, "its mask is empty: no voxel is above 0")


def labels(survey: Survey) -> Iterator[Finding]:
    """Numbers in a label map that are no labels of the data set."""
    top = len(survey.listing.structures)
    for case, file in _files(survey):
        if file.kind != "label":
            continue
        if file.num_not_finite:
            yield _of(
                "error", "labels", case, file, f"{file.num_not_finite} of its voxels are NaN or infinite"
            )
        if odd := [value for value in file.counts if value != round(value)]:
            what = f"it holds {len(odd)} numbers that are no integers, such as {odd[0]:g}; expected 0..{top}"
            yield _of("error", "labels", case, file, what)
        outside = [value for value in file.counts if value == round(value) and not 0 <= value <= top]
        if outside:
            listed = ", ".join(f"{value:g} ({file.counts[value]} voxels)" for value in outside[:5])
            yield _of("error", "labels", case, file, f"it holds {listed}; expected 0..{top}")


def structures(survey: Survey) -> Iterator[Finding]:
    """Structures that a label map has no voxel of, and those that none has."""
    named = dict(enumerate(survey.listing.structures, 1))
    read = [(case, file) for case, file in _files(survey) if file.kind == "label" and file.counts]
    nowhere = {n for n in named if all(n not in file.counts for _, file in read)} if read else set()
    for number in sorted(nowhere):
        what = f"label {number} ({named[number]}) is in none of {len(read)} label maps; expected in some"
        yield Finding("error", "structures", "", "", what)
    for case, file in read:
        absent = [number for number in named if number not in file.counts]
        if len(absent) == len(named):
            yield _of("warning", "structures", case, file, "it holds no structure at all: all is background")
        elif set(absent) - nowhere:
            listed = ", ".join(f"{n} ({named[n]})" for n in absent if n not in nowhere)
            yield _of("note", "structures", case, file, f"it has no voxel of {listed}")


def duplicates(survey: Survey) -> Iterator[Finding]:
    """The same voxels under two names."""
    for kind, group in _equal(survey):
        for (other, first), (case, file) in pairwise(group):
            elsewhere = "" if _same_place(first, file) else ", under another affine"
            what = f"its {kind} holds the voxels of the {kind} of {other.name}{elsewhere}; expected others"
            yield _of("warning", "duplicates", case, file, what)


def leaks(survey: Survey) -> Iterator[Finding]:
    """Test cases that are training cases under another name."""
    by_seed = bool(survey.listing.test_by_seed)
    for kind, group in _equal(survey):
        known = [(case, file) for case, file in group if case.role == "train"]
        tests = [(case, file) for case, file in group if case.role == "test"]
        if by_seed and len(known) > 1:
            known, tests = known[:1], known[1:]
        if known:
            seen = known[0][0].name
            when = " for some seeds" if by_seed else ""
            for case, file in tests:
                what = f"its {kind} is tested on{when} and holds the voxels of the training case {seen}"
                yield _of("error", "leaks", case, file, what)


def _equal(survey: Survey) -> Iterable[tuple[str, list[tuple[CaseFacts, FileFacts]]]]:
    """Kind and files of equal voxels; empty label maps are equal without being copies."""
    groups: dict[tuple[str, str], list[tuple[CaseFacts, FileFacts]]] = defaultdict(list)
    for case, file in _files(survey):
        is_telling = file.kind == "image" or (file.kind == "label" and any(file.counts))
        if file.voxels and is_telling and all(low < high for low, high in file.ranges):
            groups[file.kind, file.voxels].append((case, file))
    return [(kind, group) for (kind, _), group in groups.items() if len(group) > 1]


def _same_place(one: FileFacts, other: FileFacts) -> bool:
    assert one.grid is not None
    assert other.grid is not None
    return np.allclose(one.grid.affine, other.grid.affine, atol=1e-3, equal_nan=True)


def _of_itself(sentence: str, file: FileFacts) -> str:
    """What an error says of a file, beside whose name it stands."""
    start = f"{file.path} "
    return (f"it {sentence.removeprefix(start)}" if sentence.startswith(start) else sentence).rstrip(".")


def _short(file: FileFacts) -> str:
    """Image and label of a case often bear one name in two folders."""
    return f"{file.path.parent.name}/{file.path.name}"


def _mm(sizes: Iterable[float]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes) + " mm"


CHECKS: tuple[Callable[[Survey], Iterable[Finding]], ...] = (
    listing,
    readable,
    affine,
    place,
    spacing,
    orientation,
    shapes,
    intensities,
    labels,
    structures,
    duplicates,
    leaks,
)
