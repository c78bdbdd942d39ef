"""What the files hold: whether they can be read, shapes, intensities, labels, structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.checks.data.finding import Finding, found, of_itself, opened_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.checks.data.survey import Survey


def listing(survey: Survey) -> Iterator[Finding]:
    """Contradictions in the description of the folder, and its files that are not used."""
    yield from (Finding("error", "listing", "", "", sentence) for sentence in survey.complaints)
    yield from (Finding("note", "listing", "", "", sentence) for sentence in survey.listing.notes)


def readable(survey: Survey) -> Iterator[Finding]:
    """Files that are missing, truncated or no images."""
    for case in survey.cases:
        for file in case:
            if file.trouble:
                yield found("error", "readable", case, file, of_itself(file.trouble, file))


def shapes(survey: Survey) -> Iterator[Finding]:
    """Numbers of axes and channels that the data set does not say."""
    wanted = len(survey.listing.channels)
    for case in survey.cases:
        known = [file for file in case.images if file.shape]
        channels = sum(file.shape[3] if len(file.shape) == 4 else 1 for file in known)
        if len(known) == len(case.images) and channels != wanted:
            what = f"it has {channels} channels; expected {wanted}: {', '.join(survey.listing.channels)}"
            yield found("error", "shapes", case, case.images[0], what)
        for file in (case.label, case.mask):
            if file is not None and len(file.shape) == 4 and file.shape[3] != 1:
                what = f"it has the shape {file.shape}; a {file.kind} has three axes"
                yield found("error", "shapes", case, file, what)


def intensities(survey: Survey) -> Iterator[Finding]:
    """NaN, infinite and constant images; empty masks."""
    for case, file in opened_files(survey):
        if file.num_not_finite and file.kind != "label":
            what = f"{file.num_not_finite} of its voxels are NaN or infinite; expected numbers"
            yield found("error", "intensities", case, file, what)
        if file.kind == "image":
            for number, (low, high) in enumerate(file.ranges):
                if low == high:
                    channel = f"channel {number}" if len(file.ranges) > 1 else "it"
                    yield found(
                        "error", "intensities", case, file, f"{channel} is constant ({low:g}): nothing to see"
                    )
        if file.kind == "mask" and file.ranges and file.ranges[0][1] <= 0:
            yield found("error", "intensities", case, file, "its mask is empty: no voxel is above 0")


def labels(survey: Survey) -> Iterator[Finding]:
    """Numbers in a label map that are no labels of the data set."""
    top = len(survey.listing.structures)
    for case, file in opened_files(survey):
        if file.kind != "label":
            continue
        if file.num_not_finite:
            yield found(
                "error", "labels", case, file, f"{file.num_not_finite} of its voxels are NaN or infinite"
            )
        if odd := [value for value in file.counts if value != round(value)]:
            what = f"it holds {len(odd)} numbers that are no integers, such as {odd[0]:g}; expected 0..{top}"
            yield found("error", "labels", case, file, what)
        outside = [value for value in file.counts if value == round(value) and not 0 <= value <= top]
        if outside:
            listed = ", ".join(f"{value:g} ({file.counts[value]} voxels)" for value in outside[:5])
            yield found("error", "labels", case, file, f"it holds {listed}; expected 0..{top}")


def structures(survey: Survey) -> Iterator[Finding]:
    """Structures that a label map has no voxel of, and those that none has."""
    named = dict(enumerate(survey.listing.structures, 1))
    read = [(case, file) for case, file in opened_files(survey) if file.kind == "label" and file.counts]
    nowhere = {n for n in named if all(n not in file.counts for _, file in read)} if read else set()
    for number in sorted(nowhere):
        what = f"label {number} ({named[number]}) is in none of {len(read)} label maps; expected in some"
        yield Finding("error", "structures", "", "", what)
    for case, file in read:
        absent = [number for number in named if number not in file.counts]
        if len(absent) == len(named):
            yield found(
                "warning", "structures", case, file, "it holds no structure at all: all is background"
            )
        elif set(absent) - nowhere:
            listed = ", ".join(f"{n} ({named[n]})" for n in absent if n not in nowhere)
            yield found("note", "structures", case, file, f"it has no voxel of {listed}")
