"""Where the scans lie: affines, voxel sizes, orientations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from bench.checks.data.finding import Finding, found, of_itself, opened_files, placed_files, short
from bench.data.images.grids import check_same_grid, sizes_in_words
from bench.data.images.orientations import axis_codes
from bench.data.images.volumes import canonical_spacing_mm
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.checks.data.survey import Survey

UNLIKE = 2.0  # times the median voxel size


def affine(survey: Survey) -> Iterator[Finding]:
    """Affines that cannot be inverted."""
    for case, file in opened_files(survey):
        if file.singular:
            what = f"its affine {file.singular}; expected one that says a place"
            yield found("error", "affine", case, file, what)


def headers(survey: Survey) -> Iterator[Finding]:
    """Odd headers: those that `bench run` refuses, those it warns of, and those worth knowing."""
    for case, file in placed_files(survey):
        assert file.grid is not None
        for one in file.grid.remarks:
            yield found(one.severity, one.check, case, file, of_itself(one.sentence, file))


def place(survey: Survey) -> Iterator[Finding]:
    """Files of one case that do not lie voxel on voxel."""
    for case in survey.cases:
        grids = [(file, file.grid) for file in case if file.grid is not None and not file.singular]
        for other, grid in grids[1:]:
            first, own = grids[0]
            try:
                check_same_grid(own, grid, other.path)
            except DataError as error:
                check = "shapes" if own.canonical_shape != grid.canonical_shape else "affine"
                what = f"{of_itself(str(error), other)}; its partner is {short(first)}"
                yield found("error", check, case, other, what)


def spacing(survey: Survey) -> Iterator[Finding]:
    """Voxel sizes that are unlike those of the other cases."""
    images = [(case, file) for case, file in placed_files(survey) if file is case.images[0]]
    sizes = [canonical_spacing_mm(file.grid) for _, file in images if file.grid]
    usual = np.median(sizes, axis=0) if sizes else np.ones(3)
    for (case, file), own in zip(images, sizes, strict=True):
        ratio = np.asarray(own) / usual
        if ratio.max() > UNLIKE or ratio.min() < 1 / UNLIKE:
            what = (
                f"its voxels have {sizes_in_words(own)}; the median of all cases is {sizes_in_words(usual)}"
            )
            yield found("warning", "spacing", case, file, what)


def orientation(survey: Survey) -> Iterator[Finding]:
    """Cases that are stored along other axes than most: read alike here, but maybe not by other tools."""
    codes = {
        case.name: (case, file, axis_codes(file.grid.affine))
        for case, file in placed_files(survey)
        if file is case.images[0] and file.grid is not None
    }
    if codes:
        usual = Counter(code for _, _, code in codes.values()).most_common(1)[0][0]
        for case, file, code in codes.values():
            if code != usual:
                what = f"it is stored along {code}, most cases along {usual}; all are turned to RAS when read"
                yield found("note", "orientation", case, file, what)
