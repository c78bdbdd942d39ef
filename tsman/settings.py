"""Every switch of the idea as frozen data; imports no torch, so that a sweep is planned without it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Gain = Literal["plain", "double", "residual", "tanh"]
"""How a map ``a`` scales a feature: ``a``, ``2a`` (unit gain at the start), ``1 + a``, or 1 + tanh z.

z is the score under the map. The last has unit gain at the start too and is twice as steep as ``2a``; the map
that is shown is half of it."""
Gradient = Literal["through", "detach_inputs", "only"]
"""What a map does in the backward pass.

``through``: its own inputs receive gradients. ``detach_inputs``: they are constants to it. ``only``: the
letter of P's Eq. 5: the forward pass is left as it is and the gradient of the feature is multiplied by the
gain; inputs are constants, and the map learns by the gradient that it would have if it multiplied."""
Sources = Literal["both", "other"]
"""Which stream a stream's map is computed from: both, or the other one alone.

P: "take in both feature maps"; P: "the inference processing of another network is helpful"."""
ExclusiveOr = Literal["hard", "soft"]
"""P's exclusive or of two predictions: 1 where the most likely classes differ, or 1 - p · p̂.

The latter is the probability that classes drawn from the two softmaxes differ."""
Normaliser = Literal["sum_weights", "count", "paper-literal"]
"""What divides the weighted loss.

