"""Surface distances as their definitions read, on the whole volume: what the fast path is held to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.metrics.arrays import Floats, Mask, Spacing


@dataclass(frozen=True, slots=True)
class Borders:
    """Which voxels a definition measures from, and to: the connectivity of the erosion that leaves them."""

    start: int
    end: int
    edge_is_border: bool


BORDERS: Final[Mapping[str, Borders]] = {
    # Distances start at ITK's ball border and end at its fully connected contour.
    "hvsmr2016": Borders(start=2, end=3, edge_is_border=False),
    "medpy": Borders(start=1, end=1, edge_is_border=True),
}


def plain_distances(
    definition: str, predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing
) -> tuple[Floats, Floats]:
    """By erosion and distance transform; `surface.Distances`."""
    rule = BORDERS[definition]

    def directed(from_ijk: Mask, to_ijk: Mask) -> Floats:
        start_ijk = _border(from_ijk, rule.start, edge_is_border=rule.edge_is_border)
        end_ijk = _border(to_ijk, rule.end, edge_is_border=rule.edge_is_border)
        return np.sort(_distance_mm(end_ijk, spacing_mm)[start_ijk])

    return directed(predicted_ijk, reference_ijk), directed(reference_ijk, predicted_ijk)


def _border(mask_ijk: Mask, connectivity: int, *, edge_is_border: bool) -> Mask:
    from scipy import ndimage

    neighbours = ndimage.generate_binary_structure(3, connectivity)
    inside_ijk = ndimage.binary_erosion(mask_ijk, neighbours, border_value=0 if edge_is_border else 1)
    return np.asarray(mask_ijk & ~inside_ijk)


def _distance_mm(border_ijk: Mask, spacing_mm: Spacing) -> Floats:
    """The distance of every voxel to the nearest border voxel, in mm."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(~border_ijk, sampling=spacing_mm), dtype=np.float64)
