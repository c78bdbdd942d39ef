"""The kinds of label noise: a new one is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.data.noise.boundary_shift import Annotator, DilateErode
from bench.data.noise.drop_slices import DropSlices
from bench.data.noise.drop_structure import DropStructure
from bench.data.noise.edge import Edge
from bench.data.noise.markov import Markov
from bench.data.noise.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.noise.simulator import Simulator

KINDS: Final[Mapping[str, type[Simulator]]] = {
    kind.name: kind for kind in (Markov, DilateErode, Edge, DropSlices, DropStructure, Swap, Annotator)
}


def defaults() -> dict[str, Simulator]:
    """Every kind with its default settings."""
    return {name: kind() for name, kind in KINDS.items()}
