"""``edge``: balls added and removed at a share of the voxels of a structure's edge."""

# Legend: I J K voxel axes of the box around one structure, N classes, F flips.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from scipy import ndimage

from bench.data.noise.ledger import Flips, merged, spend, wanted_voxels
from bench.data.noise.surroundings import places, surroundings
from bench.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Spacing


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A ragged boundary: bumps and dents of one radius at drawn places of it."""

    name: ClassVar[str] = "edge"
    what: ClassVar[str] = "balls added and removed at places of the boundary"
    reference: ClassVar[str] = "PyMIC_examples, seg_noisy_label/JSRT (noise_simulate.py)"
    limit: ClassVar[str] = (
        "bumps and dents have eaten what they can, or other structures whose own rate is met lie in the way"
    )

    share: float = 0.1  # of the voxels of the edge that are a ball's centre; PyMIC_examples
    bumps: float = 0.5  # share of the balls that are added; ours: 0021

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 < self.share <= 1:
            raise UsageError(f"edge.share {self.share} must be in (0, 1].")
        if not 0 <= self.bumps <= 1:
            raise UsageError(f"edge.bumps {self.bumps} must be in [0, 1].")

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the radius of the balls in mm."""
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        proposed = [
            (self._flips(clean.label_ijk, structure, clean.spacing_mm, clean.rng), int(wanted_n[structure]))
            for structure in (1 + clean.rng.permutation(clean.classes - 1)).tolist()
            if wanted_n[structure] > 0
        ]
        return spend(clean.label_ijk, merged(proposed), wanted_n)

    def _flips(
        self, label_ijk: NDArray[np.uint8], structure: int, spacing_mm: Spacing, rng: np.random.Generator
    ) -> Flips:
        """The voxels that growing balls reach, nearest first; a voxel is its nearest centre's."""
        around = surroundings(label_ijk, structure, spacing_mm)
        mask_ijk = around.mask_ijk
        edge_f = np.flatnonzero(mask_ijk & ~ndimage.binary_erosion(mask_ijk, border_value=1))
        if not len(edge_f):  # it fills the volume
            return Flips(edge_f, np.zeros(0, np.uint8))
        number = max(round(self.share * len(edge_f)), 1)
        centre_f = rng.choice(edge_f, number, replace=False)
        is_bump_ijk = np.zeros(mask_ijk.shape, np.bool_)
        is_bump_ijk.reshape(-1)[centre_f] = rng.random(number) < self.bumps
        is_none_ijk = np.ones(mask_ijk.shape, np.bool_)
        is_none_ijk.reshape(-1)[centre_f] = False
        far_ijk, nearest = ndimage.distance_transform_edt(
            is_none_ijk, sampling=spacing_mm, return_indices=True
        )
        flips_ijk = is_bump_ijk[tuple(nearest)] != mask_ijk
        far_f = far_ijk[flips_ijk].round(6)
        order_f = np.lexsort((rng.random(len(far_f)), far_f))
        to_f = np.where(mask_ijk, around.other_ijk, structure).astype(np.uint8)[flips_ijk]
        return Flips(places(around.box, label_ijk.shape, flips_ijk)[order_f], to_f[order_f])
