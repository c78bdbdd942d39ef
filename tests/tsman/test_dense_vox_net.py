"""One stream is the released DenseVoxNet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.files.processor import has_native_bfloat16
from tsman.batch_norm import CorrectedBatchNorm
from tsman.dense_vox_net import DenseVoxNet, Upsampling
from tsman.settings import StreamSettings

NARROW = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        pytest.param(StreamSettings(), 4_339_990, id="as released"),
        pytest.param(StreamSettings(auxiliary_weight=0.0), 4_339_315, id="without the auxiliary branch"),
        pytest.param(StreamSettings(deconv_kernel=2), 1_702_166, id="2 x 2 x 2"),
        pytest.param(
            StreamSettings(deconv_kernel=2, auxiliary="deconv_then_score"), 1_783_670, id="the paper's 1.8 M"
        ),
    ],
)
def test_parameter_counts_are_the_published_ones(settings, count):
    assert sum(parameter.numel() for parameter in DenseVoxNet(1, 3, settings).parameters()) == count


@pytest.mark.parametrize("kernel", [4, 2])
@pytest.mark.parametrize("auxiliary", ["score_then_trilinear", "deconv_then_score"])
def test_both_scores_have_the_image_size_when_training_and_only_the_main_one_after(kernel, auxiliary):
    network = DenseVoxNet(2, 4, replace(NARROW, deconv_kernel=kernel, auxiliary=auxiliary))
    image_bcijk = torch.randn(2, 2, 8, 12, 16)
    training = network(image_bcijk)
    assert training.main_bnijk.shape == training.auxiliary_bnijk.shape == (2, 4, 8, 12, 16)
    assert network.eval()(image_bcijk).auxiliary_bnijk is None


def test_a_size_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(ValueError, match=r"multiples of 4, not \(16, 18, 16\)"):
        DenseVoxNet(1, 2, NARROW)(torch.zeros(1, 1, 16, 18, 16))


def test_gradient_reaches_every_parameter():
    network = DenseVoxNet(1, 3, replace(NARROW, dropout=0.0))
    scores = network(torch.randn(2, 1, 16, 16, 16))
    (scores.main_bnijk.square().mean() + scores.auxiliary_bnijk.square().mean()).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_encoder_convolutions_have_no_bias_and_the_others_have():
    names = [name for name, _ in DenseVoxNet(1, 3, NARROW).named_parameters() if name.endswith("bias")]
    biased = {name.rsplit(".", 1)[0] for name in names if ".norm." not in name}
    assert biased == {"stages.up1.0", "stages.up2.0", "score", "auxiliary.0"}


def test_weights_start_gaussian_as_released_or_as_he_says():
    released, he = DenseVoxNet(1, 3, StreamSettings()), DenseVoxNet(1, 3, StreamSettings(weight_std=0.0))
    assert released.stages["up1"][0].weight.std().item() == pytest.approx(0.01, rel=0.02)
    fan_in = 304 * 2**3  # one output voxel of a 4-tap deconvolution of stride 2 sees 2 taps an axis
    assert he.stages["up1"][0].weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)


def test_the_upsampling_starts_by_continuing_a_linear_ramp_exactly():
    axes = [torch.arange(6.0) * slope for slope in (1.0, -2.0, 0.5)]
    ramp_ijk = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
    fine_ijk = Upsampling(2)(ramp_ijk.expand(1, 2, 6, 6, 6))[0, 1]
    at = (torch.arange(12.0) - 0.5) / 2  # the middle of a fine voxel in coarse indices
    expected_ijk = at[:, None, None] - 2.0 * at[None, :, None] + 0.5 * at[None, None, :]
    inside = (slice(1, -1),) * 3
    torch.testing.assert_close(fine_ijk[inside], expected_ijk[inside])


def test_running_statistics_are_caffes_sums_divided_by_their_weight():
    norm, fraction = CorrectedBatchNorm(3, 0.9), 0.9
    mean_c, var_c, weight = torch.zeros(3), torch.zeros(3), 0.0
    for step in range(5):
        x_bcijk = torch.randn(2, 3, 4, 4, 4) * (step + 1) + step
        norm(x_bcijk)
        values_cv = x_bcijk.transpose(0, 1).flatten(1)
        mean_c = fraction * mean_c + values_cv.mean(1)
        var_c = fraction * var_c + values_cv.var(1, unbiased=True)
        weight = fraction * weight + 1.0
    mean, var = norm.corrected()
    torch.testing.assert_close(mean, mean_c / weight)
    torch.testing.assert_close(var, var_c / weight)


def test_one_step_at_the_released_fraction_is_enough_to_normalise_at_test():
    norm, x_bcijk = CorrectedBatchNorm(2, 0.999), 50.0 + 3.0 * torch.randn(4, 2, 8, 8, 8)
    training_bcijk = norm(x_bcijk)
    torch.testing.assert_close(norm.eval()(x_bcijk), training_bcijk, rtol=1e-3, atol=1e-3)


def test_an_untrained_normalisation_changes_nothing():
    x_bcijk = torch.randn(1, 2, 4, 4, 4)
    torch.testing.assert_close(CorrectedBatchNorm(2, 0.999).eval()(x_bcijk), x_bcijk, rtol=1e-4, atol=1e-5)


def test_running_statistics_travel_in_the_state():
    one, other = CorrectedBatchNorm(2, 0.999), CorrectedBatchNorm(2, 0.999)
    one(torch.randn(2, 2, 4, 4, 4) + 7.0)
    other.load_state_dict(one.state_dict())
    x_bcijk = torch.randn(2, 2, 4, 4, 4)
    torch.testing.assert_close(other.eval()(x_bcijk), one.eval()(x_bcijk), rtol=0, atol=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_fraction_that_averages_nothing_is_refused(fraction):
    with pytest.raises(ValueError, match="average fraction"):
        CorrectedBatchNorm(2, fraction)


def narrow_in_both_precisions():
    """Scores of one crop in float32, and in bfloat16 with channels last."""
    network = DenseVoxNet(1, 3, replace(NARROW, dropout=0.0))
    image_bcijk = torch.randn(2, 1, 16, 16, 16)
    exact_bnijk = network(image_bcijk).main_bnijk
    network.to(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        return exact_bnijk, network(image_bcijk).main_bnijk


def test_bfloat16_with_channels_last_stays_near_float32():
    exact_bnijk, score_bnijk = narrow_in_both_precisions()
    assert (score_bnijk.float() - exact_bnijk).abs().mean() < 0.05 * exact_bnijk.abs().mean()


@pytest.mark.skipif(not has_native_bfloat16(), reason="oneDNN keeps channels last in native bfloat16 alone")
def test_bfloat16_with_channels_last_stays_channels_last():
    assert narrow_in_both_precisions()[1].is_contiguous(memory_format=torch.channels_last_3d)
