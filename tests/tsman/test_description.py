"""The table of layers says what the modules are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tsman.network import TwoStream
from tsman.settings import AttentionSettings, LossAttentionSettings, StreamSettings

NARROW = StreamSettings(stem=8, growth=12, units=2, decoder=(16, 16), dropout=0.0, weight_std=0.0)
FULL = StreamSettings()
COLUMNS = {
    "block", "site", "operation", "kernel", "stride", "channels_in", "channels_out", "resolution", "repeats",
}  # fmt: skip


def of(network, block, operation, site=None):
    return [
        row
        for row in network.layers()
        if row["block"] == block and row["operation"] == operation and site in (None, row["site"])
    ]


@pytest.mark.parametrize("stream", [NARROW, FULL], ids=["narrow", "full"])
def test_every_convolution_of_a_stream_is_there_with_its_own_numbers(stream):
    network = TwoStream(2, 4, stream, AttentionSettings())
    said = []
    for row in network.layers():
        if row["block"] not in {"stream", "auxiliary"} or not row["kernel"]:
            continue
        channels = row["channels_in"]
        for _ in range(row["repeats"] if row["operation"] != "max pooling" else 0):
            said.append((channels, row["channels_out"], row["kernel"], row["stride"]))
            channels += row["channels_out"]
    kept = [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0])
        for layer in network.first.modules()
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)
    ]
    assert sorted(said) == sorted([*kept, (4, 4, 4, 2)])  # and the auxiliary branch's upsampling


@pytest.mark.parametrize("stream", [NARROW, FULL], ids=["narrow", "full"])
def test_channels_and_resolution_are_those_of_the_features(stream):
    network = TwoStream(1, 3, stream, AttentionSettings()).eval()
    x_bcijk = torch.zeros(1, 1, 8, 8, 8)
    with torch.no_grad():
        for site, stage in network.first.stages.items():
            x_bcijk = stage(x_bcijk)
            last = [row for row in network.layers() if (row["block"], row["site"]) == ("stream", site)][-1]
            assert (last["channels_out"], last["resolution"]) == (x_bcijk.shape[1], x_bcijk.shape[2] / 8)


@pytest.mark.parametrize("stream", [NARROW, FULL], ids=["narrow", "full"])
def test_the_attentions_have_their_own_numbers(stream):
    network = TwoStream(1, 3, stream, AttentionSettings(spatial_kernel=1, hidden_share=0.5))
    for name in ("f1", "f2"):
        layer = network.attention[name].hidden
        first, last, last_hat = of(network, name, "linear")
        assert (first["channels_in"], first["channels_out"]) == (layer.in_features, layer.out_features)
        assert last == last_hat
        assert (last["channels_in"], last["channels_out"]) == (layer.out_features, layer.in_features)
    layer = network.attention["f3"].hidden
    first, *_ = of(network, "f3", "convolution")
    assert (first["kernel"], first["channels_in"], first["channels_out"]) == (
        1, layer.in_channels, layer.out_channels,
    )  # fmt: skip
    assert of(network, "f3", "sigmoid")[0]["channels_out"] == 1


def test_what_is_fused_by_standing_side_by_side_is_twice_as_wide():
    network = TwoStream(1, 3, NARROW, AttentionSettings(fusion="concat"))
    assert of(network, "f3", "concatenate")[0]["channels_out"] == network.attention["f3"].last.in_channels


def test_another_placement_moves_the_attention():
    sites = {
        placement: [
            row["site"]
            for row in TwoStream(1, 3, NARROW, AttentionSettings(placement=placement)).layers()
            if row["operation"] == "multiply by 2a"
        ]
        for placement in ("A", "B")
    }
    assert sites == {"A": ["pool", "block2", "up2"], "B": ["stem", "pool", "block2"]}


def test_what_is_off_has_no_row():
    off = AttentionSettings(f1=False, f3=False, f4=False, shared_maps=True)
    network = TwoStream(1, 3, replace(NARROW, auxiliary_weight=0.0), off)
    assert {row["block"] for row in network.layers()} == {"stream", "f2"}
    assert len(of(network, "f2", "sigmoid")) == 1


def test_omega_is_three_voxels_wide_where_it_is_on():
    network = TwoStream(1, 3, NARROW, AttentionSettings())
    assert [row["kernel"] for row in of(network, "f4", "Gaussian smoothing")] == [3]
    rough = network.layers(LossAttentionSettings(smooth=False))
    assert "Gaussian smoothing" not in {row["operation"] for row in rough}
    flat = [
        row for row in network.layers(LossAttentionSettings(in_plane=True)) if "in plane" in row["operation"]
    ]
    assert [row["kernel"] for row in flat] == [3]


def test_every_row_has_all_columns_and_plain_values():
    for row in TwoStream(1, 3, FULL, AttentionSettings()).layers():
        assert set(row) == COLUMNS
        assert {type(value) for value in row.values()} <= {str, int, float}
