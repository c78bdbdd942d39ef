"""Two branches, one for manual labels and one for the others, and what their divergence selects."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.dast import DivergenceAwareMethod, divergence, pseudo_label
from methods.dast_network import Queue
from methods.interface import Batch
from tsman.loss import segmentation_loss
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)


def random_batch(manual):
    label_bijk = torch.randint(0, 3, (len(manual), 16, 16, 16))
    return Batch(torch.randn(len(manual), 1, 16, 16, 16), label_bijk, torch.tensor(manual))


@pytest.fixture
def method():
    return DivergenceAwareMethod(queue=2)


@pytest.fixture
def network(method):
    return method.network(1, 3, NARROW)


@pytest.mark.parametrize(("manual", "own"), [((True, True), 0), ((False, False), 1)])
def test_labels_of_one_kind_teach_their_branch_and_the_encoder_alone(method, network, manual, own):
    batch = random_batch(manual)
    loss = method.loss(network, batch, 0.0)
    scores = network(batch.image_bcijk)
    torch.testing.assert_close(loss, segmentation_loss([scores[own]], batch.label_bijk))
    loss.backward()
    assert all(one.grad is None for one in network.streams[1 - own].parameters())
    assert all(one.grad is not None for one in network.streams[own].parameters())
    assert all(one.grad is not None for one in network.encoder.parameters())


def test_labels_of_both_kinds_teach_each_branch_by_its_own(method, network):
    batch = random_batch((True, False))
    scores = network(batch.image_bcijk)
    each = [
        segmentation_loss(
            [
                branch._replace(
                    main_bnijk=branch.main_bnijk[part], auxiliary_bnijk=branch.auxiliary_bnijk[part]
                )
            ],
            batch.label_bijk[part],
        )
        for branch, part in ((scores.clean, slice(0, 1)), (scores.noisy, slice(1, 2)))
    ]
    torch.testing.assert_close(method.loss(network, batch, 0.0), sum(each) / 2)


def test_a_rank_is_the_share_of_the_newest_values_below_and_none_before_there_are_enough():
    queue = Queue(4)
    ranks = [queue.rank(torch.tensor(value)) for value in (3.0, 1.0, 2.0, 5.0, 4.0, 0.0)]
    # 5 is above three of (3, 1, 2, 5); 4 above two of (4, 1, 2, 5); 0 above none of (4, 0, 2, 5).
    assert ranks == [None, None, None, 0.75, 0.5, 0.0]


def test_the_queue_is_saved_with_the_weights(method, network):
    method.loss(network, random_batch((False, False)), 0.5)
    loaded = method.network(1, 3, NARROW)
    loaded.load_state_dict(network.state_dict())
    assert loaded.clean_losses.seen == 1
    assert torch.equal(loaded.clean_losses.value_q, network.clean_losses.value_q)


def full(network, clean, noisy):
    """Queues of two whose kept value is as given; the next loss makes them full."""
    network.clean_losses.rank(torch.tensor(clean))
    network.noisy_losses.rank(torch.tensor(noisy))


def graded(method, network, clean_bnijk, noisy_bnijk, label_bijk):
    apart_bijk = divergence(clean_bnijk, noisy_bnijk)
    return method.graded(network, (clean_bnijk, noisy_bnijk), apart_bijk, label_bijk)


def voices(own):
    """Probabilities that give class 0, the label, so much."""
    rest = (1 - own) / 2
    return torch.tensor([own, rest, rest]).view(1, 3, 1, 1, 1).expand(1, 3, 4, 4, 4)


LABEL = torch.zeros(1, 4, 4, 4, dtype=torch.int64)


def test_nothing_is_selected_while_the_queue_fills(method, network):
    assert graded(method, network, voices(0.5), voices(0.6), LABEL) == (False, False)


def test_a_clean_branch_that_fits_worse_than_of_late_marks_very_noisy_labels():
    method = DivergenceAwareMethod(queue=2, select=0.5)
    network = method.network(1, 3, NARROW)
    full(network, 0.0, 0.0)
    assert graded(method, network, voices(0.5), voices(0.6), LABEL) == (True, False)


def test_a_noisy_branch_that_fits_better_than_of_late_marks_hardly_noisy_labels():
    method = DivergenceAwareMethod(queue=2, select=0.5)
    network = method.network(1, 3, NARROW)
    full(network, 9.0, 9.0)
    assert graded(method, network, voices(0.5), voices(0.6), LABEL) == (False, True)


def test_where_the_clean_branch_fits_best_nothing_is_selected_unless_exchanged():
    method = DivergenceAwareMethod(queue=2, select=0.5)
    for chosen, expected in ((method, (False, False)), (replace(method, exchanged=True), (True, False))):
        network = chosen.network(1, 3, NARROW)
        full(network, 0.0, 0.0)
        assert graded(chosen, network, voices(0.6), voices(0.5), LABEL) == expected


def test_prediction_and_validation_leave_the_queues_alone(method, network):
    network.eval()
    method.loss(network, random_batch((False, False)), 0.9)
    assert network.clean_losses.seen == 0


def test_divergence_is_half_of_both_kullback_leibler_divergences():
    first, second = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.6])
    expected = ((first - second) * (first / second).log()).sum() / 2
    found = divergence(first.view(1, 3, 1, 1, 1), second.view(1, 3, 1, 1, 1))
    torch.testing.assert_close(found, expected.view(1, 1, 1, 1))
    assert divergence(voices(0.5), voices(0.5)).abs().max() == 0


def test_a_sharpened_pseudo_label_of_three_classes_sums_to_one():
    label = torch.ones(1, 4, 4, 4, dtype=torch.int64)
    found = pseudo_label(voices(0.9), voices(0.9), label, 0.5)
    # Two voices of three for class 0: (4/9, 1/9, 0) by their sum.
    torch.testing.assert_close(found[0, :, 0, 0, 0], torch.tensor([0.8, 0.2, 0.0]))


@pytest.mark.parametrize("wrong", [{"queue": 1}, {"temperature": 0.0}, {"select": 2.0}, {"agreement": -1.0}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* must be in"):
        DivergenceAwareMethod(**wrong)


def test_a_ramp_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="must ascend inside"):
        DivergenceAwareMethod(ramp_start=0.9, ramp_end=0.5)
