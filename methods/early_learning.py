"""When a network has learned what is right of its labels, and which of them it then corrects (ADELE)."""

# Legend: N classes, E blocks of steps, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import curve_fit

from tsman.labels import hard_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

LEAST_RISE = 0.1
"""Leading points are left out up to the first rise of so much (Kangningthu/ADELE, label_correction.py)."""
LEAST_POINTS = 4
"""One more than the curve has parameters."""


def overlap(label_bijk: Tensor, other_bijk: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """The voxels (N,) of each class in both labels, and in either."""
    first_nv, second_nv = (
        torch.stack([(one == number).flatten() for number in range(classes)])
        for one in (label_bijk, other_bijk)
    )
    return (first_nv & second_nv).sum(dim=1), (first_nv | second_nv).sum(dim=1)


def is_learned_early(iou: Sequence[float], slowed: float) -> bool:
    """Whether a class's training IoU, block by block, rises far slower than at first.

    The curve a (1 - exp(-t^b / c)) is fitted, later points weighing more, and its slope at the last block
    compared with that at the first.

    Args:
        iou: The IoU of each block so far.
        slowed: The share of the first slope that must be gone.
    """
    start = 0
    while start + 1 < len(iou) and iou[start + 1] - iou[start] < LEAST_RISE:
        start += 1
    kept = np.asarray(iou[start:], dtype=np.float64)
    if len(kept) < LEAST_POINTS:
        return False
    block = np.arange(1.0, len(kept) + 1.0)
    try:
        found, _ = curve_fit(
            _curve,
            block,
            kept,
            p0=(0.9, 0.9, 1.0),
            sigma=np.geomspace(1.0, 0.1, len(kept)),
            absolute_sigma=True,
            bounds=([0.0, 1e-3, 1e-3], [1.0, 1.0, np.inf]),
        )
    except RuntimeError:  # scipy's word for a fit that did not settle: nothing is known of the curve
        return False
    first, last = _slope(block[[0, -1]], *found)
    return bool(first > 0 and (first - last) / first > slowed)


def corrected(label_ijk: Tensor, probability_nijk: Tensor, triggered_n: Tensor, confidence: float) -> Tensor:
    """The label, or the prediction where that is sure and both are background or a triggered class.

    A structure that the volume's label does not show is not brought in.

    Args:
        label_ijk: The given label.
        probability_nijk: The prediction.
        triggered_n: Which classes were learned early, bool.
        confidence: What the background's, or the likeliest structure's, probability must exceed.
    """
    likely_ijk = hard_label(probability_nijk, dim=0).long()
    label_ijk = label_ijk.long()
    allowed_n = triggered_n.clone()
    allowed_n[0] = True
    shown_n = torch.bincount(label_ijk.flatten(), minlength=len(allowed_n)) > 0
    shown_n[0] = True
    is_sure_ijk = (probability_nijk[1:].amax(dim=0) > confidence) | (probability_nijk[0] > confidence)
    is_replaced_ijk = is_sure_ijk & allowed_n[label_ijk] & (allowed_n & shown_n)[likely_ijk]
    return torch.where(is_replaced_ijk, likely_ijk, label_ijk)


def _curve(t: NDArray[np.float64], a: float, b: float, c: float) -> NDArray[np.float64]:
    return a * (1.0 - np.exp(-(t**b) / c))


def _slope(t: NDArray[np.float64], a: float, b: float, c: float) -> NDArray[np.float64]:
    return a * b / c * np.exp(-(t**b) / c) * t ** (b - 1.0)
