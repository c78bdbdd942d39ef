"""The metrics of two masks as their definitions read, on the whole volume: what the fast path is held to."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from bench.metrics.arrays import Floats, Mask, Spacing
from bench.metrics.definition import diagonal_mm


def hvsmr2016_values(predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing) -> dict[str, float]:
    """The metrics of the COVALIC evaluator behind HVSMR 2016; see `bench.metrics.surface`.

    Args:
        predicted_ijk: The predicted structure in the volume, not empty.
        reference_ijk: The reference structure, of the same shape, not empty.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        `dice`, and in mm `adb` and `hdd`.
    """
    dice = _dice(predicted_ijk, reference_ijk)
    if predicted_ijk.all() and reference_ijk.all():
        return {"dice": dice, "adb": 0.0, "hdd": 0.0}
    if predicted_ijk.all() or reference_ijk.all():
        mm = diagonal_mm(predicted_ijk.shape, spacing_mm)
        return {"dice": dice, "adb": mm, "hdd": mm}
    directed = []
    for from_ijk, to_ijk in ((predicted_ijk, reference_ijk), (reference_ijk, predicted_ijk)):
        # Distances start at ITK's ball border and end at its fully connected contour.
        start_ijk = _border(from_ijk, connectivity=2, edge_is_border=False)
        end_ijk = _border(to_ijk, connectivity=3, edge_is_border=False)
        directed.append(np.sort(_distance_mm(end_ijk, spacing_mm)[start_ijk]))
    return {
        "dice": dice,
        "adb": sum(float(ascending_n.mean()) for ascending_n in directed) / 2,
        "hdd": max(float(ascending_n[int(0.95 * (len(ascending_n) - 1))]) for ascending_n in directed),
    }


def medpy_values(predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing) -> dict[str, float]:
    """The metrics of medpy; see `bench.metrics.surface`.

    Args:
        predicted_ijk: The predicted structure in the volume, not empty.
        reference_ijk: The reference structure, of the same shape, not empty.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        `dice`, and in mm `adb`, `hdd` and `hd95`.
    """
    first_ijk = _border(predicted_ijk, connectivity=1, edge_is_border=True)
    second_ijk = _border(reference_ijk, connectivity=1, edge_is_border=True)
    distance_n = np.concatenate(
        [_distance_mm(second_ijk, spacing_mm)[first_ijk], _distance_mm(first_ijk, spacing_mm)[second_ijk]]
    )
    return {
        "dice": _dice(predicted_ijk, reference_ijk),
        "adb": float(distance_n.mean()),
        "hdd": float(distance_n.max()),
        "hd95": float(np.percentile(distance_n, 95)),
    }


VALUES: Final[Mapping[str, Callable[[Mask, Mask, Spacing], dict[str, float]]]] = {
    "hvsmr2016": hvsmr2016_values,
    "medpy": medpy_values,
}


def _dice(predicted_ijk: Mask, reference_ijk: Mask) -> float:
    return float(2 * (predicted_ijk & reference_ijk).sum() / (predicted_ijk.sum() + reference_ijk.sum()))


def _border(mask_ijk: Mask, *, connectivity: int, edge_is_border: bool) -> Mask:
    from scipy import ndimage

    neighbours = ndimage.generate_binary_structure(3, connectivity)
    inside_ijk = ndimage.binary_erosion(mask_ijk, neighbours, border_value=0 if edge_is_border else 1)
    return np.asarray(mask_ijk & ~inside_ijk)


def _distance_mm(border_ijk: Mask, spacing_mm: Spacing) -> Floats:
    """The distance of every voxel to the nearest border voxel, in mm."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(~border_ijk, sampling=spacing_mm), dtype=np.float64)
