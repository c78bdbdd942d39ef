"""A clean label map -> a noisy one, by one kind of noise or several together."""

# Legend: I J K voxel axes, N classes.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.noise.registry import defaults
from bench.data.noise.simulator import CleanLabels
from bench.data.noise.together import together
from bench.data.noise.words import TOGETHER, kind_of
from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bench.data.noise.simulator import Simulator, Spacing


def corrupt(  # noqa: PLR0913, PLR0917 - what every stage and plug-in passes, in this order
    label_ijk: NDArray[np.uint8],
    spacing_mm: Spacing,
    kind: str,
    rate: float,
    rng: np.random.Generator,
    classes: int,
    simulators: Mapping[str, Simulator] | None = None,
    structures: Iterable[int] = (),
) -> NDArray[np.uint8]:
    """A noisy copy of a clean label map; what came of it, ``realised`` measures.

    Args:
        label_ijk: The clean label map.
        spacing_mm: Voxel size along I, J, K.
        kind: One of ``KINDS``, or several with + between.
        rate: Voxels of a structure that are to be wrong, lost and gained ones together, over its clean ones.
        rng: The only source of chance.
        classes: Number of classes, background included.
        simulators: Kind -> simulator with its settings; the defaults where none are given.
        structures: Those to corrupt, all others are left as they are; none means all.

    Raises:
        UsageError: The rate or a structure cannot be, or the kind is unknown or cannot be had here.
    """
    known = {**defaults(), **(simulators or {})}
    parts = [known[name] for name in kind_of(kind, known).split(TOGETHER)]
    rates_n = wanted_rates(rate, classes, structures)
    clean = CleanLabels(label_ijk=label_ijk, spacing_mm=spacing_mm, rates_n=rates_n, rng=rng)
    return parts[0].corrupt(clean) if len(parts) == 1 else together(parts, clean)


def wanted_rates(rate: float, classes: int, structures: Iterable[int] = ()) -> NDArray[np.float64]:
    """The rate of every class, 0 for the background and what is left alone, shape (N,).

    Raises:
        UsageError: The rate is outside (0, 1], or a structure is none.
    """
    if not 0 < rate <= 1:
        raise UsageError(f"noise rate {rate} is outside (0, 1].")
    chosen = list(structures) or list(range(1, classes))
    if wrong := [structure for structure in chosen if not 1 <= structure < classes]:
        raise UsageError(f"structure {wrong[0]} is none; expected 1..{classes - 1}.")
    rates_n = np.zeros(classes)
    rates_n[chosen] = rate
    return rates_n


def limit_of(kind: str, simulators: Mapping[str, Simulator] | None = None) -> str:
    """What may keep a kind from a rate, in words."""
    known = {**defaults(), **(simulators or {})}
    return "; ".join(known[name].limit for name in kind_of(kind, known).split(TOGETHER))
