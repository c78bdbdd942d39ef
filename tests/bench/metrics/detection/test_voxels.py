"""The mass of a gradient, against the gradient itself."""

import numpy as np
import pytest
import torch

from bench.metrics.detection import gradient_mass


def test_the_mass_is_the_length_of_the_gradient_that_autograd_gives():
    rng = torch.Generator().manual_seed(0)
    score_vn = torch.randn(50, 4, generator=rng, requires_grad=True)
    label_v = torch.randint(0, 4, (50,), generator=rng)
    torch.nn.functional.cross_entropy(score_vn, label_v, reduction="sum").backward()
    mass_v = gradient_mass(score_vn.detach().softmax(dim=1).numpy().T, label_v.numpy().astype(np.uint8))
    assert mass_v == pytest.approx(score_vn.grad.norm(dim=1).numpy(), rel=1e-4)


def test_a_label_that_is_predicted_for_certain_has_no_mass_and_the_opposite_has_root_two():
    probability_nv = np.array([[1, 1], [0, 0]], np.float32)
    assert gradient_mass(probability_nv, np.array([0, 1])) == pytest.approx([0, 2**0.5])
