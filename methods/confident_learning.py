"""Confident learning: which labels a judge that did not see them holds for wrong, and how often.

Northcutt et al., Confident Learning, JAIR 2021; the rules as in cleanlab (count.py, filter.py), voxels being
samples. cleanlab itself is not used: its calls changed from 1.x to 2.x, and it wants all voxels at once.
"""

# Legend: N classes, I J K voxel axes, V voxels in a row, H bins of a histogram.
# A joint (N, N) counts voxels by the label that they have (row) and the one that they should have (column).

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from methods.interface import Case

SURE: Final = 0.99
"""A voxel whose judge gives its label so much or more cannot be flagged; it is counted, not kept."""
BINS: Final = 4096
"""Of the histogram of sure probabilities, which says how many of them reach a threshold."""
SLACK: Final = 1e-6
"""What a probability may fall short of its threshold by rounding (cleanlab's own)."""


class Unsure(NamedTuple):
    """The voxels of one case that may be wrong."""

    case: str
    shape_ijk: torch.Size
    place_v: Tensor  # int32, where in the flattened volume
    label_v: Tensor  # uint8
    judged_vn: Tensor  # float16


@final
class Evidence:
    """What judges say of the labels, gathered case by case in one pass.

    A manual label is never counted as wrong: it helps to say what "confident" means for its class, and counts
    as right in the joint. Memory goes with the voxels whose label the judge gives less than ``SURE``.

    Args:
        classes: Classes N, background included.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._own_n = torch.zeros(classes, dtype=torch.float64)  # sum of the labels' own probabilities
        self._voxels_n = torch.zeros(classes, dtype=torch.float64)
        self._manual_n = torch.zeros(classes, dtype=torch.float64)
        self._sure_nh = torch.zeros(classes, BINS, dtype=torch.float64)  # of noisy labels
        self._unsure: list[Unsure] = []

    def add(self, case: Case) -> None:
        """Take in one case that was judged.

        Raises:
            ValueError: If it comes without the judge's word.
        """
        if case.judged_nijk is None:
            raise ValueError(
                f"case {case.name} comes without a judge's probabilities; confident learning needs them"
            )
        label_v = case.label_ijk.flatten().long().cpu()
        judged_nv = case.judged_nijk.flatten(1).float().cpu()
        own_v = judged_nv.gather(0, label_v[None])[0]
        sure_v = own_v >= SURE
        rounded_v = torch.where(sure_v, own_v, own_v.half().float())  # as they are kept
        voxels_n = _counted(label_v, self.classes)
        self._own_n += _counted(label_v, self.classes, rounded_v.double())
        self._voxels_n += voxels_n
        if case.is_manual:
            self._manual_n += voxels_n
            return
        bins_v = label_v[sure_v] * BINS + _bin(own_v[sure_v])
        self._sure_nh += _counted(bins_v, self.classes * BINS).view(self.classes, BINS)
        place_v = (~sure_v).nonzero()[:, 0]
        self._unsure.append(
            Unsure(
                case.name,
                case.label_ijk.shape,
                place_v.int(),
                label_v[place_v].to(torch.uint8),
                judged_nv[:, place_v].T.half(),
            )
        )

    def thresholds(self) -> Tensor:
        """The mean probability (N,) that judges give a class where it is the label; infinite for no voxel."""
        mean_n = self._own_n / self._voxels_n.clamp(min=1.0)
        return torch.where(self._voxels_n > 0, mean_n, torch.inf)

    def joint(self) -> Tensor:
        """The estimated number of voxels (N, N), float64, by label and true class; manual ones are right."""
        return self._noisy_joint() + self._manual_n.diag()

    def flags(self) -> dict[str, Tensor]:
        """The voxels (I, J, K), bool, of each case without a manual label that are held for wrong.

        The rule ``both``: those that ``prune_by_class`` and ``prune_by_noise_rate`` name, save where the
        judge's most likely class is the label (cleanlab, filter.py).
        """
        if not self._unsure:
            return {}
        label_v = torch.cat([part.label_v for part in self._unsure]).long()
        judged_vn = torch.cat([part.judged_vn for part in self._unsure]).float()
        joint_nn = self._noisy_joint()
        wrong_v = prune_by_class(label_v, judged_vn, joint_nn)
        wrong_v &= prune_by_noise_rate(label_v, judged_vn, joint_nn)
        wrong_v &= judged_vn.argmax(dim=1) != label_v
        pieces = torch.split(wrong_v, [len(part.place_v) for part in self._unsure])
        return {part.case: _volume(part, piece_v) for part, piece_v in zip(self._unsure, pieces, strict=True)}

    def _noisy_joint(self) -> Tensor:
        """The joint without the manual voxels; each row sums to the number of voxels of that label."""
        threshold_n = self.thresholds()
        counted_nn = torch.zeros(self.classes, self.classes, dtype=torch.float64)
        for part in self._unsure:
            counted_nn += confident_counts(part.label_v.long(), part.judged_vn.float(), threshold_n)
        confident_nh = torch.arange(BINS) >= _bin(threshold_n - SLACK)[:, None]
        counted_nn += (self._sure_nh * confident_nh).sum(dim=1).diag()
        # A class of which nobody is confident says nothing against its labels.
        counted_nn += (counted_nn.sum(dim=1) == 0).double().diag()
        noisy_n = self._voxels_n - self._manual_n
        return counted_nn * (noisy_n / counted_nn.sum(dim=1))[:, None]


def gathered(cases: Iterable[Case]) -> Evidence:
    """The evidence of all cases that ``study`` streams.

    Raises:
        ValueError: If there is no case, or one was not judged.
    """
    evidence: Evidence | None = None
    for case in cases:
        if evidence is None:
            evidence = Evidence(0 if case.judged_nijk is None else len(case.judged_nijk))
        evidence.add(case)
    if evidence is None:
        raise ValueError("confident learning needs at least 1 case, got none")
    return evidence


def noise_rates(joint_nn: Tensor) -> Tensor:
    """The share (N,) of each label's voxels that is wrong: off the diagonal of its row; 0 if it has none."""
    voxels_n = joint_nn.sum(dim=1)
    return (voxels_n - joint_nn.diagonal()) / voxels_n.clamp(min=1.0)


