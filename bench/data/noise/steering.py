"""Strengths asked for -> rates that came of them -> better strengths, for all structures at once."""

# Legend: I J K voxel axes, N classes.

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import numpy as np

from bench.data.noise.realised import tolerance

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLOPES: Final = (0.3, 1.5)  # of a rate by what is asked for; a steeper step would overshoot


@final
class Steering:
    """A secant for each structure; it remembers the label map that was nearest to all rates.

    Attributes:
        asked_n: What to ask for in the next round, in the measure of the rates, shape (N,).
        best_ijk: The label map whose worst structure was nearest to its rate.
        ended: Whether all rates are met, or enough was tried.
    """

    def __init__(
        self,
        label_ijk: NDArray[np.uint8],
        rates_n: NDArray[np.float64],
        asked_n: NDArray[np.float64],
        rounds: int,
    ) -> None:
        self.asked_n, self.best_ijk, self.ended = asked_n, label_ijk, False
        self._label_ijk, self._rates_n = label_ijk, rates_n
        self._voxels_n = np.bincount(label_ijk.ravel(), minlength=len(rates_n))
        self._last_asked_n, self._last_got_n = np.zeros_like(rates_n), np.zeros_like(rates_n)
        self._slope_n, self._least, self._left = np.ones_like(rates_n), np.inf, rounds

    def look(self, noisy_ijk: NDArray[np.uint8]) -> None:
        """Measure what came of ``asked_n`` and choose the next."""
        got_n = rates_of(self._label_ijk, noisy_ijk, len(self._rates_n))
        amiss = self._amiss(got_n)
        if amiss < self._least:
            self.best_ijk, self._least = noisy_ijk, amiss
        self._left -= 1
        self.ended = amiss <= 1 or self._left == 0
        moved_n = self.asked_n - self._last_asked_n
        slope_n = (got_n - self._last_got_n) / np.where(np.abs(moved_n) > 1e-4, moved_n, np.inf)
        self._slope_n = np.where(np.abs(moved_n) > 1e-4, np.clip(slope_n, *_SLOPES), self._slope_n)
        self._last_asked_n, self._last_got_n = self.asked_n, got_n
        self.asked_n = np.clip(self.asked_n + (self._rates_n - got_n) / self._slope_n, 0, 1)

    def _amiss(self, got_n: NDArray[np.float64]) -> float:
        """How far the worst structure is from its rate, in tolerances."""
        there = [structure for structure in np.flatnonzero(self._rates_n) if self._voxels_n[structure]]
        apart_n = np.abs(got_n - self._rates_n)
        return max(
            (float(apart_n[s]) / tolerance(float(self._rates_n[s]), int(self._voxels_n[s])) for s in there),
            default=0.0,
        )


def rates_of(label_ijk: NDArray[np.uint8], noisy_ijk: NDArray[np.uint8], classes: int) -> NDArray[np.float64]:
    """Wrong voxels over clean ones of each class, 0 where there is no clean one, shape (N,)."""
    wrong_ijk = label_ijk != noisy_ijk
    wrong_n = np.bincount(label_ijk[wrong_ijk], minlength=classes)
    wrong_n = wrong_n + np.bincount(noisy_ijk[wrong_ijk], minlength=classes)
    voxels_n = np.bincount(label_ijk.ravel(), minlength=classes)
    return np.where(voxels_n > 0, wrong_n / np.maximum(voxels_n, 1), 0.0)
