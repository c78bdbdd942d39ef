"""The metrics of two masks that are both there, from their surface distances; and these, by the fast path."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from bench.metrics.arrays import Floats, Mask, Spacing
from bench.metrics.border import BORDERS
from bench.metrics.definition import diagonal_mm
from bench.metrics.distance import both_ways, margin_of

Distances = Callable[[str, Mask, Mask, Spacing], tuple[Floats, Floats]]
"""Definition and two masks -> the directed surface distances, forth and back, each ascending, in mm."""


def hvsmr2016_values(
    distances: Distances, predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing
) -> dict[str, float]:
    """The metrics of the COVALIC evaluator behind HVSMR 2016.

    A mask that fills the whole volume has no border, and ITK's distance map of it no zero: its distance is
    the volume's diagonal, or 0 if both masks fill it.

    Args:
        distances: How the distances are found.
        predicted_ijk: The predicted structure in the volume, not empty.
        reference_ijk: The reference structure, of the same shape, not empty.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        `dice`; `adb`, the mean of the two directed mean distances, in mm; `hdd`, the larger of the two
        directed 95th percentiles, in mm, each one of the distances (position 0.95 (n-1), rounded down).
    """
    dice = _dice(predicted_ijk, reference_ijk)
    full = [bool(mask_ijk.all()) for mask_ijk in (predicted_ijk, reference_ijk)]
    if any(full):
        mm = 0.0 if all(full) else diagonal_mm(predicted_ijk.shape, spacing_mm)
        return {"dice": dice, "adb": mm, "hdd": mm}
    forth_n, back_n = distances("hvsmr2016", predicted_ijk, reference_ijk, spacing_mm)
    hdd = max(ascending_n[int(0.95 * (len(ascending_n) - 1))] for ascending_n in (forth_n, back_n))
    return {"dice": dice, "adb": float(forth_n.mean() + back_n.mean()) / 2, "hdd": float(hdd)}


def medpy_values(
    distances: Distances, predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing
) -> dict[str, float]:
    """The metrics of medpy, without medpy.

    Args:
        distances: How the distances are found.
        predicted_ijk: The predicted structure in the volume, not empty.
        reference_ijk: The reference structure, of the same shape, not empty.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        `dice`; in mm `adb` (assd: the mean of both directions together, as in medpy from 0.5.2; earlier it
        was the mean of the two directed means), `hdd` (hd: the largest distance) and `hd95` (the interpolated
        95th percentile of both directions together).
    """
    forth_n, back_n = distances("medpy", predicted_ijk, reference_ijk, spacing_mm)
    distance_n = np.concatenate([forth_n, back_n])
    return {
        "dice": _dice(predicted_ijk, reference_ijk),
        "adb": float(distance_n.mean()),
        "hdd": float(distance_n.max()),
        "hd95": float(np.percentile(distance_n, 95)),
    }


VALUES: Final[Mapping[str, Callable[[Distances, Mask, Mask, Spacing], dict[str, float]]]] = {
    "hvsmr2016": hvsmr2016_values,
    "medpy": medpy_values,
}


def _dice(predicted_ijk: Mask, reference_ijk: Mask) -> float:
    num_both = np.count_nonzero(predicted_ijk & reference_ijk)
    return float(2 * num_both / (np.count_nonzero(predicted_ijk) + np.count_nonzero(reference_ijk)))


def fast_distances(
    definition: str, predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing
) -> tuple[Floats, Floats]:
    """Inside the bounding box of both, by the ring of near voxels first (see `distance.both_ways`)."""
    box = _box(predicted_ijk | reference_ijk)
    borders = BORDERS[definition](predicted_ijk[box], reference_ijk[box], margin_of(spacing_mm))
    return both_ways(borders, spacing_mm)


def _box(union_ijk: Mask) -> tuple[slice, ...]:
    """The bounding box with one voxel of background around it, as far as the volume reaches."""
    plane_jk = np.any(union_ijk, axis=0)
    row_i = np.any(union_ijk.reshape(len(union_ijk), -1), axis=1)
    positions = [
        np.flatnonzero(row_n) for row_n in (row_i, np.any(plane_jk, axis=1), np.any(plane_jk, axis=0))
    ]
    return tuple(slice(max(int(at_n[0]) - 1, 0), int(at_n[-1]) + 2) for at_n in positions)
