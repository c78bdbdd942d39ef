"""``markov``: boundaries that grow and shrink by chance, voxel by voxel, and are smoothed in the end."""

# Legend: I J K voxel axes of the box around all structures, N classes, F voxels at a boundary.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np

from bench.data.noise.ledger import wanted_voxels
from bench.data.noise.settling import settled, smoothed
from bench.data.noise.surroundings import box_around, reach
from bench.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels

_FACES: Final = ((0, -1), (0, 1), (1, -1), (1, 1), (2, -1), (2, 1))
_LOOK_EVERY: Final = 5  # steps between two looks at what smoothing leaves of them


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Markov:
    """A chain of steps; in each, voxels at one side of a structure's boundary flip with a small chance."""

    name: ClassVar[str] = "markov"
    what: ClassVar[str] = "boundaries that grow or shrink by chance, then smoothed"
    reference: ClassVar[str] = (
        "Yao et al. 2023, Learning to Segment from Noisy Annotations (noise_generator.py)"
    )
    limit: ClassVar[str] = (
        "the chain ended after markov.most_steps, or the boundary is shared with structures whose own rate "
        "is met"
    )

    theta1: float = 0.7  # chance that a growing structure's step grows it; SpatialCorrection, BraTS2020
    theta2: float = 0.05  # chance of a voxel of the boundary to flip in a step; SpatialCorrection, BraTS2020
    theta3: float = 0.0  # chance of any voxel to flip before the smoothing; SpatialCorrection, BraTS2020
    grow: float = 0.5  # share of structures that grow; the others shrink, with 1 - theta1; SpatialCorrection
    sigma_voxels: float = 1.0  # of the smoothing; SpatialCorrection, 3-D
    most_steps: int = 600  # ours: 0021; the source takes 80 and no rate

    def __post_init__(self) -> None:
        """Refuse what is no chance, and a chain that never begins."""
        for key in ("theta1", "theta2", "theta3", "grow"):
            if not 0 <= getattr(self, key) <= 1:
                raise UsageError(f"markov.{key} {getattr(self, key)} must be in [0, 1].")
        if not 0 <= self.sigma_voxels <= 10:
            raise UsageError(f"markov.sigma_voxels {self.sigma_voxels} must be in [0, 10].")
        if not 1 <= self.most_steps <= 100_000:
            raise UsageError(f"markov.most_steps {self.most_steps} must be in 1..100000.")

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the number of steps, then by the threshold of the smoothing.

        The chain goes on until every structure has as many wrong voxels after smoothing as it wants; where
        that is a few too many or too few, the threshold of 0.5 is moved for the last of them.
        """
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        if not wanted_n.any():
            return clean.label_ijk.copy()
        widest = int(np.bincount(clean.label_ijk.ravel(), minlength=clean.classes)[1:].max())
        box = box_around(clean.label_ijk > 0, reach(widest, clean.spacing_mm))
        clean_ijk = np.ascontiguousarray(clean.label_ijk[box])
        soft_nijk = self._chain(clean_ijk, wanted_n, clean.rng)
        return settled(clean.label_ijk, soft_nijk, box, wanted_n)

    def _chain(
        self, clean_ijk: NDArray[np.uint8], wanted_n: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """The smoothed classes at the end of the chain (N, I, J, K)."""
        classes = len(wanted_n)
        growing_n = np.where(rng.random(classes) < self.grow, self.theta1, 1 - self.theta1)
        noisy_ijk = clean_ijk.copy()
        acting_n = wanted_n > 0
        for step in range(1, self.most_steps + 1):
            for structure in 1 + rng.permutation(classes - 1):
                if acting_n[structure]:
                    self._step(noisy_ijk, int(structure), growing_n[structure], rng)
            if step % _LOOK_EVERY == 0:
                soft_nijk = smoothed(noisy_ijk, classes, self.sigma_voxels)
                acting_n &= _wrong(clean_ijk, soft_nijk.argmax(axis=0), classes) < wanted_n
                if not acting_n.any():
                    break
        if self.theta3 > 0:
            flipped_ijk = rng.random(noisy_ijk.shape) < self.theta3
            noisy_ijk[flipped_ijk] = rng.integers(classes, size=int(flipped_ijk.sum()))
        return smoothed(noisy_ijk, classes, self.sigma_voxels)

    def _step(
        self, noisy_ijk: NDArray[np.uint8], structure: int, growing: float, rng: np.random.Generator
    ) -> None:
        """Grow or shrink one structure by some voxels at its boundary, in place."""
        mask_ijk = noisy_ijk == structure
        grows = bool(rng.random() < growing)
        edge_f = np.flatnonzero(_beside(mask_ijk) if grows else mask_ijk & _beside(~mask_ijk))
        chosen_f = edge_f[rng.random(len(edge_f)) < self.theta2]
        flat = noisy_ijk.reshape(-1)
        flat[chosen_f] = structure if grows else _neighbour(noisy_ijk, chosen_f, structure, rng)


def _beside(mask_ijk: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels outside a mask that share a face with it."""
    touched_ijk = np.zeros_like(mask_ijk)
    touched_ijk[1:] |= mask_ijk[:-1]
    touched_ijk[:-1] |= mask_ijk[1:]
    touched_ijk[:, 1:] |= mask_ijk[:, :-1]
    touched_ijk[:, :-1] |= mask_ijk[:, 1:]
    touched_ijk[:, :, 1:] |= mask_ijk[:, :, :-1]
    touched_ijk[:, :, :-1] |= mask_ijk[:, :, 1:]
    return np.asarray(touched_ijk & ~mask_ijk)


def _neighbour(
    noisy_ijk: NDArray[np.uint8], voxel_f: NDArray[np.int64], structure: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """What lies across a face of each voxel that is not of the structure; the face is drawn."""
    taken_f = np.full(len(voxel_f), structure, np.uint8)
    index_af = np.array(np.unravel_index(voxel_f, noisy_ijk.shape)).reshape(3, -1)
    for face in rng.permutation(len(_FACES)):
        axis, way = _FACES[face]
        beyond_af = index_af.copy()
        beyond_af[axis] = np.clip(beyond_af[axis] + way, 0, noisy_ijk.shape[axis] - 1)
        across_f = noisy_ijk[tuple(beyond_af)]
        taken_f = np.where(taken_f == structure, across_f, taken_f)
    return taken_f


def _wrong(clean_ijk: NDArray[np.uint8], noisy_ijk: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Wrong voxels of each class, shape (N,)."""
    wrong_ijk = clean_ijk != noisy_ijk
    lost_n = np.bincount(clean_ijk[wrong_ijk], minlength=classes)
    return np.asarray(lost_n + np.bincount(noisy_ijk[wrong_ijk], minlength=classes))
