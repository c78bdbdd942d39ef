"""Voxels in the order of their doubt, and how well that order finds the wrong labels.

From one sort, for a stage asks this of hundreds of sets of voxels: scikit-learn, to which tests hold it,
sorts anew for each measure and checks its input, which takes 17 times as long.
"""

# Legend: V voxels, T thresholds.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Ranking(NamedTuple):
    """At each value of doubt, the highest first: how much is doubted so much and more; zeros in front."""

    voxels_t: NDArray[np.intp]
    wrong_t: NDArray[np.intp]


def ranked(doubt_v: NDArray[np.float32], wrong_v: NDArray[np.bool_]) -> Ranking | None:
    """The ranking by doubt; None unless there are wrong labels and right ones to be told apart."""
    if not wrong_v.any() or wrong_v.all():
        return None
    value_t, place_v = np.unique(-doubt_v, return_inverse=True)
    voxels_t = np.bincount(place_v, minlength=len(value_t))
    wrong_t = np.bincount(place_v[wrong_v], minlength=len(value_t))
    return Ranking(np.append(0, np.cumsum(voxels_t)), np.append(0, np.cumsum(wrong_t)))


def auroc(ranking: Ranking) -> float:
    """How often a wrong label is doubted more than a right one, ties counting half."""
    right_t = ranking.voxels_t - ranking.wrong_t
    area = np.trapezoid(ranking.wrong_t.astype(np.float64), right_t)
    return float(area / (float(ranking.wrong_t[-1]) * float(right_t[-1])))


def auprc(ranking: Ranking) -> float:
    """Average precision: precision weighted by the recall that each threshold adds, without interpolation."""
    precision_t = ranking.wrong_t[1:] / ranking.voxels_t[1:]
    return float((np.diff(ranking.wrong_t) * precision_t).sum() / ranking.wrong_t[-1])


def precision(ranking: Ranking) -> float:
    """Of the k most doubted voxels, the share that is wrong, where k are wrong: recall is the same number.

    Voxels that tie at the k-th place count by expectation, as if drawn among them.
    """
    k = ranking.wrong_t[-1]
    return float(np.interp(k, ranking.voxels_t, ranking.wrong_t) / k)
