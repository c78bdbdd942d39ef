"""Scores of label maps of any tool: of two arrays, two files, or two folders case by case."""

from __future__ import annotations

import logging
import os
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.data.images.grids import check_same_grid, spacing_of
from bench.data.images.volumes import canonical_spacing_mm, read_label
from bench.data.label_pairs import pairs, structures_of
from bench.errors import DataError, UsageError, unknown
from bench.metrics import METRICS_OF, overall, with_iou
from bench.metrics import score as measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bench.data.images.grids import SpacingFrom
    from bench.metrics.arrays import Labels, Spacing


LOGGER = logging.getLogger(__name__)
ALL = "all"
"""The structure that the overall score of a case is recorded under."""


class LabelScore(NamedTuple):
    """One number about one structure of one case."""

    case: str  # empty for two arrays
    structure: str  # the label as text, or `all`
    metric: str
    value: float
    unit: str
    definition: str
    status: str


def score(
    predicted: str | os.PathLike[str] | NDArray[np.integer],
    reference: str | os.PathLike[str] | NDArray[np.integer],
    *,
    spacing_mm: tuple[float, float, float] | None = None,
    structures: Sequence[int] | None = None,
    definition: str = "hvsmr2016",
    spacing_from: str = "",
) -> pd.DataFrame:
    """Score a predicted label map against its reference, or a folder of them.

    Args:
        predicted: An integer array (I, J, K), a file, or a folder whose files are matched by name.
        reference: The same kind of thing.
        spacing_mm: Voxel size along I, J, K; for arrays alone, for files have it in their headers.
        structures: The labels to measure; every label above 0 that is there where None.
        definition: "hvsmr2016" (ADB, and HDD as the 95th percentile) or "medpy" (assd, hd and hd95).
        spacing_from: "pixdim" or "sform": which voxel size holds where a header contradicts itself.

    Returns:
        A row for each case, structure and metric: ``case`` (empty for arrays), ``structure`` (the label as
        text; "all" for the overall score), ``metric``, ``value``, ``unit``, ``definition``, ``status``.

    Raises:
        UsageError: A definition or structure that cannot be; arrays without a spacing.
        DataError: A file is missing or invalid, or the two label maps do not lie voxel on voxel.

    Example:
        >>> import bench, numpy
        >>> reference = numpy.zeros((8, 8, 8), numpy.uint8)
        >>> reference[2:6, 2:6, 2:6] = 1
        >>> scores = bench.score(numpy.roll(reference, 1, axis=0), reference, spacing_mm=(2.0, 1.0, 1.0))
        >>> scores.set_index(["structure", "metric"])["value"].round(3)["1"].to_dict()
        {'dice': 0.75, 'iou': 0.6, 'adb': 0.643, 'hdd': 2.0}
    """
    import pandas as pd

    if isinstance(predicted, str | os.PathLike) and isinstance(reference, str | os.PathLike):
        if spacing_mm is not None:
            raise UsageError("spacing_mm is for arrays; files have their voxel size in their headers.")
        return pd.DataFrame(
            score_paths(
                Path(predicted),
                Path(reference),
                definition=definition,
                structures=structures,
                spacing_from=spacing_from,
            )
        )
    if isinstance(predicted, str | os.PathLike) or isinstance(reference, str | os.PathLike):
        raise UsageError("one label map is a path and the other an array; give two paths or two arrays.")
    if spacing_mm is None:
        raise UsageError("arrays have no voxel size; give it as spacing_mm=(1.5, 1.0, 1.0).")
    return pd.DataFrame(
        score_arrays(predicted, reference, spacing_mm, definition=definition, structures=structures)
    )


def score_paths(
    predicted: Path,
    reference: Path,
    *,
    definition: str,
    structures: Sequence[int] | None = None,
    spacing_from: str = "",
) -> list[LabelScore]:
    """The scores of two label maps, or of two folders whose files are matched by name.

    Args:
        predicted: A label map or a folder of them.
        reference: A label map or a folder of them.
        definition: One of ``DEFINITIONS`` of ``bench.metrics``.
        structures: The labels to measure; every label above 0 that any of the label maps has where None.
        spacing_from: ``pixdim`` or ``sform``: which voxel size holds where both are in a header and
            contradict each other.

    Raises:
        UsageError: No such definition or spacing, or a structure that is no label above 0.
        DataError: Something is missing, or does not lie on the same grid.
    """
    _check_definition(definition)
    held = spacing_of(spacing_from)
    cases = pairs(predicted, reference)
    labels = structures_of(cases, held) if structures is None else _checked(structures)
    return [
        row
        for case, one, other in cases
        for row in score_pair(case, one, other, definition, labels, spacing_from=held)
    ]


