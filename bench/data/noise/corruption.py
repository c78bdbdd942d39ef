"""A clean label map -> a noisy one, by one kind of noise or several together."""

# Legend: I J K voxel axes, N classes.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bench.data.noise.realised import tolerance
from bench.data.noise.registry import defaults
from bench.data.noise.words import TOGETHER, kind_of
from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bench.data.noise.simulator import Simulator, Spacing

_ROUNDS: Final = 5  # of steering the last part of a combination


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
    if len(parts) == 1:
        return parts[0].corrupt(label_ijk, spacing_mm, rates_n, rng, classes)
    return _together(label_ijk, spacing_mm, parts, rates_n, rng)


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


def _together(
    label_ijk: NDArray[np.uint8],
    spacing_mm: Spacing,
    parts: list[Simulator],
    rates_n: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """All parts at equal shares of the rate, a later one over an earlier; the last makes up for overlaps.

    Each part corrupts the clean label map and what it changed is laid over what was changed before. Voxels
    that two parts change count once, so the last part is asked for more, structure by structure, until
    the rates are met.
    """
    classes, share_n = len(rates_n), rates_n / len(parts)
    below_ijk = label_ijk.copy()
    for part in parts[:-1]:
        changed_ijk = part.corrupt(label_ijk, spacing_mm, share_n, rng, classes)
        below_ijk = np.where(changed_ijk != label_ijk, changed_ijk, below_ijk)
    seed = int(rng.integers(2**63))
    asked_n, best, least = share_n, below_ijk, np.inf
    for _ in range(_ROUNDS):
        again = np.random.Generator(np.random.PCG64(seed))  # the same chance at another strength
        changed_ijk = parts[-1].corrupt(label_ijk, spacing_mm, asked_n, again, classes)
        noisy_ijk = np.where(changed_ijk != label_ijk, changed_ijk, below_ijk)
        missing_n, amiss = _missing(label_ijk, noisy_ijk, rates_n)
        if amiss < least:
            best, least = noisy_ijk, amiss
        if amiss <= 1:
            break
        asked_n = np.clip(asked_n + missing_n, 0, 1)
    return best


def _missing(
    label_ijk: NDArray[np.uint8], noisy_ijk: NDArray[np.uint8], rates_n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """What each class's rate lacks (N,), and the largest over its tolerance: at most 1 where all are met."""
    missing_n, amiss = np.zeros(len(rates_n)), 0.0
    for structure in np.flatnonzero(rates_n):
        clean_ijk = label_ijk == structure
        if voxels := int(clean_ijk.sum()):
            wrong = int((clean_ijk != (noisy_ijk == structure)).sum())
            missing_n[structure] = rates_n[structure] - wrong / voxels
            amiss = max(amiss, abs(missing_n[structure]) / tolerance(rates_n[structure], voxels))
    return missing_n, amiss
