"""The kinds of array that the metrics work on."""

# The legend of every array name in this room: I J K voxel axes of a volume or of a box in it, V the voxels of
# a box in C order, N points (positions in V), M targets, S steps to nearby voxels, 3 the axes I J K.

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Labels: TypeAlias = NDArray[np.integer[Any]]
Mask: TypeAlias = NDArray[np.bool_]
Bits: TypeAlias = NDArray[np.uint8]
Positions: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float64]

Triple: TypeAlias = tuple[int, int, int]
Spacing: TypeAlias = tuple[float, float, float]  # mm along I, J, K
