"""Muon: momentum made orthogonal for the weights of convolutions, AdamW for all other parameters."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

SMALLEST = 8
"""The smaller side of a matrix that is updated so; output layers of few classes are not."""
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration (Jordan 2024): singular values from 0 to 1 come near 1."""
ITERATIONS = 5
_TINY = 1e-7


class Muon(torch.optim.AdamW):
    """Muon for the parameters in groups with ``matrix``, AdamW for the others.

    The weight of a convolution is taken as the matrix of its first axis by all others. Its update is the
    Nesterov momentum, orthogonalised, times the square root of rows over columns where that is above 1.
    ``torch.optim.Muon`` takes weights of two axes alone, and is not in the lowest PyTorch allowed.

    Source: Jordan et al. 2024, Muon: An optimizer for hidden layers in neural networks.

    Args:
        groups: Parameter groups; those with ``matrix`` also have ``momentum``.
        betas: Of AdamW.
    """

    def __init__(self, groups: Iterable[dict[str, object]], betas: tuple[float, float]) -> None:
        super().__init__(groups, betas=betas, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update all parameters that have a gradient; those of matrices are gone afterwards."""
        for group in self.param_groups:
            if group.get("matrix"):
                options = (group["lr"], group["momentum"], group["weight_decay"])
                self._step_matrices(group["params"], *options)
        found: float | None = super().step(closure)
        return found

    def _step_matrices(
        self, parameters: Iterable[Tensor], rate: float, momentum: float, decay: float
    ) -> None:
        alike: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for parameter in parameters:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            average = state["momentum"].mul_(momentum).add_(parameter.grad)
            update = parameter.grad.add(average, alpha=momentum).flatten(1)
            alike[update.shape[0], update.shape[1]].append((parameter, update))
            parameter.grad = None  # AdamW, which comes next, passes it over
        for (rows, columns), pairs in alike.items():
            scale = max(1.0, rows / columns) ** 0.5
            orthogonal = orthogonalised(torch.stack([update for _, update in pairs]))
            for (parameter, _), update in zip(pairs, orthogonal, strict=True):
                parameter.mul_(1.0 - rate * decay)
                parameter.sub_(update.view(parameter.shape), alpha=rate * scale)


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest matrices whose singular values are all about 1, by five Newton-Schulz iterations.

    Args:
        matrices: (M, rows, columns).
    """
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + _TINY)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = x.mT.contiguous() if is_tall else x
    return found


def is_matrix(parameter: nn.Parameter) -> bool:
    """True for the weight of a convolution that is large enough to be updated as a matrix."""
    if parameter.ndim < 3:
        return False
    rows = parameter.shape[0]
    return min(rows, parameter.numel() // rows) >= SMALLEST