``sum_weights``: the sum of the weights, but no less than ``floor`` times the number of voxels. In a usual
training one voxel of twenty disagrees: at the default floor of 0.1 each step is then divided by a constant, a
tenth of the number of voxels, and none by the sum; with floor 0 each is divided by the sum. ``count``: the
number of voxels. ``paper-literal``: P's letter, the number of voxels and no warm-up."""
AuxiliaryRule = Literal["own", "cross-entropy"]
"""What the auxiliary branch of every network learns by: the rule of its method, or plain cross-entropy.

The first is what the main branch learns by; the second is that of the labels, whatever the method."""
FRESH_WARM_UP = 0.5
"""The warm-up of a network that starts fresh, as a share of its steps (docs/decisions/0006)."""
Placement = Literal["A", "A-before-pooling", "B", "C"]
"""Where f1, f2 and f3 sit; the stages of the stream are named in ``tsman.dense_vox_net``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """One DenseVoxNet stream (Yu et al. 2017a; defaults as in HeartSeg's train_densenet.prototxt)."""

    stem: int = 16  # channels of the first convolution
    growth: int = 12  # channels that a unit of a dense block adds
    units: int = 12  # units in each of the two dense blocks
    decoder: tuple[int, int] = (128, 64)  # channels of the two deconvolutions
    deconv_kernel: Literal[4, 2] = 4  # 4 as released; 2 fits the paper's 1.8 M parameters
    auxiliary: Literal["score_then_trilinear", "deconv_then_score"] = "score_then_trilinear"
    auxiliary_weight: float = 0.33  # loss weight of the auxiliary branch
    auxiliary_rule: AuxiliaryRule = field(default="own", metadata={"later": True})  # ours: 0038
    dropout: float = 0.2  # voxelwise
    weight_std: float = 0.01  # Gaussian initialisation; 0 takes He's rule, which short schedules need
    average_fraction: float = 0.999  # of batch normalisation's running statistics (caffe.proto's default)

    def __post_init__(self) -> None:
        counts = {"stem": self.stem, "growth": self.growth, "units": self.units, "decoder": min(self.decoder)}
        for name, count in counts.items():
            _demand(1 <= count <= 4096, name, count, "in 1..4096")
        _demand(0 <= self.auxiliary_weight <= 100, "auxiliary_weight", self.auxiliary_weight, "in [0, 100]")
        _demand(0 <= self.dropout < 1, "dropout", self.dropout, "in [0, 1)")
        _demand(0 <= self.weight_std <= 10, "weight_std", self.weight_std, "in [0, 10]")
        _demand(0 < self.average_fraction < 1, "average_fraction", self.average_fraction, "in (0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSettings:
    """The attention between two streams (P, Fig. 2 and 4; what the text leaves open is a setting)."""

    f1: bool = True  # channel attention after dense block 1
    f2: bool = True  # channel attention after dense block 2
    f3: bool = True  # spatial attention on the last features
    f4: bool = True  # loss attention on the predictions
    placement: Placement = "A"
    hidden_share: float = (
        0.25  # ours: 0007; hidden channels of a channel attention, as a share of its input's
    )
    spatial_hidden_share: float = 0.25  # ours: 0007; the same for the spatial attention
    spatial_kernel: Literal[1, 3] = 3
    fusion: Literal["add", "concat", "abs_diff"] = "add"  # Fig. 4: the blue circles are additions
    sources: Sources = field(default="both", metadata={"later": True})
    # Whether a map scales the sum of both streams' features, not its own stream's alone (P: "exchanging
    # multi-level features"; Fig. 4: "element-wise additions").
    exchange: bool = field(default=False, metadata={"later": True})
    shared_maps: bool = False  # P: "two feedback attention maps"
    gain: Gain = "double"  # ours: 0007
    gradient: Gradient = "through"
    start_bias: float = 0.0  # bias of the layer before the sigmoid
    # Standard deviation of that layer's weights at the start (HeartSeg: 0.01): maps start flat.
    start_std: float = field(default=0.01, metadata={"later": True})
    # Of f1 to f3, as a multiple of the optimiser's (P: "the training parameters ... follow", so 1).
    learning_rate_factor: float = field(default=1.0, metadata={"later": True})

    def __post_init__(self) -> None:
        for name in ("hidden_share", "spatial_hidden_share"):
            _demand(0 < getattr(self, name) <= 4, name, getattr(self, name), "in (0, 4]")
        _demand(-20 <= self.start_bias <= 20, "start_bias", self.start_bias, "in [-20, 20]")
        _demand(0 <= self.start_std <= 10, "start_std", self.start_std, "in [0, 10]")
        factor = self.learning_rate_factor
        _demand(0 <= factor <= 1000, "learning_rate_factor", factor, "in [0, 1000]")
        if self.sources == "other":
            _demand(not self.shared_maps, "shared_maps", self.shared_maps, "false where sources is 'other'")
            _demand(self.fusion == "add", "fusion", self.fusion, "left at 'add' where sources is 'other'")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAttentionSettings:
    """How disagreement weighs the loss (P, Eq. 7; Malach & Shalev-Shwartz 2017 for the floor)."""

    exclusive_or: ExclusiveOr = field(default="hard", metadata={"later": True})
    smooth: bool = True  # omega: Gaussian, 3 taps an axis, variance 0.5
    in_plane: bool = False  # smooth the first two axes only, as "3 x 3" reads literally
    # Whether omega is divided by its centre and cut off at 1, so that a lone disagreement weighs 1, not 0.19
    # (P: after smoothing "more voxels" are involved). Nothing where ``smooth`` is off.
    rescale: bool = field(default=False, metadata={"later": True})
    normaliser: Normaliser = "sum_weights"
    floor: float = 0.1  # the normaliser is at least this share of the voxels
    # Share of the steps with every voxel at weight one. None: 0.5 from a fresh start (ours: 0006), 0 from
    # teachers, which know the classes (ours: 0040).
    warm_up: float | None = None

    @property
    def starts(self) -> float:
        """The share of the steps after which disagreement weighs."""
        if self.normaliser == "paper-literal":
            return 0.0
        return resolved_warm_up(self.warm_up, at_teachers=False)

    def resolved(self, *, at_teachers: bool) -> LossAttentionSettings:
        """The settings with the warm-up decided: for networks that start at trained teachers, or fresh."""
        return replace(self, warm_up=resolved_warm_up(self.warm_up, at_teachers=at_teachers))

    def __post_init__(self) -> None:
        _demand(0 <= self.floor <= 1, "floor", self.floor, "in [0, 1]")
        if self.warm_up is not None:
            _demand(0 <= self.warm_up <= 1, "warm_up", self.warm_up, "in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationSettings:
    """Hierarchical distillation (P, Eq. 8-10; Implementation Details: 12 views)."""

    views: Literal["axial-12", "axial-4x3", "identity"] = "axial-12"
    vote: Literal["mean", "majority"] = "mean"  # g, at both levels


def resolved_warm_up(warm_up: float | None, *, at_teachers: bool) -> float:
    """The warm-up that is set; where none is, half of the steps from a fresh start and 0 from teachers."""
    if warm_up is not None:
        return warm_up
    return 0.0 if at_teachers else FRESH_WARM_UP


def _demand(holds: bool, name: str, value: object, range_: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise ValueError(f"{name} {value} must be {range_}")
