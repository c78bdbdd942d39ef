"""Views are undone exactly, and votes count what they say."""

from __future__ import annotations

import gc

import pytest
import torch

from tsman.distillation import VIEWS, distil
from tsman.labels import hard_label, mean_dice
from tsman.settings import DistillationSettings

IDENTITY = DistillationSettings(views="identity")


@pytest.mark.parametrize(
    ("name", "views", "passes"), [("axial-12", 12, 12), ("axial-4x3", 8, 12), ("identity", 1, 1)]
)
def test_views_are_distinct_and_weigh_what_the_paper_counts(name, views, passes):
    cube_ijk = torch.arange(27).reshape(3, 3, 3)
    seen = {tuple(view.apply(cube_ijk).flatten().tolist()) for view in VIEWS[name]}
    assert len(seen) == len(VIEWS[name]) == views
    assert sum(view.weight for view in VIEWS[name]) == passes


@pytest.mark.parametrize("name", list(VIEWS))
def test_every_view_is_undone_exactly(name):
    volume_cijk = torch.randn(2, 3, 4, 5)
    for view in VIEWS[name]:
        assert torch.equal(view.invert(view.apply(volume_cijk)), volume_cijk)


@pytest.mark.parametrize("name", list(VIEWS))
def test_a_view_is_quarter_turns_and_then_a_flip(name):
    axes = {"none": (), "in-plane": (-3,), "through-plane": (-1,)}
    volume_cijk = torch.randn(2, 3, 4, 5)
    for view in VIEWS[name]:
        plain = volume_cijk.rot90(view.turns, (-3, -2)).flip(axes[view.flip])
        assert torch.equal(view.apply(volume_cijk), plain)


def test_the_weighted_eight_are_the_twelve_of_which_four_come_twice():
    cube_ijk = torch.arange(27).reshape(3, 3, 3)
    flips = ((), (-3,), (-2,))
    twelve = [tuple(cube_ijk.rot90(k, (-3, -2)).flip(f).flatten().tolist()) for f in flips for k in range(4)]
    eight = {tuple(view.apply(cube_ijk).flatten().tolist()): view.weight for view in VIEWS["axial-4x3"]}
    assert {image: twelve.count(image) for image in twelve} == eight


def softmax_of(weight_nc):
    """A teacher that looks at each voxel alone, so that all views agree."""
    return lambda image_cijk: torch.einsum("nc,cijk->nijk", weight_nc, image_cijk).softmax(0)


def test_one_teacher_and_one_view_is_a_plain_prediction():
    teacher, image_cijk = softmax_of(torch.randn(3, 2)), torch.randn(2, 4, 5, 6)
    distilled = distil([teacher], image_cijk, IDENTITY)
    torch.testing.assert_close(distilled.probability_nijk, teacher(image_cijk), rtol=0, atol=0)
    assert torch.equal(distilled.label_ijk, teacher(image_cijk).argmax(0).to(torch.uint8))


@pytest.mark.parametrize("views", list(VIEWS))
@pytest.mark.parametrize("vote", ["mean", "majority"])
def test_views_change_nothing_for_a_teacher_that_they_cannot_confuse(views, vote):
    teachers, image_cijk = [softmax_of(torch.randn(3, 2)) for _ in range(3)], torch.randn(2, 4, 5, 6)
    plain = distil(teachers, image_cijk, DistillationSettings(views="identity", vote=vote))
    voted = distil(teachers, image_cijk, DistillationSettings(views=views, vote=vote))
    torch.testing.assert_close(voted.probability_nijk, plain.probability_nijk)
    assert torch.equal(voted.label_ijk, plain.label_ijk)


