"""Where the scans lie: affines, voxel sizes, orientations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from bench.data.checks.finding import Finding, found, of_itself, opened_files, placed_files, short
from bench.data.grids import check_same_grid
from bench.data.nifti import axis_codes
from bench.data.volumes import canonical_spacing_mm
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.data.survey import Survey

SHEARED = 0.002  # cosine between two axes that should stand upright on each other: a tenth of a degree
SIZES_MM = (0.01, 50.0)  # of a voxel
UNLIKE = 2.0  # times the median voxel size
AGREE = 1e-3  # between the voxel size of a header and that of its affine


def affine(survey: Survey) -> Iterator[Finding]:
    """Affines that cannot be inverted, and axes that are not upright on each other."""
    for case, file in opened_files(survey):
        if file.singular:
            yield found(
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
            yield found("warning", "affine", case, file, what)


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
                what = f"{of_itself(str(error), other)}; its partner is {short(first)}"
                yield found("error", check, case, other, what)


def spacing(survey: Survey) -> Iterator[Finding]:
    """Voxel sizes that are absurd, contradict the affine, or are unlike those of the other cases."""
    images = [file.grid for case, file in placed_files(survey) if file is case.images[0] and file.grid]
    usual = np.median([canonical_spacing_mm(grid) for grid in images], axis=0) if images else np.ones(3)
    for case, file in placed_files(survey):
        assert file.grid is not None
        own = canonical_spacing_mm(file.grid)
        lengths = np.linalg.norm(file.grid.affine[:3, :3], axis=0)
        if not np.allclose(file.zooms_mm, lengths, rtol=AGREE, atol=0):
            what = (
                f"its header says voxels of {_mm(file.zooms_mm)}; its affine, which is taken, {_mm(lengths)}"
            )
            yield found("warning", "spacing", case, file, what)
        if min(own) < SIZES_MM[0] or max(own) > SIZES_MM[1]:
            what = f"its voxels have {_mm(own)}; expected {SIZES_MM[0]} to {SIZES_MM[1]:g} mm"
            yield found("warning", "spacing", case, file, what)
        ratio = np.asarray(own) / usual
        if file is case.images[0] and (ratio.max() > UNLIKE or ratio.min() < 1 / UNLIKE):
            what = f"its voxels have {_mm(own)}; the median of all cases is {_mm(usual)}"
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


def _mm(sizes: Iterable[float]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes) + " mm"
