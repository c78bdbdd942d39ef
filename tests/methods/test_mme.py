"""What MME is: modalities fused, slices remembered, classes balanced, phases told apart."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from methods.balancing import Frequencies
from methods.interface import Batch
from methods.mme import MultiModalEncodersMethod
from methods.mme_network import ConvLSTM, CrossModality
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)


def half_empty():
    """Two slices of four by four without a structure, then two with a quarter of class 1, one also of 2."""
    label_bijk = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    label_bijk[:, :2, :2, 2:] = 1
    label_bijk[:, 2, :2, 3] = 2
    return label_bijk


def batch_of(label_bijk):
    return Batch(torch.randn(1, 2, *label_bijk.shape[1:]), label_bijk, torch.zeros(1, dtype=torch.bool))


def response(method, slice_changed):
    """How much each slice's probabilities move when one slice's image does."""
    network = method.network(2, 3, NARROW).eval()
    image_bcijk = torch.randn(1, 2, 16, 16, 6)
    other_bcijk = image_bcijk.clone()
    other_bcijk[..., slice_changed] += 1.0
    with torch.inference_mode():
        moved = method.probabilities(network, image_bcijk) - method.probabilities(network, other_bcijk)
    return moved.abs().amax(dim=(0, 1, 2, 3)) > 0


def test_the_memory_runs_forwards_alone_unless_asked_for_both_ways():
    assert response(MultiModalEncodersMethod(), 3).tolist() == [False, False, False, True, True, True]
    assert response(MultiModalEncodersMethod(bidirectional=True), 3).all()


def test_the_memory_adds_what_its_gates_let_in():
    memory = ConvLSTM(1)
    for parameter in memory.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        memory.of_input.bias.copy_(torch.tensor([50.0, 50.0, 50.0, 0.5]))  # all gates open, content tanh(0.5)
    states = memory(torch.zeros(1, 3, 1, 2, 2))[0, :, 0, 0, 0]
    expected = [torch.tanh(n * torch.tanh(torch.tensor(0.5))).item() for n in (1, 2, 3)]
    assert states.tolist() == pytest.approx(expected)


def test_fusion_mixes_channels_of_all_modalities_and_no_neighbours():
    fusion = CrossModality(2, 3)
    features = [torch.randn(1, 2, 4, 4) for _ in range(3)]
    weight_ocm = fusion.conv.weight[..., 0, 0]
    by_hand = torch.einsum("ocm,mscij->soij", weight_ocm, torch.stack(features))
    torch.testing.assert_close(fusion(features), by_hand + fusion.conv.bias[:, None, None])


def test_every_modality_moves_the_prediction():
    method = MultiModalEncodersMethod(networks=1)
    # In training each block normalises by the batch, so that a fresh network's signal is not faint.
    network = method.network(4, 3, NARROW)
    image_bcijk = torch.randn(1, 4, 16, 16, 4)
    with torch.inference_mode():
        whole = method.probabilities(network, image_bcijk)
        for modality in range(4):
            other_bcijk = image_bcijk.clone()
            other_bcijk[:, modality] = 0.0
            assert not torch.allclose(method.probabilities(network, other_bcijk), whole, atol=1e-6)


def test_frequencies_count_only_slices_that_show_the_class():
    frequencies = Frequencies(4)
    frequencies.count(half_empty())
    # background 54 of 64 voxels, class 1 a quarter of two slices, class 2 an eighth of one; class 3 unseen
    background, first, second = 54 / 64, 8 / 32, 2 / 16
    expected = [first / background, 1.0, first / second, 1.0]
    assert frequencies.weights().tolist() == pytest.approx(expected)
    assert Frequencies(2).weights().tolist() == [1.0, 1.0]


def test_the_loss_balances_classes_by_all_labels_of_training():
    method = MultiModalEncodersMethod(networks=1)
    network, batch = method.network(2, 3, NARROW), batch_of(half_empty())
    method.loss(network, batch_of(torch.ones_like(batch.label_bijk)), 0.0)
    seen = network.frequencies.voxels_n.clone()
    loss = method.loss(network, batch, 0.9)
    assert (network.frequencies.voxels_n - seen).tolist() == [54, 8, 2]
    score_bnijk = network(batch.image_bcijk)[0].main_bnijk
    weight_n = network.frequencies.weights()
    torch.testing.assert_close(loss, functional.cross_entropy(score_bnijk, batch.label_bijk, weight_n))


def test_evaluation_counts_nothing():
    method = MultiModalEncodersMethod()
    network = method.network(2, 3, NARROW).eval()
    method.loss(network, batch_of(half_empty()), 0.0)
    assert not network.frequencies.voxels_n.any()


def test_the_first_of_two_phases_learns_from_slices_with_a_structure_alone():
    method = MultiModalEncodersMethod(networks=1, phases=2, first_phase=0.4)
    network, batch = method.network(2, 3, NARROW), batch_of(half_empty())
    first = method.loss(network, batch, 0.39)
    assert network.frequencies.voxels_n.tolist() == [22, 8, 2]
    score_bnijk = network(batch.image_bcijk)[0].main_bnijk
    weight_n = network.frequencies.weights()
    shown = functional.cross_entropy(score_bnijk[..., 2:], batch.label_bijk[..., 2:], weight_n)
    torch.testing.assert_close(first, shown)
    second = method.loss(network, batch, 0.4)
    torch.testing.assert_close(second, functional.cross_entropy(score_bnijk, batch.label_bijk))
    assert network.frequencies.voxels_n.sum() == 32


def test_the_first_of_two_phases_skips_a_crop_without_a_structure():
    method = MultiModalEncodersMethod(phases=2)
    batch = batch_of(torch.zeros(1, 4, 4, 4, dtype=torch.int64))
    network = method.network(2, 3, NARROW)
    assert method.loss(network, batch, 0.0) is None
    assert method.loss(network, batch, 0.9) is not None


def test_one_modality_is_refused():
    with pytest.raises(
        ValueError, match="mme: it fuses modalities and needs at least 2 image channels, not 1"
    ):
        MultiModalEncodersMethod().network(1, 3, NARROW)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_second_phase_that_never_comes_is_refused(share):
    with pytest.raises(ValueError, match="must be inside"):
        MultiModalEncodersMethod(first_phase=share)
