"""What is known of each voxel whose label is doubted."""

# Legend: V voxels, N classes.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """Voxels in any order, one value each in every array."""

    doubt_v: NDArray[np.float32]  # in [0, 1]; 1 where the gradient is removed altogether
    wrong_v: NDArray[np.bool_]  # the noisy label is not the clean one
    differs_v: NDArray[np.bool_]  # the prediction is not the noisy label
    weight_v: NDArray[np.float32]  # gradient mass, see ``gradient_mass``

    def __len__(self) -> int:
        """How many voxels."""
        return len(self.doubt_v)

    def at(self, chosen_v: NDArray[np.bool_] | NDArray[np.intp]) -> Voxels:
        """Some of the voxels, by mask or by place."""
        return Voxels(
            self.doubt_v[chosen_v], self.wrong_v[chosen_v], self.differs_v[chosen_v], self.weight_v[chosen_v]
        )


def gradient_mass(probability_nv: NDArray[np.float32], label_v: NDArray[np.integer]) -> NDArray[np.float32]:
    """The Euclidean norm of each voxel's gradient of plain cross-entropy by its scores, ``|p - e_y|``.

    The gradient of softmax cross-entropy by the scores is p - e_y, with e_y the one-hot label. Of several
    networks p is their mean: the mass is what one network that predicts so would receive.

    Args:
        probability_nv: Softmax of every class (N, V).
        label_v: The label that is trained on, 0..N-1.
    """
    own_v = np.take_along_axis(probability_nv, label_v[None].astype(np.intp), axis=0)[0]
    squares_v = np.einsum("nv,nv->v", probability_nv, probability_nv)
    mass_v: NDArray[np.float32] = np.sqrt(np.maximum(squares_v - 2 * own_v + 1, 0)).astype(np.float32)
    return mass_v