def test_views_average_a_teacher_that_they_do_confuse():
    def teacher(image_cijk):  # certain of class 1 in the half that it sees first
        one_ijk = torch.zeros(image_cijk.shape[1:])
        one_ijk[: one_ijk.shape[0] // 2] = 1.0
        return torch.stack((1.0 - one_ijk, one_ijk))

    distilled = distil([teacher], torch.zeros(1, 4, 4, 4), DistillationSettings(views="axial-4x3"))
    torch.testing.assert_close(distilled.probability_nijk, torch.full((2, 4, 4, 4), 0.5))


def plainly(teachers, image_cijk, views):
    """The mean and the majority of whole stacks, teacher by teacher."""
    means, votes = [], []
    for teacher in teachers:
        seen = [(view.invert(teacher(view.apply(image_cijk))), view.weight) for view in VIEWS[views]]
        total_nijk = torch.zeros_like(seen[0][0])
        for seen_nijk, weight in seen:
            total_nijk = total_nijk + weight * seen_nijk
        means.append(total_nijk / 12)
        ballots = sum(weight * one_hot(seen_nijk.argmax(0), 3) for seen_nijk, weight in seen)
        votes.append(one_hot((ballots + 0.5 * means[-1]).argmax(0), 3))
    mean_nijk = (means[0] + means[1] + means[2]) / 3
    return mean_nijk, mean_nijk.argmax(0), (sum(votes) + 0.5 * mean_nijk).argmax(0)


def one_hot(label_ijk, classes):
    return torch.stack([(label_ijk == index).float() for index in range(classes)])


@pytest.mark.parametrize("views", ["axial-12", "axial-4x3"])
def test_running_sums_are_plain_means_and_majorities_to_the_last_bit(views):
    kernels = torch.randn(3, 3, 2, 3, 3, 3)

    def teacher(kernel):  # what it says depends on the view
        return lambda image: torch.conv3d(image[None].contiguous(), kernel, padding=1)[0].softmax(0)

    teachers, image_cijk = [teacher(kernel) for kernel in kernels], torch.randn(2, 7, 6, 5)
    mean_nijk, by_mean_ijk, by_majority_ijk = plainly(teachers, image_cijk, views)
    mean = distil(teachers, image_cijk, DistillationSettings(views=views, vote="mean"))
    majority = distil(teachers, image_cijk, DistillationSettings(views=views, vote="majority"))
    assert torch.equal(mean.probability_nijk, mean_nijk)
    assert torch.equal(majority.probability_nijk, mean_nijk)
    assert torch.equal(mean.label_ijk.long(), by_mean_ijk)
    assert torch.equal(majority.label_ijk.long(), by_majority_ijk)
    assert len(by_mean_ijk.unique()) == len(by_majority_ijk.unique()) == 3


def constant(*probability_n):
    return lambda image_cijk: torch.tensor(probability_n)[:, None, None, None].expand(
        -1, *image_cijk.shape[1:]
    )


@pytest.mark.parametrize(("vote", "expected"), [("mean", 0), ("majority", 1)])
def test_one_sure_teacher_wins_the_mean_and_loses_the_majority(vote, expected):
    teachers = [constant(0.9, 0.1), constant(0.4, 0.6), constant(0.4, 0.6)]
    distilled = distil(teachers, torch.zeros(1, 2, 2, 2), DistillationSettings(views="axial-12", vote=vote))
    assert bool((distilled.label_ijk == expected).all())
    assert distilled.probability_nijk[0, 0, 0, 0].item() == pytest.approx(1.7 / 3)


def test_a_tied_majority_goes_to_the_higher_mean_probability():
    teachers = [constant(0.9, 0.1, 0.0), constant(0.0, 0.2, 0.8)]
    settings = DistillationSettings(views="identity", vote="majority")
    assert bool((distil(teachers, torch.zeros(1, 2, 2, 2), settings).label_ijk == 0).all())
    assert bool((distil(teachers[::-1], torch.zeros(1, 2, 2, 2), settings).label_ijk == 0).all())


@pytest.mark.parametrize("vote", ["mean", "majority"])
def test_memory_does_not_grow_with_views_or_teachers(vote):
    sizes = 11, 13, 17  # as nothing else has
    alive = []

    def teacher(image_cijk):
        held = [o for o in gc.get_objects() if isinstance(o, torch.Tensor) and o.numel() == 3 * 11 * 13 * 17]
        alive.append(len(held))
        return torch.rand(3, *image_cijk.shape[1:])

    def between(image_cijk):  # looking is slow
        return torch.rand(3, *image_cijk.shape[1:])

    distil([between, teacher], torch.zeros(1, *sizes), DistillationSettings(views="axial-12", vote=vote))
    assert len(alive) == 12
    assert max(alive) <= 5, "two running sums a level, and the last opinion"


def test_no_teacher_is_refused():
    with pytest.raises(ValueError, match="at least 1 teacher"):
        distil([], torch.zeros(1, 4, 4, 4), IDENTITY)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_hard_labels_equal_argmax_ties_included(classes):
    tied_bnijk = torch.randint(0, 3, (2, classes, 8, 8, 8)).float()
    assert torch.equal(hard_label(tied_bnijk, dim=1), tied_bnijk.argmax(1).to(torch.uint8))
    assert torch.equal(hard_label(tied_bnijk[0], dim=0), tied_bnijk[0].argmax(0).to(torch.uint8))


@pytest.mark.parametrize(
    "shape", [(3, 70, 81, 90), (2, 3, 64, 64, 65), (4, 1, 600_000), (3, 0, 4), (3, 5)], ids=str
)
def test_hard_labels_of_parts_equal_argmax_in_any_layout(shape):
    tied = torch.randint(0, 4, shape).float()
    for score in (tied, tied.transpose(0, 1).contiguous().transpose(0, 1), tied.flip(-1).mT):
        assert torch.equal(hard_label(score, dim=0), score.argmax(0).to(torch.uint8))


def test_hard_labels_of_one_voxel_and_of_255_classes():
    assert hard_label(torch.tensor([0.1, 0.7, 0.2]), dim=0).item() == 1
    many = torch.rand(255, 400)
    assert torch.equal(hard_label(many, dim=0), many.argmax(0).to(torch.uint8))
    assert int(hard_label(many, dim=0).max()) > 200


def test_mean_dice_leaves_out_what_neither_has():
    first_ijk, second_ijk = torch.zeros(4, 1, 1), torch.zeros(4, 1, 1)
    assert mean_dice(first_ijk, second_ijk, 3) == 1.0
    first_ijk[:2] = 1
    second_ijk[1:3] = 1
    assert mean_dice(first_ijk, second_ijk, 3) == 0.5
