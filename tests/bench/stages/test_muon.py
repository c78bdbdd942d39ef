"""Muon: orthogonal updates of convolutions, AdamW for the rest; checkpoints and refusals as of the others."""

import pytest
import torch

from bench.errors import UsageError
from bench.plan.recipes import recipe
from bench.settings.schema import Optimiser
from bench.stages.model import begin
from bench.stages.training.loop import optimiser_of
from bench.stages.training.muon import Muon, is_matrix, orthogonalised
from methods.registry import classes

MUON = ("optimiser.kind=muon", "optimiser.matrix_learning_rate=0.05", "optimiser.matrix_momentum=0.8")


@pytest.mark.parametrize("shape", [(12, 216), (216, 12), (9, 9)])
def test_an_orthogonalised_matrix_has_singular_values_of_about_1_and_the_directions_it_had(shape):
    matrix = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalised(matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.3
    assert values.max() < 1.4
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.einsum("mij,mij->m", found, u @ v).min() > 0.8 * min(shape)


def test_a_batch_of_matrices_is_each_alone():
    matrices = torch.randn(4, 8, 20, generator=torch.Generator().manual_seed(1))
    alone = torch.cat([orthogonalised(one[None]) for one in matrices])
    torch.testing.assert_close(orthogonalised(matrices), alone)


def plain_step(weight, grad, momentum, rate, decay, kept):
    """One update as its authors write it, of one matrix."""
    momentum = kept * momentum + grad
    update = (grad + kept * momentum).flatten(1)
    scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
    orthogonal = orthogonalised(update[None])[0].reshape(weight.shape)
    return weight * (1 - rate * decay) - rate * scale * orthogonal, momentum


def test_a_step_is_that_of_the_authors_for_matrices_and_adamw_for_the_rest():
    draw = torch.Generator().manual_seed(2)
    weights = [torch.nn.Parameter(torch.randn(12, 8, 3, 3, 3, generator=draw)) for _ in range(2)]
    bias = torch.nn.Parameter(torch.randn(12, generator=draw))
    other = torch.nn.Parameter(bias.detach().clone())
    ours = Muon(
        [
            {"params": weights, "lr": 0.05, "weight_decay": 0.1, "matrix": True, "momentum": 0.8},
            {"params": [bias], "lr": 0.01, "weight_decay": 0.1},
        ],
        betas=(0.5, 0.9),
    )
    adamw = torch.optim.AdamW([other], lr=0.01, weight_decay=0.1, betas=(0.5, 0.9))
    wanted = [(one.detach().clone(), torch.zeros_like(one)) for one in weights]
    for _ in range(3):
        for place, one in enumerate(weights):
            one.grad = torch.randn(one.shape, generator=draw)
            wanted[place] = plain_step(wanted[place][0], one.grad.clone(), wanted[place][1], 0.05, 0.1, 0.8)
        bias.grad = torch.randn(12, generator=draw)
        other.grad = bias.grad.clone()
        ours.step()
        adamw.step()
    for one, (weight, _) in zip(weights, wanted, strict=True):
        torch.testing.assert_close(one.detach(), weight)
    torch.testing.assert_close(bias.detach(), other.detach())


def begun(lab):
    """A teacher before its first step, wide enough for matrices."""
    stages = lab.plan("densevoxnet", changes=["stream.stem=8", "stream.growth=8"]).stages()
    return begin(next(one for one in stages if one.kind == "teacher").spec, "cpu")


def test_output_layers_of_few_classes_biases_and_norms_are_no_matrices(tiny_lab):
    network = begun(tiny_lab).network
    found = {name for name, one in network.named_parameters() if is_matrix(one)}
    assert any("block1" in name for name in found)
    assert not any("score" in name or "bias" in name or "norm" in name for name in found)


def test_a_method_that_holds_some_parameters_back_is_heeded(tiny_lab):
    trained = begun(tiny_lab)
    chosen = Optimiser(kind="muon", learning_rate=0.01, matrix_learning_rate=0.05, matrix_momentum=0.8)
    optimiser, _ = optimiser_of(trained, chosen, 10)
    held = [id(one) for group in optimiser.param_groups for one in group["params"]]
    assert sorted(held) == sorted(id(one) for one in trained.network.parameters())
    rates = {group["lr"] for group in optimiser.param_groups if group.get("matrix")}
    assert rates == {0.05}
    assert {group["lr"] for group in optimiser.param_groups if not group.get("matrix")} == {0.01, 0.001, 0.02}


@pytest.mark.parametrize("words", ["matrix_learning_rate=0.0", "matrix_momentum=1.0", "kind=lion"])
def test_what_cannot_be_is_refused(tiny, words):
    with pytest.raises(UsageError, match=words.partition("=")[0]):
        recipe("smoke", [*tiny, *MUON, f"optimiser.{words}"], classes())
