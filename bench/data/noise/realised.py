"""The noise that is really there: measured anew from a clean and a noisy label map, nothing assumed."""

# Legend: I J K voxel axes of the box around one structure in both maps.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from bench.data.noise.surroundings import box_around, distance_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.data.noise.simulator import Spacing

BINS_MM: Final = (1.0, 2.0, 3.0, 5.0, 10.0)
"""Upper ends of the bins of distances to the clean boundary; the last bin has none."""
LEAST_TOLERANCE: Final = 0.01
SHARE_TOLERANCE: Final = 0.05  # of the rate


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredNoise:
    """What is wrong with one structure; None where nothing is defined.

    Attributes:
        rate: (removed + added) / clean voxels.
        voxels_clean: Voxels of the clean structure.
        voxels_noisy: Voxels of the noisy one.
        removed: Voxels of the clean structure that the noisy one lacks.
        added: Voxels of the noisy structure that the clean one lacks.
        dice: Of both.
        shift_mm: The mean over the voxels of both boundaries of the distance to the other boundary, each
            boundary weighing one half, above 0 where the noisy structure reaches further.
        absolute_shift_mm: The same without signs.
        by_distance_mm: The shares of the wrong voxels by the distance of their centre to the nearest voxel on
            the other side of the clean boundary.
        wanted: The rate that was asked for, if any.
        shortfall: A sentence where that was missed, else empty.
    """

    rate: float | None
    voxels_clean: int = 0
    voxels_noisy: int = 0
    removed: int = 0
    added: int = 0
    dice: float | None = None
    shift_mm: float | None = None
    absolute_shift_mm: float | None = None
    by_distance_mm: dict[str, float] | None = None
    wanted: float | None = None
    shortfall: str = ""


def tolerance(rate: float, num_voxels: int) -> float:
    """How far a realised rate may be from the wanted one: 5 % of it, 0.01 or one voxel, what is most."""
    return max(SHARE_TOLERANCE * rate, LEAST_TOLERANCE, 1 / max(num_voxels, 1))


def realised(
    clean_ijk: NDArray[np.uint8],
    noisy_ijk: NDArray[np.uint8],
    spacing_mm: Spacing,
    structures: Sequence[int],
    *,
    wanted: float | None = None,
    limit: str = "",
) -> dict[str, MeasuredNoise]:
    """What is wrong with each structure, by its number as text.

    Args:
        clean_ijk: The clean label map.
        noisy_ijk: The noisy one on the same grid.
        spacing_mm: Voxel size along I, J, K.
        structures: The labels to measure, each from 1 upwards.
        wanted: The rate that was asked for; where it was missed, ``shortfall`` is a sentence, else empty.
        limit: What may have kept it from the rate.
    """
    assert clean_ijk.shape == noisy_ijk.shape
    found = {}
    for structure in structures:
        clean, noisy = clean_ijk == structure, noisy_ijk == structure
        shortfall = _shortfall(wanted, clean, noisy, limit)
        measured = _of_structure(clean, noisy, spacing_mm)
        found[str(structure)] = replace(measured, wanted=wanted, shortfall=shortfall)
    return found


def _of_structure(
    clean_ijk: NDArray[np.bool_], noisy_ijk: NDArray[np.bool_], spacing_mm: Spacing
) -> MeasuredNoise:
    clean, noisy = int(clean_ijk.sum()), int(noisy_ijk.sum())
    removed = int((clean_ijk & ~noisy_ijk).sum())
    added = int((noisy_ijk & ~clean_ijk).sum())
    signed, absolute = None, None
    shares: dict[str, float] | None = None
    if clean + noisy:
        box = box_around(clean_ijk | noisy_ijk)
        signed, absolute = _shift_mm(clean_ijk[box], noisy_ijk[box], spacing_mm)
        shares = _by_distance(clean_ijk[box], noisy_ijk[box], spacing_mm)
    return MeasuredNoise(
        rate=(removed + added) / clean if clean else None,
        voxels_clean=clean,
        voxels_noisy=noisy,
        removed=removed,
        added=added,
        dice=2 * (clean - removed) / (clean + noisy) if clean + noisy else 1.0,
        shift_mm=signed,
        absolute_shift_mm=absolute,
        by_distance_mm=shares,
    )


def _shortfall(
    wanted: float | None, clean_ijk: NDArray[np.bool_], noisy_ijk: NDArray[np.bool_], limit: str
) -> str:
    """By how much the wanted rate was missed, and why; empty where it was not."""
    if wanted is None:
        return ""
    clean = int(clean_ijk.sum())
    if not clean:
        return "the clean label has no voxel of it, so no rate is defined"
    rate = float((clean_ijk != noisy_ijk).sum()) / clean
    if abs(rate - wanted) <= tolerance(wanted, clean):
        return ""
    why = f": {limit}" if limit else ""
    return f"{rate:.3g} instead of {wanted:g}{why}"


def _border(mask_ijk: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask with a face to the outside; the volume's edge is none."""
    inner_ijk = ndimage.binary_erosion(mask_ijk, border_value=1)
    return np.asarray(mask_ijk & ~inner_ijk)


def _shift_mm(
    clean_ijk: NDArray[np.bool_], noisy_ijk: NDArray[np.bool_], spacing_mm: Spacing
) -> tuple[float | None, float | None]:
    """Mean signed and mean absolute shift; None where one of the two has no boundary."""
    clean_border_ijk, noisy_border_ijk = _border(clean_ijk), _border(noisy_ijk)
    if not clean_border_ijk.any() or not noisy_border_ijk.any():
        return None, None
    to_clean_mm = distance_to(clean_border_ijk, spacing_mm)[noisy_border_ijk]
    to_noisy_mm = distance_to(noisy_border_ijk, spacing_mm)[clean_border_ijk]
    outward = np.where(clean_ijk[noisy_border_ijk], -1.0, 1.0)
    covered = np.where(noisy_ijk[clean_border_ijk], 1.0, -1.0)
    signed = (outward * to_clean_mm).mean() + (covered * to_noisy_mm).mean()
    return float(signed / 2), float(to_clean_mm.mean() + to_noisy_mm.mean()) / 2


def _by_distance(
    clean_ijk: NDArray[np.bool_], noisy_ijk: NDArray[np.bool_], spacing_mm: Spacing
) -> dict[str, float] | None:
    """Shares of the wrong voxels by bin; None where nothing is wrong or nothing is clean."""
    if not clean_ijk.any():
        return None
    added_ijk, removed_ijk = noisy_ijk & ~clean_ijk, clean_ijk & ~noisy_ijk
    beyond_mm = np.concatenate(
        [
            distance_to(clean_ijk, spacing_mm)[added_ijk],
            distance_to(~clean_ijk, spacing_mm)[removed_ijk],
        ]
    )
    if not len(beyond_mm):
        return None
    places = np.searchsorted(np.array(BINS_MM) + 1e-6, beyond_mm)
    counts = np.bincount(places, minlength=len(BINS_MM) + 1)
    return dict(zip(bin_names(), (counts / len(beyond_mm)).tolist(), strict=True))


def bin_names() -> list[str]:
    """``0-1``, ``1-2``, ..., ``>10``: each bin holds its upper end."""
    lower = ("0", *(f"{end:g}" for end in BINS_MM))
    return [f"{low}-{high:g}" for low, high in zip(lower, BINS_MM, strict=False)] + [f">{BINS_MM[-1]:g}"]
