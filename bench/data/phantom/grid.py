"""Grid: the scanner's voxels and where in the body each of them lies."""

# I J K voxel axes, A the body's directions (right, anterior, superior), N points.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.field import displacement

Array = NDArray[np.float64]
Box = tuple[slice, slice, slice]

# The field of view of HVSMR's axial crop: 200 x 140 x 120 voxels of 0.9 x 0.9 x 1.0 mm.
EXTENT_MM = (180.0, 126.0, 120.0)
# Columns: the first index grows downwards, the second backwards, the third to the patient's left.
_AXES = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A field of view laid over one deformed body.

    Attributes:
        shape: Voxels along each axis.
        extent_mm: Length of each axis.
        affine: Voxel index to RAS world in mm, shape (4, 4).
        to_index: Undeformed body mm, as (x, y, z, 1), to voxel index, shape (3, 4).
        place_aijk: Body mm of each voxel's centre, shape (3, I, J, K).
        drift_mm: The deformation's largest component.
    """

    shape: tuple[int, int, int]
    extent_mm: tuple[float, float, float]
    affine: Array
    to_index: Array
    place_aijk: Array
    drift_mm: float

    @property
    def voxel_mm(self) -> float:
        """The cube root of a voxel's volume."""
        return float(np.prod(np.divide(self.extent_mm, self.shape)) ** (1 / 3))

    def around(self, points_na: Array, reach_mm: float) -> Box:
        """The box of voxels that may lie within `reach_mm` of the points' bounding box."""
        index_na = np.atleast_2d(points_na) @ self.to_index[:, :3].T + self.to_index[:, 3]
        spare_a = (reach_mm + self.drift_mm) / np.divide(self.extent_mm, self.shape)
        low_a = np.clip(np.floor(index_na.min(axis=0) - spare_a), 0, self.shape).astype(int)
        high_a = np.clip(np.ceil(index_na.max(axis=0) + spare_a) + 1, 0, self.shape).astype(int)
        i, j, k = (slice(int(low), int(max(low, high))) for low, high in zip(low_a, high_a, strict=True))
        return i, j, k

    def place(self, box: Box) -> Array:
        """Body mm of the voxels in a box, shape (3, I, J, K) of the box."""
        return self.place_aijk[:, box[0], box[1], box[2]]


def rotation(angles: Array) -> Array:
    """The rotation by three angles in radians about x, then y, then z, shape (3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turn: Array = about_z @ about_y @ about_x
    return turn


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class View:
    """Where the scanner's field of view lies.

    Attributes:
        length_a: Length of each axis in mm, shape (3,).
        turn: The rotation of the view away from the body's axes, shape (3, 3).
        origin_a: Its centre in the world, in mm.
        centre_a: Its centre in the body, in mm; the body's origin where there is none.
    """

    length_a: Array
    turn: Array
    origin_a: Array
    centre_a: Array | None = None


def grid(rng: np.random.Generator, shape: tuple[int, int, int], *, mirrored: bool) -> Grid:
    """Lay a slightly oblique field of view over a body.

    Args:
        rng: Draws the spacing, the obliqueness, the world's origin and the deformation.
        shape: Voxels along each axis.
        mirrored: Whether the body's left and right are exchanged (situs inversus).
    """
    length_a = np.array(EXTENT_MM) * (1 + 0.03 * rng.uniform(-1, 1, 3))
    oblique = rotation(np.deg2rad(rng.uniform(2, 6, 3) * rng.choice([-1, 1], 3)))
    origin_a = rng.uniform(-60, 60, 3)
    view = View(length_a=length_a, turn=oblique, origin_a=origin_a)
    return laid(rng, shape, view, mirrored=mirrored)


def laid(rng: np.random.Generator, shape: tuple[int, int, int], view: View, *, mirrored: bool) -> Grid:
    """Lay a field of view over a body.

    Args:
        rng: Draws the deformation.
        shape: Voxels along each axis.
        view: Which field of view.
        mirrored: Whether the body's left and right are exchanged (situs inversus).
    """
    length_a = view.length_a
    linear = view.turn @ _AXES @ np.diag(length_a / shape)
    middle = (np.array(shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = view.origin_a - linear @ middle

    side_a = np.array([-1.0 if mirrored else 1.0, 1.0, 1.0])
    extent_mm = (float(length_a[0]), float(length_a[1]), float(length_a[2]))
    place_aijk = displacement(rng, shape, extent_mm, sd_mm=2.6)
    drift_mm = float(np.abs(place_aijk).max())
    ticks = [np.arange(num) - half for num, half in zip(shape, middle, strict=True)]
    for a in range(3):
        i, j, k = (side_a[a] * linear[a, axis] * ticks[axis] for axis in range(3))
        place_aijk[a] += i[:, None, None] + j[:, None] + k
    inverse = np.linalg.inv(linear) * side_a
    to_index = np.hstack([inverse, middle[:, None]])
    if view.centre_a is not None:
        place_aijk += view.centre_a[:, None, None, None]
        to_index[:, 3] -= inverse @ view.centre_a
    return Grid(shape, extent_mm, affine, to_index, place_aijk, drift_mm)
