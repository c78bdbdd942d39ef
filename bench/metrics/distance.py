"""Distances in mm from the border voxels of one mask to the nearest border voxel of the other."""

from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np

from bench.metrics.arrays import Floats, Positions, Spacing, Triple
from bench.metrics.border import PREDICTED, REFERENCE, Borders
from bench.metrics.nearest import Targets, nearest_mm

REACH: Final = 5  # voxels along the finest axis
MAX_STEPS: Final = 260
FEW: Final = 400  # points so few that looking at all steps at once costs less than a loop

NS_STEP: Final = 5  # for one point on one core, on the scale of bench.metrics.nearest


@lru_cache(maxsize=32)
def ring(spacing_mm: Spacing) -> tuple[Positions, Floats]:
    """Every step to a voxel nearby, nearest first; no voxel that is left out is nearer than the last.

    Args:
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        Steps in voxels of shape (S, 3), without the step to itself, and their lengths in mm of shape (S,).
    """
    limit_mm = (REACH + 1) * min(spacing_mm)
    reaches = [min(REACH, int(limit_mm / step)) for step in spacing_mm]
    step_s3 = np.array(list(product(*(range(-reach, reach + 1) for reach in reaches))), dtype=np.intp)
    length_s = np.sqrt(((step_s3 * np.asarray(spacing_mm)) ** 2).sum(axis=1))
    order_s = np.argsort(length_s, kind="stable")
    order_s = order_s[(length_s[order_s] < limit_mm * (1 - 1e-9)) & (length_s[order_s] > 0)][:MAX_STEPS]
    return step_s3[order_s], length_s[order_s]


def margin_of(spacing_mm: Spacing) -> Triple:
    """The empty voxels that `both_ways` needs around a box so that no step of the ring leaves it.

    Args:
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        Voxels on each side of I, J, K, at least 1.
    """
    widest_3 = np.maximum(np.abs(ring(spacing_mm)[0]).max(axis=0), 1)
    return int(widest_3[0]), int(widest_3[1]), int(widest_3[2])


def both_ways(borders: Borders, spacing_mm: Spacing) -> tuple[Floats, Floats]:
    """The directed surface distances, from the prediction to the reference and back.

    Args:
        borders: Border voxels in a box with the margin of `margin_of`; both masks have target voxels.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        Two ascending arrays in mm, one value for each source voxel of the prediction and of the reference.
    """
    point_n = np.flatnonzero(borders.target_ijk != 0)
    source_n = borders.source_ijk.reshape(-1)[point_n]
    target_n = borders.target_ijk.reshape(-1)[point_n]
    directed = []
    for own, other in ((PREDICTED, REFERENCE), (REFERENCE, PREDICTED)):
        is_own_n, is_other_n = (source_n & own) != 0, (target_n & other) != 0
        apart_n = point_n[is_own_n & ~is_other_n]
        targets = Targets(point_n[is_other_n], (borders.target_ijk & other) != 0)
        num_coincident = np.count_nonzero(is_own_n) - len(apart_n)
        directed.append(np.concatenate([np.zeros(num_coincident), _apart_mm(apart_n, targets, spacing_mm)]))
    return directed[0], directed[1]


def _apart_mm(point_n: Positions, targets: Targets, spacing_mm: Spacing) -> Floats:
    """Ascending distances of points that are no targets themselves."""
    step_s3, length_s = ring(spacing_mm)
    _, num_j, num_k = targets.mask_ijk.shape
    step_s = step_s3 @ np.array([num_j * num_k, num_k, 1], dtype=np.intp)
    found_s, far_n = _walked(point_n, step_s, targets)
    near_n = np.repeat(length_s, found_s)
    if not len(far_n):
        return near_n
    return np.concatenate([near_n, np.sort(nearest_mm(far_n, targets, spacing_mm))])


def _walked(point_n: Positions, step_s: Positions, targets: Targets) -> tuple[Positions, Positions]:
    """How many points found their target at each step, and the points that found none."""
    is_target_v = targets.mask_ijk.reshape(-1)
    found_s = np.zeros(len(step_s), dtype=np.intp)
    ns_spent = 0
    for number, step in enumerate(step_s.tolist()):
        if len(point_n) <= FEW:
            hit_ns = is_target_v[point_n[:, None] + step_s[number:]]
            is_found_n = hit_ns.any(axis=1)
            np.add.at(found_s, number + hit_ns[is_found_n].argmax(axis=1), 1)
            return found_s, point_n[~is_found_n]
        miss_n = ~is_target_v[point_n + step]
        left_n = point_n[miss_n]
        found_s[number] = len(point_n) - len(left_n)
        # Where the masks lie far apart, walking is in vain: give up at half the price of the search to come.
        ns_spent += NS_STEP * len(point_n)
        point_n = left_n
        if 2 * ns_spent > targets.ns_for(len(point_n)):
            break
    return found_s, point_n
