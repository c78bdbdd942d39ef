"""Proposed flips of voxels -> those that every structure's wanted number of wrong voxels allows.

A voxel that goes from one structure to another is wrong for both: it is entered for both, and a structure
whose number is reached takes part in no further flip. That is what meets the rates of all structures at once.
"""

# Legend: I J K voxel axes, N classes, F flips in the order in which they would come.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """Voxels that would change, the first to change first.

    Attributes:
        voxel_f: Places in the flattened label map, each at most once.
        to_f: The class that each would take, never its clean one.
    """

    voxel_f: NDArray[np.int64]
    to_f: NDArray[np.uint8]


def wanted_voxels(label_ijk: NDArray[np.uint8], rates_n: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of wrong voxels that is nearest to each class's rate, shape (N,)."""
    voxels_n = np.bincount(label_ijk.ravel(), minlength=len(rates_n))
    return np.rint(rates_n * voxels_n).astype(np.int64)


def merged(proposed: Sequence[tuple[Flips, int]]) -> Flips:
    """The flips of several structures in one order; a voxel that several would change goes to the earliest.

    Args:
        proposed: The flips of each structure and the number it wants: all are to be done at the same time.
    """
    proposed = [(flips, number) for flips, number in proposed if number > 0 and len(flips.voxel_f)]
    if not proposed:
        return Flips(np.zeros(0, np.int64), np.zeros(0, np.uint8))
    when_f = np.concatenate([(np.arange(len(flips.voxel_f)) + 1) / number for flips, number in proposed])
    voxel_f = np.concatenate([flips.voxel_f for flips, _ in proposed])
    to_f = np.concatenate([flips.to_f for flips, _ in proposed])
    order_f = np.argsort(when_f, kind="stable")
    _, first_f = np.unique(voxel_f[order_f], return_index=True)
    kept_f = order_f[np.sort(first_f)]
    return Flips(voxel_f[kept_f], to_f[kept_f])


def spend(label_ijk: NDArray[np.uint8], flips: Flips, wanted_n: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The label map after as many of the flips, in their order, as no structure's number forbids."""
    noisy = label_ijk.copy()
    flat = noisy.reshape(-1)
    from_f = label_ijk.reshape(-1)[flips.voxel_f]
    left_n = wanted_n.astype(np.int64)
    left_n[0] = label_ijk.size  # the background is no structure and has no rate
    remaining = np.arange(len(flips.voxel_f))
    while len(remaining):
        touched_nf = _touched(from_f[remaining], flips.to_f[remaining], len(left_n))
        entered_nf = np.cumsum(touched_nf, axis=1)
        over_f = (entered_nf > left_n[:, None]).any(axis=0)
        until = int(over_f.argmax()) if over_f.any() else len(remaining)
        done = remaining[:until]
        flat[flips.voxel_f[done]] = flips.to_f[done]
        left_n = left_n - touched_nf[:, :until].sum(axis=1)
        # At least one structure has nothing left now, so this ends after as many rounds as there are classes.
        barred_f = touched_nf[left_n == 0].any(axis=0)
        remaining = remaining[until:][~barred_f[until:]]
    return noisy


def _touched(from_f: NDArray[np.uint8], to_f: NDArray[np.uint8], classes: int) -> NDArray[np.bool_]:
    """Which classes each flip makes a voxel wrong for, shape (N, F)."""
    class_n1 = np.arange(classes)[:, None]
    touched: NDArray[np.bool_] = (from_f == class_n1) | (to_f == class_n1)
    return touched