def score_pair(
    case: str,
    predicted: Path,
    reference: Path,
    definition: str,
    structures: Sequence[int],
    *,
    spacing_from: SpacingFrom = "",
) -> list[LabelScore]:
    """The scores of one case; structures by their number, the overall score under ``all``.

    Raises:
        DataError: A file is missing, damaged or no label map, or the two do not lie on the same grid.
    """
    predicted_ijk, own = read_label(predicted, spacing_from=spacing_from)
    reference_ijk, grid = read_label(reference, spacing_from=spacing_from)
    for sentence in (*own.warnings, *grid.warnings):
        LOGGER.warning(f"warning: {sentence}")
    check_same_grid(grid, own, predicted)
    return _scores(case, predicted_ijk, reference_ijk, canonical_spacing_mm(grid), structures, definition)


def score_arrays(
    predicted_ijk: Labels,
    reference_ijk: Labels,
    spacing_mm: Spacing,
    *,
    definition: str,
    structures: Sequence[int] | None = None,
) -> list[LabelScore]:
    """The scores of two label maps in memory.

    Args:
        predicted_ijk: Integers of shape (I, J, K).
        reference_ijk: Integers of the same shape.
        spacing_mm: Voxel size along I, J, K, in mm.
        definition: One of ``DEFINITIONS`` of ``bench.metrics``.
        structures: The labels to measure; every label above 0 that either of the two has where None.

    Raises:
        UsageError: No such definition, or a structure that is no label above 0.
        DataError: Shapes or types of the arrays, or the spacing, are refused; or there is no structure.
    """
    import numpy as np

    _check_definition(definition)
    for array in (predicted_ijk, reference_ijk):
        if array.dtype.kind not in "biu":
            raise DataError(f"a label map holds {array.dtype}; expected integers, as array.astype('uint8').")
    if structures is None:
        labels: Sequence[int] = sorted(
            {int(n) for array in (predicted_ijk, reference_ijk) for n in np.unique(array)} - {0}
        )
    else:
        labels = _checked(structures)
    if not labels:
        raise DataError(
            "the two label maps hold no label above 0, so there is no structure to measure; "
            "expected a structure in at least one of them."
        )
    return _scores("", predicted_ijk, reference_ijk, spacing_mm, labels, definition)


def _scores(
    case: str,
    predicted_ijk: Labels,
    reference_ijk: Labels,
    spacing_mm: Spacing,
    structures: Sequence[int],
    definition: str,
) -> list[LabelScore]:
    """The scores of two label maps.

    Raises:
        DataError: The metrics refuse the shapes, the spacing or a label.
    """
    try:
        measures = measured(predicted_ijk, reference_ijk, spacing_mm, structures, definition=definition)
    except ValueError as error:
        raise DataError(f"{case}: {error}." if case else f"{error}.") from error
    return [
        LabelScore(
            case=case,
            structure=str(measure.structure) if measure.structure else ALL,
            metric=measure.metric,
            value=measure.value,
            unit=measure.unit,
            definition=measure.definition,
            status=measure.status,
        )
        for measure in [*with_iou(measures), overall(measures)]
    ]


def _check_definition(definition: str) -> None:
    if definition not in METRICS_OF:
        raise unknown("definition", definition, METRICS_OF)


def _checked(structures: Sequence[int]) -> Sequence[int]:
    """The structures that a caller named, each once.

    Raises:
        UsageError: None, or one that is no label above 0.
    """
    try:
        labels = tuple(dict.fromkeys(map(index, structures)))
    except TypeError:
        labels = ()
    if not labels or min(labels) < 1:
        raise UsageError(f"structures {list(structures)} must be labels from 1 up; 0 is the background.")
    return labels
