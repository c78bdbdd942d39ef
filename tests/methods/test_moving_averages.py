"""Averages over training: of weights, and of predictions, against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from methods.interface import Batch, Case
from methods.mean_teacher import PROGRESS, MeanTeacherMethod, dice_loss
from methods.ramps import ramp_up
from methods.temporal_ensembling import STUDIED, TemporalEnsemblingMethod
from tsman.loss import segmentation_loss
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)


def random_batch(manual=(False, False)):
    label_bijk = torch.randint(0, 3, (2, 16, 16, 16))
    return Batch(torch.randn(2, 1, 16, 16, 16), label_bijk, torch.tensor(manual))


@pytest.fixture
def taught():
    """Memory of a quarter of 10 steps: a decay of 0.6 from the third step on."""
    method = MeanTeacherMethod(memory=0.25)
    return method, method.network(1, 3, NARROW)


def test_after_five_steps_the_teacher_is_the_weighted_mean_of_all_students(taught):
    method, network = taught
    student, teacher = network.streams
    seen = []
    for step in range(1, 6):
        with torch.no_grad():
            for parameter in student.parameters():
                parameter.add_(torch.randn_like(parameter))
        network.get_buffer(PROGRESS).fill_((step - 1) / 10)
        method.after_step(network, step)
        seen.append([parameter.detach().clone() for parameter in student.parameters()])
    # The mean of the first two, then 0.6 of the old and 0.4 of the new each time.
    weights = [0.5 * 0.6**3, 0.5 * 0.6**3, 0.4 * 0.6**2, 0.4 * 0.6, 0.4]
    assert sum(weights) == pytest.approx(1.0)
    for place, average in enumerate(teacher.parameters()):
        expected = sum(weight * one[place] for weight, one in zip(weights, seen, strict=True))
        torch.testing.assert_close(average.detach(), expected)


def test_the_teachers_memory_is_a_share_of_the_training():
    method = MeanTeacherMethod(memory=1 / 60)
    assert method.kept(1, 0.0) == 0.0
    assert method.kept(3001, 0.5) == pytest.approx(0.99)  # UA-MT's decay, by its number of steps
    assert method.kept(17_501, 0.5) == pytest.approx(1 - 60 / 35_000)
    assert method.kept(41, 0.5) == pytest.approx(1 - 60 / 80)


def test_the_teachers_running_statistics_are_the_students(taught):
    method, network = taught
    student, teacher = network.streams
    method.loss(network, random_batch(), 0.5)
    method.after_step(network, 6)
    for kept, current in zip(teacher.buffers(), student.buffers(), strict=True):
        assert torch.equal(kept, current)


def test_no_optimiser_holds_the_teacher_and_nothing_of_it_has_a_gradient(taught):
    method, network = taught
    held = {id(one) for group in method.parameter_groups(network) for one in group.parameters}
    student, teacher = network.streams
    method.loss(network, random_batch(), 0.5).backward()
    assert held == {id(one) for one in student.parameters()}
    assert not any(one.requires_grad or one.grad is not None for one in teacher.parameters())
    assert set(network.state_dict()) > {f"streams.1.{name}" for name, _ in teacher.named_parameters()}


def test_manual_labels_alone_are_learned_by_cross_entropy_and_dice(taught):
    method, network = taught
    batch = random_batch(manual=(True, True))
    scores = network.streams[0](batch.image_bcijk)
    weight = scores.auxiliary_weight
    dice = dice_loss(scores.main_bnijk, batch.label_bijk) + weight * dice_loss(
        scores.auxiliary_bnijk, batch.label_bijk
    )
    expected = 0.5 * segmentation_loss((scores,), batch.label_bijk) + 0.5 * dice
    torch.testing.assert_close(method.loss(network, batch, 0.5), expected)


def test_noisy_labels_of_no_weight_leave_consistency_alone():
    method = MeanTeacherMethod(noisy_ce_weight=0.0, noise=0.0)
    network, batch = method.network(1, 3, NARROW), random_batch()
    own, other = (one(batch.image_bcijk).main_bnijk.softmax(1) for one in network.streams)
    expected = 0.1 * ramp_up(0.5, 0.0, 1.0) * (own - other).square().mean()
    torch.testing.assert_close(method.loss(network, batch, 0.5), expected)
    assert method.loss(network, batch, 0.0) == 0  # before the first step there is no teacher


def test_the_teacher_predicts_or_the_student_or_both(taught):
    method, network = taught
    network.eval()
    image_bcijk = torch.randn(1, 1, 16, 16, 16)
    student, teacher = (one(image_bcijk).main_bnijk.softmax(1) for one in network.streams)
    torch.testing.assert_close(method.probabilities(network, image_bcijk), teacher)
    alone = replace(method, predicts="student").probabilities(network, image_bcijk)
    torch.testing.assert_close(alone, student)
    both = replace(method, predicts="both").probabilities(network, image_bcijk)
    torch.testing.assert_close(both, (student + teacher) / 2)


def test_a_perfect_score_has_no_dice_loss_and_a_wrong_one_all_of_it():
    label_bijk = torch.randint(0, 3, (1, 8, 8, 8))
    score_bnijk = 50.0 * torch.nn.functional.one_hot(label_bijk, 3).movedim(-1, 1).float()
    assert dice_loss(score_bnijk, label_bijk).item() == pytest.approx(0.0, abs=1e-4)
    assert dice_loss(score_bnijk, (label_bijk + 1) % 3).item() == pytest.approx(1.0, abs=1e-4)


def test_a_ramp_starts_at_exp_of_minus_five_and_ends_at_one():
    assert [ramp_up(share, 0.2, 0.7) for share in (0.1, 0.7, 1.0)] == [0.0, 1.0, 1.0]
    assert ramp_up(0.2, 0.2, 0.7) == pytest.approx(0.006738, abs=1e-6)
    assert ramp_up(0.0, 0.0, 0.0) == 1.0


def test_five_studies_are_the_bias_corrected_weighted_mean_of_five_predictions():
    method = TemporalEnsemblingMethod()
    network = method.network(1, 3, NARROW)
    predictions = [torch.rand(3, 4, 4, 4).softmax(0) for _ in range(5)]
    target_nijk = None
    for prediction_nijk in predictions:
        case = Case("one", torch.zeros(1, 4, 4, 4), torch.zeros(4, 4, 4), False, target_nijk)
        found = method.study(network, iter([case]), lambda _, said=prediction_nijk: said, 0.5)
        target_nijk = found["one"]
    weights = [0.4 * 0.6 ** (4 - number) / (1 - 0.6**5) for number in range(5)]
    assert sum(weights) == pytest.approx(1.0)
    expected_nijk = sum(weight * one for weight, one in zip(weights, predictions, strict=True))
    torch.testing.assert_close(target_nijk, expected_nijk)
    assert network.get_buffer(STUDIED) == 5


def test_the_average_draws_every_network_to_it_once_there_is_one():
    method = TemporalEnsemblingMethod()
    network, batch = method.network(1, 3, NARROW), random_batch()
    streams = network(batch.image_bcijk)
    plain = segmentation_loss(streams, batch.label_bijk)
    torch.testing.assert_close(method.loss(network, batch, 0.9), plain)
    target_bnijk = torch.rand(2, 3, 16, 16, 16).softmax(1)
    apart = sum((one.main_bnijk.softmax(1) - target_bnijk).square().mean() for one in streams)
    aimed = replace(batch, target_bnijk=target_bnijk)
    torch.testing.assert_close(method.loss(network, aimed, 0.9), plain + method.consistency * apart)


def test_every_default_study_comes_in_order():
    assert len(TemporalEnsemblingMethod().studies) == 8
    with pytest.raises(ValueError, match="must ascend inside"):
        TemporalEnsemblingMethod(studies=(0.0, 0.5))


@pytest.mark.parametrize("wrong", [{"memory": 2.0}, {"ramp": 0.0}, {"noise": -1.0}])
def test_a_teacher_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* must be in"):
        MeanTeacherMethod(**wrong)


@pytest.mark.parametrize("wrong", [{"networks": 0}, {"alpha": 1.0}, {"ramp": 0.0}, {"consistency": -1.0}])
def test_an_average_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* must be in"):
        TemporalEnsemblingMethod(**wrong)
