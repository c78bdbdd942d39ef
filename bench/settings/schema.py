"""What can be set in the harness: strict frozen data, each default with its source; imports nothing heavy.

Sources: "P" is the paper (Implementation Details), "HeartSeg" the released solver and test code of
Yu et al. 2017a that P refers to, "ours" a page in docs/decisions.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bench.errors import UsageError


def demand(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence: demand(steps > 0, "...")
    """Refuse a value that cannot be.

    Raises:
        UsageError: Says ``what`` must hold.
    """
    if not holds:
        raise UsageError(f"{what}.")


_SPENDING = re.compile("(steps|voxels|passes|seconds):([1-9][0-9]{0,14})(?:@(cpu|cuda))?")


class Spending(NamedTuple):
    """What every student may spend."""

    unit: str  # steps, voxels (shown in training), passes (of one network), seconds
    amount: int
    device: str  # whose unit costs say what a second buys


def spending(text: str) -> Spending:
    """A budget in words, as ``passes:500``.

    Raises:
        UsageError: It is none.
    """
    found = _SPENDING.fullmatch(text)
    demand(found is not None, f"budget {text[:60]!r} must be steps, voxels, passes or seconds, as passes:500")
    assert found is not None
    return Spending(found[1], int(found[2]), found[3] or "cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What one training step is shown."""

    patch: tuple[int, int, int] = (64, 64, 64)  # voxels; HeartSeg
    batch: int = 3  # HeartSeg
    views: Literal["axial-12", "axial-4x3", "identity"] = (
        "axial-12"  # ours: 0004, the views of the distillation
    )
    roi_margin: int = 10  # voxels around the label's bounding box; HeartSeg; -1 uses whole volumes

    def __post_init__(self) -> None:
        """Refuse a patch that cannot be rotated or halved twice."""
        fits = min(self.patch) >= 8 and not any(side % 4 for side in self.patch)
        demand(fits, f"patch {self.patch} must have sides of 8, 12, 16, ...")
        demand(self.patch[0] == self.patch[1], f"patch {self.patch} must have an equal first and second side")
        demand(self.batch >= 1, f"batch {self.batch} must be at least 1")
        demand(self.roi_margin >= -1, f"roi_margin {self.roi_margin} must be at least -1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """The optimiser of teachers and students, poly schedule: lr (1 - step / steps) ** power."""

    kind: Literal["sgd", "adamw", "muon"] = "sgd"  # HeartSeg
    learning_rate: float = 0.05  # HeartSeg; of muon: of what is updated by adamw
    power: float = 0.9  # HeartSeg
    momentum: float = 0.9  # of sgd; HeartSeg
    betas: tuple[float, float] = (0.5, 0.9)  # of adamw; ours: 0005, short schedules on single crops
    weight_decay: float = 5e-4  # HeartSeg
    # Of muon, for the weights of convolutions (ours: 0041).
    matrix_learning_rate: float = field(default=0.05, metadata={"later": True})
    matrix_momentum: float = field(default=0.8, metadata={"later": True})

    def __post_init__(self) -> None:
        """Refuse what no optimiser takes."""
        rate, momentum = self.matrix_learning_rate, self.matrix_momentum
        demand(0 < rate < math.inf, f"matrix_learning_rate {rate} must be above 0")
        demand(0 <= momentum < 1, f"matrix_momentum {momentum} must be in [0, 1)")
        demand(0 < self.learning_rate < math.inf, f"learning_rate {self.learning_rate} must be above 0")
        demand(0 <= self.power < math.inf, f"power {self.power} must be at least 0")
        demand(0 <= self.momentum < 1, f"momentum {self.momentum} must be in [0, 1)")
        demand(all(0 <= beta < 1 for beta in self.betas), f"betas {self.betas} must be in [0, 1)")
        demand(0 <= self.weight_decay < math.inf, f"weight_decay {self.weight_decay} must be at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Teachers:
    """The models that make pseudo labels."""

    steps: tuple[int, ...] = (10_000, 15_000, 20_000)  # P; one teacher each

    def __post_init__(self) -> None:
        """Refuse a distillation without teachers."""
        demand(bool(self.steps), "teachers.steps must name at least one teacher")
        demand(len(self.steps) <= 99, f"teachers.steps names {len(self.steps)} teachers; the most is 99")
        demand(min(self.steps, default=1) >= 1, f"teachers.steps {self.steps} must each be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """The training on the mix of manual and pseudo labels."""

    steps: int = 35_000  # P
    # Where its weights start. auto: at teachers where labels are distilled and the network consists of their
    # streams, else fresh with the steps of a teacher more; teachers: refused where it cannot (ours: 0040).
    start: Literal["fresh", "auto", "teachers"] = "fresh"
    learning_rate: float | None = None  # from a start at teachers; None: the optimiser's
    matrix_learning_rate: float | None = None  # likewise

    def __post_init__(self) -> None:
        """Refuse a training of no steps, and a learning rate that is none."""
        demand(self.steps >= 1, f"student.steps {self.steps} must be at least 1")
        for name in ("learning_rate", "matrix_learning_rate"):
            rate = getattr(self, name)
            demand(rate is None or 0 < rate < math.inf, f"student.{name} {rate} must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Who keeps a manual label."""

    seed: int | None = None  # None: the seed of the sweep

    def __post_init__(self) -> None:
        """Refuse a negative seed."""
        demand(self.seed is None or self.seed >= 0, f"split.seed {self.seed} must be at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How whole volumes are segmented."""

    window: Literal["whole", "overlap", "heartseg"] = "heartseg"  # HeartSeg: fixed number of folds an axis
    overlap: float = 0.5  # of neighbouring windows, for "overlap"
    batch: int = 4  # windows at a time

    def __post_init__(self) -> None:
        """Refuse windows that never meet or never move on."""
        demand(0 <= self.overlap < 1, f"inference.overlap {self.overlap} must be in [0, 1)")
        demand(self.batch >= 1, f"inference.batch {self.batch} must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What is done to a trained network's label map before it is scored; pseudo labels stay as they are.

    HeartSeg cleans hearts, where every structure is one piece; lesions are not. ``None`` therefore
    means as HeartSeg does where a data set says that its structures are single pieces, else nothing.
    """

    min_component: float | None = None  # HeartSeg: 0.2; a smaller share of a class's voxels is removed
    fill_holes: bool | None = (
        None  # HeartSeg: true; the highest class first, so that class 1 fills what it encloses
    )

    def __post_init__(self) -> None:
        """Refuse a share outside [0, 1]."""
        share = self.min_component
        demand(share is None or 0 <= share <= 1, f"cleaning.min_component {share} must be in [0, 1]")

    def resolved(self, *, single_pieces: bool) -> Cleaning:
        """The settings with ``None`` decided for a data set."""
        least = (0.2 if single_pieces else 0.0) if self.min_component is None else self.min_component
        return Cleaning(
            min_component=least, fill_holes=single_pieces if self.fill_holes is None else self.fill_holes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How predictions are scored."""

    definition: Literal["hvsmr2016", "medpy"] = "hvsmr2016"
    compute: Literal["fast", "plain", "medpy"] = "fast"  # plain: the same values without a trick
    more: tuple[str, ...] = field(default=(), metadata={"later": True})  # of installed packages

    def __post_init__(self) -> None:
        """Refuse the library for a definition that is not its own, and a metric that is named twice."""
        demand(
            self.compute != "medpy" or self.definition == "medpy",
            f"metrics.compute {self.compute} needs metrics.definition=medpy, its only one",
        )
        demand(len(set(self.more)) == len(self.more), f"metrics.more {list(self.more)} names one twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """What may change a result's last digits, so it is part of every key."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # auto is resolved before planning
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    path: Literal["fast", "plain"] = "fast"  # plain: every layer as PyTorch has it (docs/decisions/0019)
    threads: int = 1  # of one stage; the number of stages at a time is --jobs

    def __post_init__(self) -> None:
        """Refuse a stage without threads."""
        demand(1 <= self.threads <= 1024, f"compute.threads {self.threads} must be in 1..1024")


def heartseg_overlap(size: int, side: int) -> float:
    """The overlap at which MONAI's windows lie where HeartSeg's do along an axis of ``size`` voxels.

    HeartSeg takes floor(size / side) + 4 folds, so a stride of ceil((size - side) / (folds - 1)); a last
    window ends at the border. Where the stride divides size - side HeartSeg visits that twice; we do not.
    """
    if size <= side:
        return 0.0
    folds = size // side + 4
    stride = math.ceil((size - side) / (folds - 1))
    # MONAI takes int(side * (1 - overlap)) as stride; a quarter voxel more is safe from rounding.
    return max(1 - (stride + 0.25) / side, 0.0)
