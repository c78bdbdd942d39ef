"""A method that learns nothing: it stays where it starts. A control of whether a recipe tells methods apart."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from methods.dense_vox_net import DenseVoxNetMethod
from methods.interface import ParameterGroup


@dataclass(frozen=True, kw_only=True)
class Frozen(DenseVoxNetMethod):
    """Two DenseVoxNets with a learning rate of 0; only their running statistics move."""

    name: ClassVar[str] = "frozen"
    reference: ClassVar[str] = "a control, of no paper"

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """All parameters, with no learning rate."""
        return [ParameterGroup(list(network.parameters()), learning_rate_factor=0.0)]
