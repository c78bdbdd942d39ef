"""``affine``: each structure turned and shifted as a whole."""

# Legend: I J K voxel axes, N classes, A the three axes, P points.

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
from scipy import ndimage

from bench.data.noise.ledger import wanted_voxels
from bench.data.noise.settling import settled, smoothed
from bench.data.noise.steering import Steering
from bench.data.noise.surroundings import box_around, radius_mm
from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Spacing

DIRECTIONS: Final = tuple(way for way in product((-1, 0, 1), repeat=3) if any(way))
"""All 26 neighbours; the source has 7 of the 8 of a slice, one of them twice."""
_ROUNDS: Final = 4  # of steering; what is left is settled
_HALVINGS: Final = 12
_FURTHEST: Final = 16.0  # radii of a shift
_SIGMA_VOXELS: Final = 0.5
_MOST_POINTS: Final = 40_000  # of a structure, by which the length of its shift is first estimated


@dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """One structure's way: at strength t it is shifted by t times ``shift_mm_a``, and turned as far up to 1.

    Attributes:
        mask_ijk: The structure.
        points_pa: Some of its voxels, evenly taken.
        centre_a: Its centre in voxels, about which it turns.
        axis: Along which it turns.
        degrees: Of the turn at strength 1 and above.
        shift_mm_a: Of the shift at strength 1.
        spacing_mm: Voxel size.
    """

    mask_ijk: NDArray[np.bool_]
    points_pa: NDArray[np.int64]
    centre_a: NDArray[np.float64]
    axis: int
    degrees: float
    shift_mm_a: NDArray[np.float64]
    spacing_mm: Spacing

    def moved(self, label_ijk: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        """The whole label map on that way; background comes in from outside."""
        matrix_aa, offset_a = self._origin(strength)
        return np.asarray(ndimage.affine_transform(label_ijk, matrix_aa, offset_a, order=0, mode="constant"))

    def strength(self, rate: float) -> float:
        """At which the structure alone has about this rate: it loses half of it, and gains half."""
        low, high = 0.0, 1.0
        while self._lost(high) < rate / 2 and high < _FURTHEST:
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._lost(middle) < rate / 2 else (low, middle)
        return high

    def _origin(self, strength: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """From where each voxel is taken: a matrix and an offset of voxel indices."""
        size_a = np.array(self.spacing_mm)
        matrix_aa = _turn(self.axis, -self.degrees * min(strength, 1.0)) * size_a / size_a[:, None]
        return matrix_aa, self.centre_a - matrix_aa @ (self.centre_a + strength * self.shift_mm_a / size_a)

    def _lost(self, strength: float) -> float:
        """The share of the structure's points that it leaves."""
        matrix_aa, offset_a = self._origin(strength)
        from_ap = np.rint(matrix_aa @ self.points_pa.T + offset_a[:, None]).astype(np.int64)
        last_a1 = np.array(self.mask_ijk.shape)[:, None] - 1
        inside_p = ((from_ap >= 0) & (from_ap <= last_a1)).all(axis=0)
        return 1 - float((self.mask_ijk[tuple(np.clip(from_ap, 0, last_a1))] & inside_p).mean())


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """Structures that lie beside their place, whole."""

    name: ClassVar[str] = "affine"
    what: ClassVar[str] = "each structure turned and shifted as a whole"
    reference: ClassVar[str] = "Gonzalez-Jimenez et al. 2023, T-Loss (noise_generation.py)"
    limit: ClassVar[str] = "structures that touch are moved together or cover each other"

    degrees: float = 30.0  # of the turn, drawn in -degrees..degrees; T-Loss

    def __post_init__(self) -> None:
        """Refuse more than half a turn."""
        if not 0 <= self.degrees <= 180:
            raise UsageError(f"affine.degrees {self.degrees} must be in [0, 180].")

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the length of the shift; the turn goes with it, up to the drawn angle.

        All structures of a case turn and shift the same way, each as far as its own rate wants. A flat side
        moves by whole voxels: what that leaves too many or too few is settled at the edges.
        """
        axis, degrees = int(clean.rng.integers(3)), float(clean.rng.uniform(-self.degrees, self.degrees))
        way_a = np.array(DIRECTIONS[clean.rng.integers(len(DIRECTIONS))], float)
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        moves = {
            int(structure): _move(clean.label_ijk == structure, clean.spacing_mm, way_a, axis, degrees)
            for structure in np.flatnonzero(wanted_n)
        }
        steering = Steering(
            clean.label_ijk, np.where(wanted_n > 0, clean.rates_n, 0.0), clean.rates_n, _ROUNDS
        )
        while moves and not steering.ended:
            steering.look(_all_moved(clean.label_ijk, moves, steering.asked_n))
        if not moves:
            return clean.label_ijk.copy()
        box = box_around((clean.label_ijk > 0) | (steering.best_ijk > 0), (2, 2, 2))
        soft_nijk = smoothed(steering.best_ijk[box], clean.classes, _SIGMA_VOXELS)
        return settled(clean.label_ijk, soft_nijk, box, wanted_n)


def _move(
    mask_ijk: NDArray[np.bool_], spacing_mm: Spacing, way_a: NDArray[np.float64], axis: int, degrees: float
) -> _Move:
    """The way of a structure: at strength 1 it is shifted by the radius of the ball of its size."""
    points_pa = np.argwhere(mask_ijk)
    far_mm = radius_mm(len(points_pa), spacing_mm)
    few_pa = points_pa[:: -(-len(points_pa) // _MOST_POINTS)]
    shift_mm_a = way_a / np.linalg.norm(way_a) * far_mm
    return _Move(mask_ijk, few_pa, points_pa.mean(axis=0), axis, degrees, shift_mm_a, spacing_mm)


def _all_moved(
    label_ijk: NDArray[np.uint8], moves: Mapping[int, _Move], rates_n: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """All structures on their ways, the smaller over the larger; what lay beside one comes after it."""
    noisy_ijk = label_ijk.copy()
    by_size = sorted(moves, key=lambda structure: -int(moves[structure].mask_ijk.sum()))
    maps = {one: moves[one].moved(label_ijk, moves[one].strength(rates_n[one])) for one in by_size}
    for one in by_size:
        noisy_ijk = np.where(moves[one].mask_ijk, maps[one], noisy_ijk)
    for one in by_size:
        noisy_ijk[maps[one] == one] = one
    alone = [structure for structure in range(1, len(rates_n)) if structure not in moves]
    noisy_ijk[np.isin(noisy_ijk, alone)] = 0
    return np.where(np.isin(label_ijk, alone), label_ijk, noisy_ijk)


def _turn(axis: int, degrees: float) -> NDArray[np.float64]:
    """A rotation of millimetres about one axis, shape (A, A)."""
    one, other = (place for place in range(3) if place != axis)
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn_aa = np.eye(3)
    turn_aa[one, one], turn_aa[one, other] = cos, -sin
    turn_aa[other, one], turn_aa[other, other] = sin, cos
    return turn_aa
