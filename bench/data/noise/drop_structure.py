"""``drop-structure``: whole pieces of a structure erased, as where a person overlooks them."""

# Legend: I J K voxel axes, N classes, P pieces of one structure.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

import numpy as np
from scipy import ndimage

from bench.data.noise.ledger import wanted_voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels

_TOUCHING: Final = np.ones((3, 3, 3), np.bool_)  # faces, edges and corners: one piece is one piece
_DRAWS: Final = 50


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DropStructure:
    """Connected pieces that become background; which ones is drawn."""

    name: ClassVar[str] = "drop-structure"
    what: ClassVar[str] = "whole connected pieces of a structure erased"
    reference: ClassVar[str] = "ours: docs/decisions/0021"
    limit: ClassVar[str] = "whole pieces alone are erased"

    between: Literal["chance", "nearest"] = (
        "chance"  # ours: 0021; chance meets the rate as a mean over many cases, nearest errs least in each
    )

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the number of pieces; where the rate lies between two numbers, by ``between``."""
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        noisy_ijk = clean.label_ijk.copy()
        for structure in range(1, clean.classes):
            if wanted_n[structure] == 0:
                continue
            piece_ijk, num_pieces = ndimage.label(clean.label_ijk == structure, structure=_TOUCHING)
            voxels_p = np.bincount(piece_ijk.ravel(), minlength=num_pieces + 1)
            dropped_p = self._dropped(voxels_p, int(wanted_n[structure]), clean.rng)
            noisy_ijk[dropped_p[piece_ijk]] = 0
        return noisy_ijk

    def _dropped(
        self, voxels_p: NDArray[np.int64], wanted: int, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """Which pieces are erased; piece 0 is what is not of the structure."""
        below, above = _on_both_sides(voxels_p, wanted, rng)
        least, most = int(voxels_p[below].sum()), int(voxels_p[above].sum())
        drawn = rng.random()
        share = 0.0 if most == least else (wanted - least) / (most - least)
        chosen = above if share > (drawn if self.between == "chance" else 0.5) else below
        dropped_p = np.zeros(len(voxels_p), np.bool_)
        dropped_p[chosen] = True
        return dropped_p


def _on_both_sides(
    voxels_p: NDArray[np.int64], wanted: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The largest drawn set of pieces that stays within the wanted number, the smallest that reaches it."""
    pieces = np.arange(1, len(voxels_p))
    below, above = pieces[:0], pieces
    for _ in range(_DRAWS):
        order = rng.permutation(pieces)
        voxels = np.cumsum(voxels_p[order])
        until = int(np.searchsorted(voxels, wanted, side="right"))
        if voxels_p[order[:until]].sum() > voxels_p[below].sum():
            below = order[:until]
        reached = int(np.searchsorted(voxels, wanted)) + 1
        if voxels_p[order[:reached]].sum() < voxels_p[above].sum():
            above = order[:reached]
    return below, above
