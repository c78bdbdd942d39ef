"""``swap``: two structures exchanged inside a connected component, as where a person mixes them up."""

# Legend: I J K voxel axes, N classes, F flips, P components.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
from scipy import ndimage

from bench.data.noise.ledger import Flips, spend, wanted_voxels
from bench.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Spacing

_TOUCHING: Final = np.ones((3, 3, 3), np.bool_)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Two structures that bear each other's label in whole components, and in a ball of the last one."""

    name: ClassVar[str] = "swap"
    what: ClassVar[str] = "two structures exchanged inside a connected component"
    reference: ClassVar[str] = "ours: docs/decisions/0021"
    limit: ClassVar[str] = (
        "an exchange makes as many voxels of one structure wrong as of the other, so the smaller of two ends "
        "it, and a structure without another to exchange with keeps its label"
    )

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the number of components and the radius of the ball in the last of them.

        Raises:
            UsageError: There are not two structures.
        """
        if clean.classes < 3:
            raise UsageError("noise 'swap' needs two structures to exchange; this data set has one.")
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        noisy_ijk = clean.label_ijk.copy()
        structures = clean.rng.permutation(np.flatnonzero(wanted_n))
        for one, other in zip(structures[::2], structures[1::2], strict=False):
            flips = _exchange(clean.label_ijk, (int(one), int(other)), clean.spacing_mm, clean.rng)
            changed_ijk = spend(clean.label_ijk, flips, wanted_n)
            noisy_ijk = np.where(changed_ijk != clean.label_ijk, changed_ijk, noisy_ijk)
        return noisy_ijk


def _exchange(
    label_ijk: NDArray[np.uint8], pair: tuple[int, int], spacing_mm: Spacing, rng: np.random.Generator
) -> Flips:
    """All voxels of two structures, component by component, in each from a drawn voxel outwards.

    Components that hold both come first: there the two can be mixed up.
    """
    both_ijk = np.isin(label_ijk, pair)
    component_ijk, number = ndimage.label(both_ijk, structure=_TOUCHING)
    voxel_f = np.flatnonzero(both_ijk)
    component_f = component_ijk.ravel()[voxel_f] - 1
    is_first_f = label_ijk.ravel()[voxel_f] == pair[0]
    firsts_p = np.bincount(component_f, weights=is_first_f, minlength=number)
    voxels_p = np.bincount(component_f, minlength=number)
    mixed_p = (firsts_p > 0) & (firsts_p < voxels_p)
    begins_p = np.concatenate([[0], np.cumsum(voxels_p)[:-1]])
    sorted_f = voxel_f[np.argsort(component_f, kind="stable")]
    seed_p = sorted_f[begins_p + rng.integers(voxels_p)]
    far_f = _millimetres(voxel_f, seed_p[component_f], label_ijk.shape, spacing_mm)
    order_f = np.lexsort((far_f, rng.permutation(number)[component_f], ~mixed_p[component_f]))
    to_f = np.where(is_first_f, pair[1], pair[0]).astype(np.uint8)
    return Flips(voxel_f[order_f], to_f[order_f])


def _millimetres(
    voxel_f: NDArray[np.int64], seed_f: NDArray[np.int64], shape: tuple[int, ...], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """The distance between voxels."""
    apart_af = np.array(np.unravel_index(voxel_f, shape)) - np.array(np.unravel_index(seed_f, shape))
    return np.asarray(np.sqrt(((apart_af * np.array(spacing_mm)[:, None]) ** 2).sum(axis=0)))
