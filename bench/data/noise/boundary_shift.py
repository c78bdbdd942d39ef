"""Boundaries moved by millimetres: ``dilate-erode`` and the simulated persons of ``annotator``."""

# Legend: I J K voxel axes, N classes, F flips.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

import numpy as np

from bench.data.noise.ledger import Flips, merged, spend, wanted_voxels
from bench.data.noise.surroundings import Surroundings, distance_to, places, surroundings
from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Spacing

Sign = Literal[-1, 1]
_LIMIT: Final = (
    "a structure that shrinks loses no more than all it has, and one that grows stops at the edge of the "
    "volume and at structures whose own rate is met"
)


def _dilated_or_eroded(
    label_ijk: NDArray[np.uint8], structure: int, spacing_mm: Spacing, sign: Sign
) -> Flips:
    """The voxels that a boundary meets on its way out or in, nearest first; others take what is lost."""
    around = surroundings(label_ijk, structure, spacing_mm)
    met_ijk = (around.mask_ijk if sign < 0 else ~around.mask_ijk) & np.isfinite(around.distance_mm_ijk)
    order_f = np.lexsort(_nearest_first(around, met_ijk, sign))
    voxel_f = places(around.box, label_ijk.shape, met_ijk)[order_f]
    grown_f = np.full(len(voxel_f), structure, np.uint8)
    return Flips(voxel_f, grown_f if sign > 0 else around.other_ijk[met_ijk][order_f])


def _over_or_under_segmented(
    label_ijk: NDArray[np.uint8], structure: int, spacing_mm: Spacing, sign: Sign
) -> Flips:
    """The same for a person who draws everything too large or too small.

    Of two structures that touch, one would shrink by as much as the other grows. So what a person draws too
    small is lost to the background, and what is drawn too large grows into the background that it is the
    nearest structure of; over another structure only where there is too little of that.
    """
    around = surroundings(label_ijk, structure, spacing_mm)
    met_ijk = (around.mask_ijk if sign < 0 else ~around.mask_ijk) & np.isfinite(around.distance_mm_ijk)
    to_any_ijk = distance_to(label_ijk[around.box] > 0, spacing_mm) if sign > 0 else around.distance_mm_ijk
    not_its_own_f = (around.distance_mm_ijk > to_any_ijk)[met_ijk].astype(np.float64)
    order_f = np.lexsort((*_nearest_first(around, met_ijk, sign), not_its_own_f))
    voxel_f = places(around.box, label_ijk.shape, met_ijk)[order_f]
    return Flips(voxel_f, np.full(len(voxel_f), structure if sign > 0 else 0, np.uint8))


def _nearest_first(
    around: Surroundings, met_ijk: NDArray[np.bool_], sign: Sign
) -> tuple[NDArray[np.float64], ...]:
    """Sorting keys, the last one first: by distance in mm, and within a shell of equal distance by degrees.

    A shell may be larger than the rate. Inside it, voxels that the structure surrounds most are met first
    on the way out and last on the way in, as by a boundary that moves by less than a voxel.
    """
    return -sign * around.occupancy_ijk()[met_ijk], around.distance_mm_ijk[met_ijk].round(6)


def _shifted(
    label_ijk: NDArray[np.uint8],
    rates_n: NDArray[np.float64],
    order: NDArray[np.int64],
    flips_of: Callable[[int], Flips],
) -> NDArray[np.uint8]:
    """The label map with all boundaries shifted until each structure's rate is met."""
    wanted_n = wanted_voxels(label_ijk, rates_n)
    structures = [int(structure) for structure in order if wanted_n[structure] > 0]
    return spend(label_ijk, merged([(flips_of(one), int(wanted_n[one])) for one in structures]), wanted_n)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DilateErode:
    """Each structure dilated or eroded by its distance transform in mm, as the toss of a coin has it."""

    name: ClassVar[str] = "dilate-erode"
    what: ClassVar[str] = "each structure dilated or eroded by millimetres, as a coin falls"
    reference: ClassVar[str] = (
        "Yao et al. 2023, Learning to Segment from Noisy Annotations (noise_generator.py)"
    )
    limit: ClassVar[str] = _LIMIT

    dilate: float = 0.5  # share of structures that are dilated; SpatialCorrection

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.dilate <= 1:
            raise UsageError(f"dilate-erode.dilate {self.dilate} must be in [0, 1].")

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the distance in mm."""
        coin_n = clean.rng.random(clean.classes)

        def flips_of(structure: int) -> Flips:
            sign: Sign = 1 if coin_n[structure] < self.dilate else -1
            return _dilated_or_eroded(clean.label_ijk, structure, clean.spacing_mm, sign)

        return _shifted(
            clean.label_ijk, clean.rates_n, 1 + clean.rng.permutation(clean.classes - 1), flips_of
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """A simulated person who draws all boundaries too far out, or all too far in."""

    name: ClassVar[str] = "annotator"
    what: ClassVar[str] = "persons who draw all boundaries too far out, or too far in"
    reference: ClassVar[str] = "ours: docs/decisions/0021"
    limit: ClassVar[str] = _LIMIT

    persons: int = 4  # ours: 0021; even numbers over-segment, odd ones under-segment
    person: int = -1  # who labels; -1 deals each case to one of them by chance

    def __post_init__(self) -> None:
        """Refuse a person who is none of them."""
        if self.persons < 1:
            raise UsageError(f"annotator.persons {self.persons} must be at least 1.")
        if not -1 <= self.person < self.persons:
            raise UsageError(
                f"annotator.person {self.person} must be in 0..{self.persons - 1}, or -1 to draw one."
            )

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the shift in mm; its sign is the person's, for every structure."""
        drawn = int(clean.rng.integers(self.persons))
        sign: Sign = -1 if (drawn if self.person < 0 else self.person) % 2 else 1

        def flips_of(structure: int) -> Flips:
            return _over_or_under_segmented(clean.label_ijk, structure, clean.spacing_mm, sign)

        return _shifted(
            clean.label_ijk, clean.rates_n, 1 + clean.rng.permutation(clean.classes - 1), flips_of
        )
