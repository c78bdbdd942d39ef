"""Several kinds of noise on one label map, written ``a+b``."""

# Legend: I J K voxel axes, N classes.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.data.noise.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Simulator

_ROUNDS: Final = 10


def together(parts: Sequence[Simulator], clean: CleanLabels) -> NDArray[np.uint8]:
    """All parts at equal shares of the rate, a later one over an earlier; the last makes up for overlaps.

    Each part corrupts the clean label map and what it changed is laid over what was changed before. Voxels
    that two parts change count once, so the last part is asked again for more, structure by structure, until
    the rates are met; of several rounds the best is taken.
    """
    label_ijk, share_n = clean.label_ijk, clean.rates_n / len(parts)
    below_ijk = label_ijk
    for part in parts[:-1]:
        below_ijk = _over(part.corrupt(replace(clean, rates_n=share_n)), below_ijk, label_ijk)
    seed = int(clean.rng.integers(2**63))
    steering = Steering(label_ijk, clean.rates_n, share_n, _ROUNDS)
    while not steering.ended:
        again = np.random.Generator(np.random.PCG64(seed))  # the same chance at another strength
        changed_ijk = parts[-1].corrupt(replace(clean, rates_n=steering.asked_n, rng=again))
        steering.look(_over(changed_ijk, below_ijk, label_ijk))
    return steering.best_ijk


def _over(
    changed_ijk: NDArray[np.uint8], below_ijk: NDArray[np.uint8], label_ijk: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """What was changed in the clean label map, laid over what was changed before."""
    return np.where(changed_ijk != label_ijk, changed_ijk, below_ijk)
