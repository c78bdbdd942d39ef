"""The field of view over a head: a box about the brain, and how a tumour pushes what lies about it."""

# I J K voxel axes, A the body's directions (right, anterior, superior).

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.field import displacement
from bench.data.phantom.grid import Grid, rotation

Array = NDArray[np.float64]

# A box about the brain; the whole field of view of BRATS, 240 x 240 x 155 mm, is mostly empty.
EXTENT_MM = (168.0, 192.0, 144.0)
# Columns: the first index grows to the patient's left, the second backwards, the third upwards, as in BRATS.
_AXES = np.diag([-1.0, -1.0, 1.0])


def head_grid(rng: np.random.Generator, shape: tuple[int, int, int]) -> Grid:
    """Lay the box over a head of its own size, tilt and shape; the affine has no tilt, as in BRATS."""
    linear = _AXES @ np.diag(np.divide(EXTENT_MM, shape))
    middle = (np.array(shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = -linear @ middle

    size_a = rng.uniform([0.93, 0.95, 0.95], [1.03, 1.03, 1.02])
    to_body = np.diag(1 / size_a) @ rotation(np.deg2rad(rng.normal(0, 2.5, 3))) @ linear
    place_aijk = displacement(rng, shape, EXTENT_MM, sd_mm=1.6)
    drift_mm = float(np.abs(place_aijk).max())
    ticks = np.meshgrid(
        *(np.arange(num) - centre for num, centre in zip(shape, middle, strict=True)),
        indexing="ij",
        sparse=True,
    )
    for a in range(3):
        for axis in range(3):
            place_aijk[a] += to_body[a, axis] * ticks[axis]
    to_index = np.hstack([np.linalg.inv(to_body), middle[:, None]])
    return Grid(shape, EXTENT_MM, affine, to_index, place_aijk, drift_mm)


def pushed(grid: Grid, centre_a: Array, radius_mm: float, push_mm: float) -> Grid:
    """The same view of a body whose insides gave way, by at most `push_mm`, to a mass about `centre_a`."""
    offset_aijk = grid.place_aijk - centre_a[:, None, None, None]
    length_ijk = np.sqrt(np.square(offset_aijk).sum(axis=0)) + 1e-9
    # Most at the mass's edge, nothing at its centre and far away.
    share_ijk = length_ijk / radius_mm * np.exp(0.5 - 0.5 * np.square(length_ijk / radius_mm))
    offset_aijk *= push_mm * share_ijk / length_ijk
    return replace(grid, place_aijk=grid.place_aijk - offset_aijk, drift_mm=grid.drift_mm + push_mm)
