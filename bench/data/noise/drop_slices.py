"""``drop-slices``: each structure erased on runs of neighbouring slices, as where a person skips some."""

# Legend: I J K voxel axes, N classes, Z slices along the chosen axis.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final

import numpy as np

from bench.data.noise.ledger import wanted_voxels
from bench.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Spacing

_AXES: Final = {"i": 0, "j": 1, "k": 2}
_DRAWS: Final = 200  # of runs, of which the one that comes nearest to the rate is taken


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DropSlices:
    """Runs of slices on which a structure is background."""

    name: ClassVar[str] = "drop-slices"
    what: ClassVar[str] = "each structure erased on runs of neighbouring slices"
    reference: ClassVar[str] = "ours: docs/decisions/0021"
    limit: ClassVar[str] = "whole slices alone are erased"

    axis: Literal["coarsest", "i", "j", "k"] = "coarsest"  # ours: 0021; the last of equal ones
    shortest: int = 1  # slices of a run; ours: 0021
    longest: int = 5  # slices of a run; ours: 0021

    def __post_init__(self) -> None:
        """Refuse runs that cannot be."""
        if not 1 <= self.shortest <= self.longest:
            raise UsageError(
                f"drop-slices.shortest {self.shortest} must be at least 1 and at most longest {self.longest}."
            )

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """Steered by the number of slices: of many drawn sets of runs, the nearest to the rate."""
        axis = _AXES.get(self.axis, coarsest(clean.spacing_mm))
        wanted_n = wanted_voxels(clean.label_ijk, clean.rates_n)
        noisy_ijk = clean.label_ijk.copy()
        slices_of = np.moveaxis(noisy_ijk, axis, 0)
        for structure in range(1, clean.classes):
            voxels_z = (slices_of == structure).sum(axis=(1, 2))
            for place in self._dropped(voxels_z, int(wanted_n[structure]), clean.rng):
                slices_of[place][slices_of[place] == structure] = 0
        return noisy_ijk

    def _dropped(
        self, voxels_z: NDArray[np.int64], wanted: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The slices to erase; none where that is nearest to the wanted number."""
        there = np.flatnonzero(voxels_z)
        best, least = there[:0], wanted
        for _ in range(_DRAWS if wanted and len(there) else 0):
            chosen = self._runs(voxels_z, there, wanted, rng)
            amiss = abs(int(voxels_z[chosen].sum()) - wanted)
            if amiss < least:
                best, least = chosen, amiss
            if least == 0:
                break
        return best

    def _runs(
        self, voxels_z: NDArray[np.int64], there: NDArray[np.int64], wanted: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Runs drawn one after another until the number is reached; the last is cut where it is nearest."""
        dropped_z = np.zeros(len(voxels_z), np.bool_)
        left = wanted
        while left > 0 and not dropped_z[there].all():
            start = int(rng.choice(there[~dropped_z[there]]))
            length = int(rng.integers(self.shortest, self.longest + 1))
            run = np.arange(start, min(start + length, len(voxels_z)))
            run = run[~dropped_z[run]]
            amiss = np.abs(left - np.concatenate([[0], np.cumsum(voxels_z[run])]))
            run = run[: int(amiss.argmin())]
            if not len(run):  # not even its first slice brings it nearer
                break
            dropped_z[run] = True
            left -= int(voxels_z[run].sum())
        return np.flatnonzero(dropped_z & (voxels_z > 0))


def coarsest(spacing_mm: Spacing) -> int:
    """The axis along which slices lie furthest apart, the last of equal ones."""
    return int(max(range(3), key=lambda axis: (round(spacing_mm[axis], 4), axis)))
