"""What surrounds the heart: lungs, chest wall, spine, organs, and things that look like blood."""

# I J K voxel axes, A the body's directions, N points of a centreline.

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.contrast import Contrast, paint
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import curve, ellipsoid_in, segments

Array = NDArray[np.float64]
Field = Callable[[float], Array]


def thorax(grid: Grid, contrast: Contrast, rng: np.random.Generator, field: Field) -> Array:
    """The signal of a chest without a heart.

    Args:
        grid: Where to evaluate it.
        contrast: The tissues' brightness.
        rng: Draws this patient's organs.
        field: A smooth random field of the grid for a knot distance in mm.

    Returns:
        Signal relative to blood, shape (I, J, K).
    """
    signal_ijk = contrast.lung * (1 + 0.25 * field(14.0))
    _lung_vessels(grid, signal_ijk, contrast, rng)
    _mediastinum(grid, signal_ijk, contrast, field)
    _abdomen(grid, signal_ijk, contrast, rng, field)
    _wall(grid, signal_ijk, contrast, rng)
    _spine(grid, signal_ijk, contrast, rng)
    return signal_ijk


def _lay(grid: Grid, signal_ijk: Array, line: tuple[Array, Array], value: float) -> None:
    for box, distance_ijk in segments(grid, *line, grid.voxel_mm):
        paint(signal_ijk[box], distance_ijk, value, grid.voxel_mm)


def _lung_vessels(grid: Grid, signal_ijk: Array, contrast: Contrast, rng: np.random.Generator) -> None:
    """Branches that leave both hila and thin out towards the pleura."""
    for _ in range(26):
        side = rng.choice([-1.0, 1.0])
        start_a = np.array([side * 40, -28, 12]) + rng.normal(0, 8, 3)
        heading_a = np.array([side * 22, rng.normal(0, 20), rng.normal(0, 26)])
        points_na = start_a + np.outer([0, 1, 2], heading_a) + rng.normal(0, 4, (3, 3))
        radii_n = rng.uniform(1.2, 2.6) * np.array([1, 0.8, 0.5])
        _lay(grid, signal_ijk, (points_na, radii_n), contrast.blood * rng.uniform(0.5, 0.95))


def _mediastinum(grid: Grid, signal_ijk: Array, contrast: Contrast, field: Field) -> None:
    """Fat and thymus between the great vessels, and the pads of fat beside the heart."""
    place_aijk, frame = grid.place_aijk, np.eye(3)
    middle_ijk = ellipsoid_in(place_aijk, np.array([2.0, -6.0, 50.0]), frame, (31.0, 46.0, 72.0))
    for side, depth in ((-1.0, 36.0), (1.0, 32.0)):
        pad_ijk = ellipsoid_in(place_aijk, np.array([44.0 * side, depth, -50.0]), frame, (17.0, 16.0, 15.0))
        np.minimum(middle_ijk, pad_ijk, out=middle_ijk)
    middle_ijk += 4 * field(18.0)
    paint(signal_ijk, middle_ijk, contrast.fat * (0.8 + 0.12 * field(6.0)), grid.voxel_mm)


