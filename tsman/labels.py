"""Hard labels from class scores."""

# Legend: N classes, the dots any axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def hard_label(score: Tensor, dim: int) -> Tensor:
    """The class of the highest score, the lowest class on a tie; uint8, without axis ``dim``.

    Equal to ``score.argmax(dim)`` for finite scores, and about twenty times faster on a CPU for few classes.

    Args:
        score: Scores or probabilities, (..., N, ...), N at most 255.
        dim: The axis of the classes.
    """
    classes = score.unbind(dim)
    assert len(classes) < 256, "a label is one byte"
    best = classes[0]
    label = torch.zeros(best.shape, dtype=torch.uint8, device=best.device)
    for index, candidate in enumerate(classes[1:], start=1):
        label.masked_fill_(candidate > best, index)
        best = torch.maximum(best, candidate)
    return label


def mean_dice(first_ijk: Tensor, second_ijk: Tensor, classes: int) -> float:
    """The mean Dice of two labels over the foreground classes that either has; 1 if neither has any."""
    scores = []
    for index in range(1, classes):
        one, other = first_ijk == index, second_ijk == index
        if total := int(one.sum() + other.sum()):
            scores.append(2.0 * int((one & other).sum()) / total)
    return sum(scores) / len(scores) if scores else 1.0
