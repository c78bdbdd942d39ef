"""What a contestant is: the words of the call between the harness and a method.

Shapes: B batch, C image channels, N classes (background first), I J K voxel axes.
Nothing here imports torch when run: naming and planning stay light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from tsman.settings import StreamSettings as StreamConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Generator, Tensor, nn

__all__ = [
    "AfterStep",
    "Batch",
    "Case",
    "DependsOnStart",
    "Doubts",
    "Fits",
    "Method",
    "ParameterGroup",
    "ParameterGroups",
    "Refines",
    "Revises",
    "SaysLayers",
    "Start",
    "StartsAtTeachers",
    "StreamConfig",
    "Studies",
    "Weighs",
]

Start = Literal["teachers", "fresh"]
"""Where the weights of a student start: at trained teachers, or at a fresh initialisation."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a loss sees of one step."""

    image_bcijk: Tensor  # float32, normalised
    label_bijk: Tensor  # int64, 0..N-1
    is_manual_b: Tensor  # bool: which items carry a manual label
    target_bnijk: Tensor | None = None  # float32: the soft targets that ``study`` gave, where it gave any
    generator: Generator | None = None  # for what a loss draws itself; None: torch's global one


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One whole training volume, as ``revise`` and ``study`` see it."""

    name: str
    image_cijk: Tensor
    label_ijk: Tensor  # the label that the method is being trained on at present
    is_manual: bool
    target_nijk: Tensor | None = None  # the soft target that ``study`` gave it last
    judged_nijk: Tensor | None = None  # by a judge that never saw its label; in the first ``study``


@dataclass(frozen=True, slots=True, eq=False)
class ParameterGroup:
    """Parameters that share a learning rate, as a multiple of the harness's own, and a weight decay."""

    parameters: list[nn.Parameter]
    learning_rate_factor: float = 1.0
    decay: bool = True


@runtime_checkable
class Method(Protocol):
    """A contestant: frozen settings, no state of its own."""

    @property
    def name(self) -> str:
        """The name in the registry and in every record."""

    @property
    def version(self) -> int:
        """Raised with every change of science, so that old results are not taken for new ones."""

    @property
    def reference(self) -> str:
        """The paper it comes from."""

    @property
    def networks(self) -> int:
        """How many networks it trains and averages at test; it is charged for all of them."""

    def network(self, channels: int, classes: int, stream: StreamConfig) -> nn.Module:
        """All networks of the method as one module, freshly initialised from torch's global generator."""

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """The scalar to minimise; ``None`` skips the step, weight decay included. ``progress`` is 0..1."""

    def probabilities(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """Class probabilities (B, N, I, J, K) that sum to one; never sees a label."""


@runtime_checkable
class ParameterGroups(Protocol):
    """Optional: learning rates of its own for some parameters."""

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """All trainable parameters, each in exactly one group."""


@runtime_checkable
class AfterStep(Protocol):
    """Optional: something to do after each optimiser step, such as a moving average."""

    def after_step(self, network: nn.Module, step: int) -> None:
        """Called with the number of steps done."""


@runtime_checkable
class Revises(Protocol):
    """Optional: changes the labels it trains on."""

    @property
    def revisions(self) -> tuple[float, ...]:
        """At which shares of the steps, ascending in (0, 1), ``revise`` is called."""

    def revise(
        self, cases: Iterable[Case], predict: Callable[[Tensor], Tensor], progress: float
    ) -> Mapping[str, Tensor]:
        """New labels (I, J, K) by case name; a case that is not named keeps its label.

        ``cases`` is streamed, one volume in memory at a time; ``predict`` maps (C, I, J, K) to (N, I, J, K).
        A manual label is never changed: the harness refuses it.
        """


@runtime_checkable
class Refines(Protocol):
    """Optional: changes what its network predicts of a whole scan, before that is scored."""

    def refine(self, image_cijk: Tensor, probability_nijk: Tensor) -> Tensor:
        """Probabilities (N, I, J, K) in place of the network's, of a whole normalised image."""


@runtime_checkable
class Studies(Protocol):
    """Optional: looks at all training cases, the manual ones too, and keeps what it finds.

    What it finds of the data as a whole (a confusion matrix, a noise rate) goes into buffers of its network,
    which are saved with the weights; what it finds of each voxel goes back as soft targets.
    """

    @property
    def studies(self) -> tuple[float, ...]:
        """At which shares of the steps, ascending in [0, 1), ``study`` is called; 0 is before the first."""

    @property
    def judges(self) -> int:
        """How many networks judge the labels: 0, or 2 and more.

        The harness deals the training cases into so many parts and trains one plain network for each on all
        the others: no case is judged by a network that saw its label. The method is charged for them.
        """

    def study(
        self,
        network: nn.Module,
        cases: Iterable[Case],
        predict: Callable[[Tensor], Tensor],
        progress: float,
    ) -> Mapping[str, Tensor]:
        """Soft targets (N, I, J, K) by case name, probabilities; a case that is not named keeps what it has.

        ``cases`` is streamed, one volume in memory at a time; ``predict`` maps (C, I, J, K) to (N, I, J, K).
        """


@runtime_checkable
class Doubts(Protocol):
    """Optional: says which voxels' gradients it weakens."""

    def doubt(self, network: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Name to (B, I, J, K) in [0, 1]; 1 where the voxel's gradient is removed altogether."""


@runtime_checkable
class Weighs(Protocol):
    """Optional: shows what it makes of each voxel of an image, without a label, for the reader's eye."""

    def weights(self, network: nn.Module, image_bcijk: Tensor) -> Mapping[str, Tensor]:
        """Name to (B, I, J, K) in [0, 1]: where its networks disagree, what each attention keeps."""


@runtime_checkable
class SaysLayers(Protocol):
    """Optional: lists its network's layers, for a drawing of it."""

    def layers(self, network: nn.Module) -> list[dict[str, object]]:
        """One plain row a layer, in the order of the forward pass, as the network itself gives them."""


@runtime_checkable
class Fits(Protocol):
    """Optional: says which data it cannot be trained on."""

    def fits(self, channels: int, classes: int) -> str:
        """Empty if it can be trained on so many image channels and classes, else a clause: why not."""


@runtime_checkable
class StartsAtTeachers(Protocol):
    """Optional: its network consists of DenseVoxNet streams, which can start at trained teachers."""

    @property
    def starts_at_teachers(self) -> bool:
        """Whether ``tsman.network.streams_of`` gives at least one stream, and no more than ``networks``."""


@runtime_checkable
class DependsOnStart(Protocol):
    """Optional: has settings whose default depends on where its weights start, such as a warm-up."""

    def resolved(self, start: Start) -> Method:
        """The same method with every such setting given a value."""