def _abdomen(
    grid: Grid, signal_ijk: Array, contrast: Contrast, rng: np.random.Generator, field: Field
) -> None:
    """Liver with its veins, stomach with bright content and spleen, below a domed diaphragm."""
    x, y, z = grid.place_aijk
    top_mm = rng.normal(-60, 3)
    dome_ijk = z - (top_mm + 9 - 0.006 * np.square(x - 26) - 0.004 * np.square(y + 5))
    paint(signal_ijk, dome_ijk, contrast.muscle, grid.voxel_mm)
    paint(signal_ijk, dome_ijk + 3, contrast.fat, grid.voxel_mm)
    frame = np.eye(3)
    solid = partial(ellipsoid_in, grid.place_aijk, frame=frame)
    liver_ijk = np.maximum(solid(np.array([38.0, 0, top_mm - 36]), radii_mm=(72.0, 62.0, 46.0)), dome_ijk + 3)
    paint(signal_ijk, liver_ijk, contrast.liver * (1 + 0.06 * field(8.0)), grid.voxel_mm)
    stomach_a = np.array([-40 + rng.normal(0, 4), 4 + rng.normal(0, 8), top_mm - 22 + rng.normal(0, 3)])
    radii = rng.uniform(15, 22, 3).tolist()
    stomach_ijk = np.maximum(solid(stomach_a, radii_mm=radii), dome_ijk + 5)
    paint(signal_ijk, stomach_ijk, contrast.muscle, grid.voxel_mm)
    paint(signal_ijk, stomach_ijk + 3, contrast.blood * rng.uniform(0.5, 1.05), grid.voxel_mm)
    for _ in range(9):
        end_a = np.array([30.0, -4, top_mm - 30]) + rng.normal(0, 1, 3) * [26, 22, 12]
        root_a = np.array([24.0, -20, top_mm - 16])
        points_na = np.stack([root_a, (root_a + end_a) / 2, end_a])
        points_na[1] += rng.normal(0, 4, 3)
        _lay(grid, signal_ijk, curve(points_na, [4.2, 3.2, 1.5]), contrast.blood * rng.uniform(0.75, 1.0))


def _wall(grid: Grid, signal_ijk: Array, contrast: Contrast, rng: np.random.Generator) -> None:
    """Muscle, ribs and fat of the chest wall, and the sternum with its bright marrow."""
    x, y, z = grid.place_aijk
    depth_mm = rng.normal(48, 2)
    level_aijk, radii_mm = np.stack([x, y, 0 * z]), (92.0, depth_mm + 8, 1e3)
    inner_ijk = ellipsoid_in(level_aijk, np.array([0, -8.0, 0]), np.eye(3), radii_mm)
    paint(signal_ijk, -inner_ijk, contrast.muscle, grid.voxel_mm)
    paint(signal_ijk, 7 - inner_ijk, contrast.fat, grid.voxel_mm)
    for rib in range(-4, 5):
        for side in (-1.0, 1.0):
            front, bend, flank = [14, depth_mm + 3, -4], [44, depth_mm - 4, 4], [70, depth_mm - 17, 14]
            points_na = np.array([front, bend, flank]) * [side, 1, 1] + [0, 0, 22 * rib]
            _lay(grid, signal_ijk, (points_na, np.full(3, 4.0)), 0.5 * contrast.muscle)
    sternum_na = np.array([[0, depth_mm + 4, 90.0], [1, depth_mm + 4, -40.0]])
    _lay(grid, signal_ijk, (sternum_na, np.full(2, 6.5)), 0.5 * contrast.muscle)
    _lay(grid, signal_ijk, (sternum_na, np.full(2, 4.5)), 0.8 * contrast.fat)


def _spine(grid: Grid, signal_ijk: Array, contrast: Contrast, rng: np.random.Generator) -> None:
    """Vertebrae with darker discs, the muscle beside them, oesophagus and the azygos vein."""
    for side in (-1.0, 1.0):
        beside_na = np.array([[side * 26, -74, 110.0], [side * 26, -74, -110.0]])
        _lay(grid, signal_ijk, (beside_na, np.full(2, 16.0)), contrast.muscle)
    for bone in range(-5, 6):
        bottom_mm = 24 * bone + rng.normal(0, 1)
        bone_na = np.array([[1.0, -63, bottom_mm], [1, -63, bottom_mm + 8]])
        _lay(grid, signal_ijk, (bone_na, np.full(2, 14.0)), contrast.bone)
    swallow_na = np.array([[-2.0, -42, 100], [-1, -46, 40], [-3, -46, -10], [-12, -34, -62]])
    swallow_na += rng.normal(0, 1.5, swallow_na.shape)
    _lay(grid, signal_ijk, curve(swallow_na, [5.0, 5.0, 5.5, 6.0]), contrast.muscle)
    azygos_na = np.array([[26.0, -4, 46], [20, -28, 50], [14, -46, 38], [13, -47, -10], [12, -48, -110]])
    filled = contrast.blood * rng.uniform(0.8, 1.0)
    _lay(grid, signal_ijk, curve(azygos_na, [4.0, 4.0, 3.8, 3.4, 3.0]), filled)
