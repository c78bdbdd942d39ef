"""The measures of a doubt against the truth; each is None where it is undefined."""

# Legend: V voxels, B bins.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.metrics.detection.ranking import auprc, auroc, precision, ranked

if TYPE_CHECKING:
    from bench.metrics.detection.voxels import Voxels

BINS = 15
"""Of equal width, for the expected calibration error (Guo et al. 2017)."""


class Found(NamedTuple):
    """One measure of some voxels."""

    measure: str
    value: float | None
    voxels: int  # how many it was taken over


def measure(voxels: Voxels) -> list[Found]:
    """Every measure of these voxels.

    ``removed_wrong`` and ``removed_right`` are taken over the wrong and over the right labels,
    ``calibration`` over all voxels, the others over those whose prediction is not their (noisy) label.
    """
    wrong, right = voxels.at(voxels.wrong_v), voxels.at(~voxels.wrong_v)
    differing = voxels.at(voxels.differs_v)
    ranking = ranked(differing.doubt_v, differing.wrong_v)
    return [
        Found("removed_wrong", removed(wrong), len(wrong)),
        Found("removed_right", removed(right), len(right)),
        Found("auroc", ranking and auroc(ranking), len(differing)),
        Found("auprc", ranking and auprc(ranking), len(differing)),
        Found("precision", ranking and precision(ranking), len(differing)),
        Found("calibration", calibration(voxels), len(voxels)),
        Found("wrong_share", wrong_share(differing), len(differing)),
    ]


def removed(voxels: Voxels) -> float | None:
    """The share of the gradient mass that the doubt takes away; None where there is no mass."""
    mass = float(voxels.weight_v.sum(dtype=np.float64))
    return float(np.vdot(voxels.weight_v.astype(np.float64), voxels.doubt_v)) / mass if mass > 0 else None


def calibration(voxels: Voxels) -> float | None:
    """Expected calibration error of the doubt read as the probability that the label is wrong.

    The mean over voxels of |mean doubt - share of wrong labels| of the voxel's bin.
    """
    if not len(voxels):
        return None
    bin_v = np.minimum((voxels.doubt_v * BINS).astype(np.intp), BINS - 1)
    doubt_b = np.bincount(bin_v, weights=voxels.doubt_v, minlength=BINS)
    wrong_b = np.bincount(bin_v[voxels.wrong_v], minlength=BINS)
    return float(np.abs(doubt_b - wrong_b).sum() / len(voxels))


def wrong_share(voxels: Voxels) -> float | None:
    """The share of wrong labels: what precision and average precision are without any knowledge."""
    return float(voxels.wrong_v.mean()) if len(voxels) else None
