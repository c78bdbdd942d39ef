"""The measures of a doubt against the truth; each is None where it is undefined."""

# Legend: V voxels, B bins.

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.detection.voxels import Voxels

BINS = 15
"""Of equal width, for the expected calibration error (Guo et al. 2017)."""


class Found(NamedTuple):
    """One measure of some voxels."""

    measure: str
    value: float | None
    voxels: int  # how many it was taken over


def measure(voxels: Voxels) -> list[Found]:
    """Every measure of these voxels, in the order of ``MEASURES``."""
    sets = {
        "wrong": voxels.at(voxels.wrong_v),
        "right": voxels.at(~voxels.wrong_v),
        "differs": voxels.at(voxels.differs_v),
        "all": voxels,
    }
    return [
        Found(name, value(sets[over]), len(sets[over].doubt_v)) for name, (over, value) in MEASURES.items()
    ]


def removed(voxels: Voxels) -> float | None:
    """The share of the gradient mass that the doubt takes away; None where there is no mass."""
    mass = float(voxels.weight_v.sum(dtype=np.float64))
    return float(np.vdot(voxels.weight_v.astype(np.float64), voxels.doubt_v)) / mass if mass > 0 else None


def auroc(voxels: Voxels) -> float | None:
    """How often a wrong label is doubted more than a right one, ties counting half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(voxels.wrong_v, voxels.doubt_v)) if _both(voxels) else None


def auprc(voxels: Voxels) -> float | None:
    """Average precision: precision weighted by the recall that each threshold adds, without interpolation."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(voxels.wrong_v, voxels.doubt_v)) if _both(voxels) else None


def precision(voxels: Voxels) -> float | None:
    """Of the k most doubted voxels, the share that is wrong, where k are wrong: recall is the same number.

    Voxels that tie at the k-th place count by expectation, as if drawn among them.
    """
    if not _both(voxels):
        return None
    k = int(np.count_nonzero(voxels.wrong_v))
    threshold = np.partition(voxels.doubt_v, -k)[-k]
    above_v, tied_v = voxels.doubt_v > threshold, voxels.doubt_v == threshold
    drawn = k - int(np.count_nonzero(above_v))
    hits = np.count_nonzero(voxels.wrong_v & above_v) + drawn * float(voxels.wrong_v[tied_v].mean())
    return float(hits / k)


def calibration(voxels: Voxels) -> float | None:
    """Expected calibration error of the doubt read as the probability that the label is wrong.

    The mean over voxels of |mean doubt - share of wrong labels| of the voxel's bin.
    """
    count = len(voxels.doubt_v)
    if not count:
        return None
    bin_v = np.minimum((voxels.doubt_v * BINS).astype(np.intp), BINS - 1)
    doubt_b = np.bincount(bin_v, weights=voxels.doubt_v, minlength=BINS)
    wrong_b = np.bincount(bin_v[voxels.wrong_v], minlength=BINS)
    return float(np.abs(doubt_b - wrong_b).sum() / count)


def wrong_share(voxels: Voxels) -> float | None:
    """The share of wrong labels: what precision and average precision are without any knowledge."""
    return float(voxels.wrong_v.mean()) if len(voxels.wrong_v) else None


def _both(voxels: Voxels) -> bool:
    """Whether there are wrong labels and right ones: else nothing can be told apart."""
    return bool(voxels.wrong_v.any()) and not bool(voxels.wrong_v.all())


MEASURES: Mapping[str, tuple[str, Callable[[Voxels], float | None]]] = MappingProxyType(
    {
        "removed_wrong": ("wrong", removed),
        "removed_right": ("right", removed),
        "auroc": ("differs", auroc),
        "auprc": ("differs", auprc),
        "precision": ("differs", precision),
        "calibration": ("all", calibration),
        "wrong_share": ("differs", wrong_share),
    }
)
"""Name -> over which voxels and how; "differs" are those whose prediction is not their (noisy) label."""
