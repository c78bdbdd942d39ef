"""The nearest target of points far from it: by a tree where they are few, else by a distance transform."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.metrics.arrays import Floats, Mask, Positions, Spacing

# Nanoseconds of one core. They choose between ways to the same number, so only their ratios matter.
NS_TREE_TARGET: Final = 150
NS_TREE_POINT: Final = 6_000
NS_TRANSFORM_VOXEL: Final = 120


@dataclass(frozen=True, slots=True)
class Targets:
    """The voxels to find, at least one, in both forms.

    Attributes:
        target_m: Their positions in the box, in C order.
        mask_ijk: True where one is.
    """

    target_m: Positions
    mask_ijk: Mask

    def ns_by_tree(self, num_points: int) -> int:
        """The expected nanoseconds of `by_tree`."""
        return NS_TREE_TARGET * len(self.target_m) + NS_TREE_POINT * num_points

    def ns_by_transform(self) -> int:
        """The expected nanoseconds of `by_transform`, whatever the number of points."""
        return NS_TRANSFORM_VOXEL * self.mask_ijk.size

    def ns_for(self, num_points: int) -> int:
        """The expected nanoseconds of `nearest_mm`."""
        return min(self.ns_by_tree(num_points), self.ns_by_transform())


def nearest_mm(point_n: Positions, targets: Targets, spacing_mm: Spacing) -> Floats:
    """The distance of each point to its nearest target, by what is likely quicker.

    Args:
        point_n: Positions in the box in C order, of shape (N,).
        targets: The target voxels of the box.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        One distance in mm for each point.
    """
    # A tree is quick for the few points that a good prediction leaves, and collapses on noise.
    search = by_tree if targets.ns_by_tree(len(point_n)) < targets.ns_by_transform() else by_transform
    return search(point_n, targets, spacing_mm)


def by_tree(point_n: Positions, targets: Targets, spacing_mm: Spacing) -> Floats:
    """The distance of each point to its nearest target, by a k-d tree of the targets.

    Args:
        point_n: Positions in the box in C order, of shape (N,).
        targets: The target voxels of the box.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        One distance in mm for each point.
    """
    from scipy.spatial import cKDTree

    shape = targets.mask_ijk.shape
    # Voxels lie evenly enough that a balanced tree would cost more than it saves.
    tree = cKDTree(
        _place_n3(targets.target_m, shape) * spacing_mm, leafsize=32, balanced_tree=False, compact_nodes=False
    )
    distance_n, _ = tree.query(_place_n3(point_n, shape) * spacing_mm)
    return np.asarray(distance_n, dtype=np.float64)


def by_transform(point_n: Positions, targets: Targets, spacing_mm: Spacing) -> Floats:
    """The distance of each point to its nearest target, by a distance transform of the box.

    Args:
        point_n: Positions in the box in C order, of shape (N,).
        targets: The target voxels of the box.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        One distance in mm for each point.
    """
    from scipy.ndimage import distance_transform_edt

    # Only which voxel is nearest: the distances of the whole box would take three more float64 volumes.
    nearest_3ijk = distance_transform_edt(
        ~targets.mask_ijk, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    nearest_n3 = np.asarray(nearest_3ijk).reshape(3, -1)[:, point_n].T
    apart_n3 = (_place_n3(point_n, targets.mask_ijk.shape) - nearest_n3) * spacing_mm
    return np.asarray(np.sqrt((apart_n3**2).sum(axis=1)), dtype=np.float64)


def _place_n3(point_n: Positions, shape: tuple[int, ...]) -> Positions:
    return np.stack(np.unravel_index(point_n, shape), axis=1)
