"""The learning rates that some of DenseVoxNet's parameters have of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from methods.interface import ParameterGroup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

UPSAMPLING_FACTOR = 0.1
"""lr_mult of the auxiliary branch's learned upsampling (HeartSeg, train_densenet.prototxt: upscore_aux1)."""
SCORE_BIAS_FACTOR = 2.0
"""lr_mult of the score layers' biases, with decay_mult 0 (the same file: score_main, score_aux1)."""


def dense_vox_net_groups(network: nn.Module) -> list[ParameterGroup]:
    """All parameters of a network made of DenseVoxNet streams, each in one group; no group is empty."""
    from tsman.network import streams_of

    streams = streams_of(network)
    slow = [weight for stream in streams for weight in stream.upsampling_weights()]
    return multiplied(network, slow, [bias for stream in streams for bias in stream.score_biases()])


def multiplied(
    network: nn.Module, slow: list[nn.Parameter], biases: list[nn.Parameter]
) -> list[ParameterGroup]:
    """All parameters of a network, given those of its upsampling and of its score layers' biases."""
    own = {id(parameter) for parameter in (*slow, *biases)}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in own]
    groups = (
        ParameterGroup(rest),
        ParameterGroup(slow, learning_rate_factor=UPSAMPLING_FACTOR),
        ParameterGroup(biases, learning_rate_factor=SCORE_BIAS_FACTOR, decay=False),
    )
    return [group for group in groups if group.parameters]


def without(groups: Iterable[ParameterGroup], parameters: Iterable[nn.Parameter]) -> list[ParameterGroup]:
    """The same groups but for some parameters, which learn otherwise or not at all; no group is empty."""
    left_out = {id(parameter) for parameter in parameters}
    kept = [replace(g, parameters=[p for p in g.parameters if id(p) not in left_out]) for g in groups]
    return [group for group in kept if group.parameters]
