"""What a method refines is what is scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.settings.schema import Compute, Inference
from bench.stages.model import Trained
from methods.deep_level_set import DeepLevelSetMethod
from methods.dense_vox_net import DenseVoxNetMethod
from tsman.settings import StreamSettings

STREAM = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), dropout=0.0, weight_std=0.0)
PATCH = (8, 8, 8)


@dataclass(frozen=True, kw_only=True)
class Turned(DenseVoxNetMethod):
    """The last class for the first, so that nobody overlooks it."""

    name: ClassVar[str] = "turned"

    def refine(self, image_cijk, probability_nijk):
        assert image_cijk.shape[1:] == probability_nijk.shape[1:]
        return probability_nijk.flip(0)


def with_network(method):
    torch.manual_seed(0)  # noqa: TID251 a test is its own harness
    compute = Compute(precision="float32", layout="contiguous", path="plain")
    return Trained(method, method.network(1, 3, STREAM), compute, "cpu")


def test_a_prediction_is_refined_before_it_is_scored_and_not_while_labels_are_revised():
    image_cijk, inference = torch.randn(1, 10, 9, 7), Inference(window="whole")
    plain, turned = with_network(DenseVoxNetMethod()), with_network(Turned())
    expected_nijk = plain.segment(image_cijk, inference, PATCH)
    assert torch.equal(turned.segment(image_cijk, inference, PATCH), expected_nijk)
    assert torch.equal(turned.predicted(image_cijk, inference, PATCH), expected_nijk.flip(0))
    assert torch.equal(plain.predicted(image_cijk, inference, PATCH), expected_nijk)


def test_the_level_set_answers_by_its_label():
    image_cijk, inference = torch.randn(1, 12, 12, 12), Inference(window="whole")
    trained = with_network(DeepLevelSetMethod())
    found = trained.predicted(image_cijk, inference, PATCH)
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    off = with_network(DeepLevelSetMethod(refine_at_test=False))
    assert torch.equal(off.predicted(image_cijk, inference, PATCH), off.segment(image_cijk, inference, PATCH))
