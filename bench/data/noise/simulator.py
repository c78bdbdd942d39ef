"""What a simulator of label noise is: the one thing that a new kind keeps to."""

# Legend: I J K voxel axes, N classes with the background as class 0.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanLabels:
    """What a simulator is given: a clean label map, and how much of it is to be wrong.

    Attributes:
        label_ijk: The clean label map, to be left as it is.
        spacing_mm: Voxel size along I, J, K.
        rates_n: For each class the wrong voxels that are wanted, lost and gained ones together, over its
            clean voxels; 0 for the background and for structures that are to be left alone.
        rng: The only source of chance: the same generator gives the same noise.
    """

    label_ijk: NDArray[np.uint8]
    spacing_mm: Spacing
    rates_n: NDArray[np.float64]
    rng: np.random.Generator

    @property
    def classes(self) -> int:
        """The number of classes N; labels stay in 0..N - 1."""
        return len(self.rates_n)


@runtime_checkable
class Simulator(Protocol):
    """A frozen dataclass whose fields are its settings, each with a default.

    Attributes:
        name: What stands before the colon in ``KIND:RATE``.
        what: One sentence for ``bench noise show``.
        reference: Where it comes from.
        limit: What may keep it from a rate; told where a structure's rate was not met.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    reference: ClassVar[str]
    limit: ClassVar[str]

    def corrupt(self, clean: CleanLabels) -> NDArray[np.uint8]:
        """A noisy copy of a clean label map (I, J, K)."""
        ...