def noise_rate(joint_nn: Tensor) -> float:
    """The share of all voxels whose label is wrong."""
    return 1.0 - float(joint_nn.trace() / joint_nn.sum().clamp(min=1.0))


def confident_counts(label_v: Tensor, judged_vn: Tensor, threshold_n: Tensor) -> Tensor:
    """How many voxels (N, N), float64, of each label are confidently of each class.

    Confident means that the class's probability reaches its threshold; of several such classes the most
    likely one counts, and a voxel with none is not counted.
    """
    classes = judged_vn.shape[1]
    is_confident_vn = judged_vn >= threshold_n - SLACK
    best_v = judged_vn.where(is_confident_vn, -1.0).argmax(dim=1)
    counted_v = is_confident_vn.any(dim=1)
    return _counted((label_v * classes + best_v)[counted_v], classes * classes).view(classes, classes)


def prune_by_class(label_v: Tensor, judged_vn: Tensor, joint_nn: Tensor) -> Tensor:
    """Of each label the voxels (V,) least likely to be it, as many as the joint holds for wrong."""
    wrong_v = torch.zeros_like(label_v, dtype=torch.bool)
    for label in range(len(joint_nn)):
        count = round(float(joint_nn[label].sum() - joint_nn[label, label]))
        place_v = (label_v == label).nonzero()[:, 0]
        wrong_v[place_v[_highest(-judged_vn[place_v, label], count)]] = True
    return wrong_v


def prune_by_noise_rate(label_v: Tensor, judged_vn: Tensor, joint_nn: Tensor) -> Tensor:
    """Of each label, for each other class, the voxels (V,) most in its favour, as many as the joint says."""
    wrong_v = torch.zeros_like(label_v, dtype=torch.bool)
    for label in range(len(joint_nn)):
        place_v = (label_v == label).nonzero()[:, 0]
        for other in range(len(joint_nn)):
            if other != label:
                margin_v = judged_vn[place_v, other] - judged_vn[place_v, label]
                wrong_v[place_v[_highest(margin_v, round(float(joint_nn[label, other])))]] = True
    return wrong_v


def _highest(value_v: Tensor, count: int) -> Tensor:
    """The places of the highest values; of equal ones the first, so that a run repeats itself."""
    return value_v.argsort(descending=True, stable=True)[:count]


def _counted(place_v: Tensor, length: int, weight_v: Tensor | None = None) -> Tensor:
    return torch.bincount(place_v, weights=weight_v, minlength=length).double()


def _bin(probability: Tensor) -> Tensor:
    return ((probability - SURE) / (1.0 - SURE) * BINS).clamp(0, BINS).long().clamp(max=BINS - 1)


def _volume(part: Unsure, wrong_v: Tensor) -> Tensor:
    wrong_ijk = torch.zeros(part.shape_ijk, dtype=torch.bool)
    wrong_ijk.view(-1)[part.place_v[wrong_v].long()] = True
    return wrong_ijk
