"""The brain without a tumour: folded cortex, white matter, deep grey matter, ventricles, vessels."""

# I J K voxel axes, A the body's directions, N points of a centreline.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid
from bench.data.phantom.shape import FAR_MM, curve, ellipsoid, ellipsoid_in, rounded_max, tube

Array = NDArray[np.float64]

_UPRIGHT = np.eye(3)
# One side's horns and body of the lateral ventricle, in body mm; the other side mirrors them.
_VENTRICLE = np.array([[8, 34, 12], [9, 20, 20], [11, -4, 24], [16, -26, 18], [19, -42, 10], [17, -56, 6]])
_TEMPORAL_HORN = np.array([[17.0, -28, 14], [28, -24, -4], [32, -6, -16]])
_CHOROID = np.array([[11.0, -8, 21], [16, -27, 15], [20, -27, 4]])
_MIDDLE_ARTERY = np.array([[7.0, 8, -18], [26, 8, -12], [42, 2, -4], [52, -16, 8]])
_MIDLINE = (
    np.array([[1.0, 18, -12], [0, 44, 4], [0, 40, 26], [0, 14, 38]]),  # the anterior cerebral arteries
    np.array([[2.0, 8, 16], [0, -18, 15], [0, -36, 12], [0, -64, 0]]),  # the inner veins, the straight sinus
)
_CORTEX_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Brain:
    """Signed distances in mm, each of shape (I, J, K).

    Attributes:
        outline: To all that the skull holds; what lies outside is stripped.
        fluid: To the fluid about the brain and in its furrows.
        cortex: To the grey matter under that fluid.
        hind: To the cerebellum.
        hind_core: To the white matter of the cerebellum and the brain stem.
        deep: To thalamus, caudate nucleus and putamen.
        ventricles: To the fluid inside the brain.
        falx: To the membrane between the hemispheres.
        choroid: To the plexus in the ventricles.
        vessels: To arteries and veins.
        spots: To small lesions of the white matter that no one labels.
    """

    outline: Array
    fluid: Array
    cortex: Array
    hind: Array
    hind_core: Array
    deep: Array
    ventricles: Array
    falx: Array
    choroid: Array
    vessels: Array
    spots: Array


def brain(grid: Grid, inner: Grid, rng: np.random.Generator) -> Brain:
    """Build one patient's brain.

    Args:
        grid: Where the skull holds the brain.
        inner: The same view, after a tumour has pushed what lies inside.
        rng: Draws sizes, furrows, vessels and spots.

    Returns:
        Its structures.
    """
    hind_ijk, stem_ijk = _hind(grid)
    outline_ijk = np.minimum(_cerebrum(grid), np.minimum(hind_ijk, stem_ijk))
    outline_ijk += 1.3 * _field(grid, rng, 14.0)
    falx_ijk = _fissure(inner, rng)
    fluid_ijk = _fluid(grid, outline_ijk, falx_ijk, rng)
    ventricles_ijk = _ventricles(inner, rng)
    hind_core_ijk = np.minimum(stem_ijk, hind_ijk + 9 + 3 * _field(grid, rng, 9.0))
    cortex_ijk = fluid_ijk - _CORTEX_MM * (1 + 0.12 * _field(grid, rng, 20.0))
    return Brain(
        outline=outline_ijk,
        fluid=fluid_ijk,
        cortex=cortex_ijk,
        hind=hind_ijk,
        hind_core=hind_core_ijk,
        deep=_deep(inner, rng),
        ventricles=ventricles_ijk,
        falx=np.maximum(falx_ijk + 0.8, -36 - outline_ijk),
        choroid=np.maximum(_both_sides(inner, _CHOROID, [1.5, 3.0, 2.0], rng), ventricles_ijk),
        vessels=_vessels(grid, inner, rng),
        spots=_spots(inner, rng),
    )


def _field(grid: Grid, rng: np.random.Generator, knot_mm: float) -> Array:
    return smooth(rng, grid.shape, grid.extent_mm, knot_mm)


def _solid(grid: Grid, centre: tuple[float, float, float], radii_mm: tuple[float, float, float]) -> Array:
    return ellipsoid_in(grid.place_aijk, np.array(centre), _UPRIGHT, radii_mm)


def _pair(grid: Grid, centre: tuple[float, float, float], radii_mm: tuple[float, float, float]) -> Array:
    x, y, z = centre
    return np.minimum(_solid(grid, (x, y, z), radii_mm), _solid(grid, (-x, y, z), radii_mm))


def _cerebrum(grid: Grid) -> Array:
    front_ijk = _solid(grid, (0, 20, 12), (58, 64, 53))
    back_ijk = _solid(grid, (0, -16, 14), (66, 70, 55))
    whole_ijk = -rounded_max(-front_ijk, -back_ijk, 24.0)
    floor_ijk = -20.0 - grid.place_aijk[2]
    temporal_ijk = _pair(grid, (43, 2, -20), (23, 42, 24))
    return np.minimum(rounded_max(whole_ijk, floor_ijk, 12.0), temporal_ijk)


def _hind(grid: Grid) -> tuple[Array, Array]:
    """Cerebellum and brain stem."""
    stem_na = np.array([[0.0, -12, -8], [0, -20, -38], [0, -28, -84]])
    stem_ijk = tube(grid, stem_na, np.array([15.0, 13.0, 9.0]), reach_mm=40)
    return _pair(grid, (22, -46, -36), (31, 28, 23)), stem_ijk


def _fissure(inner: Grid, rng: np.random.Generator) -> Array:
    """The cleft between the hemispheres, above the corpus callosum and away from the hind brain."""
    bend_ijk = 1.6 * _field(inner, rng, 40.0)
    cleft_ijk = np.abs(inner.place_aijk[0] + bend_ijk) - 1.3
    bridge_ijk = np.minimum(_solid(inner, (0, -4, 4), (40, 42, 27)), inner.place_aijk[2] + 6)
    fissure_ijk: Array = np.maximum(cleft_ijk, -bridge_ijk)
    return fissure_ijk


def _fluid(grid: Grid, outline_ijk: Array, cleft_ijk: Array, rng: np.random.Generator) -> Array:
    """Fluid over the cortex, in its furrows, between the hemispheres and above the temporal lobes."""
    wide = rng.uniform(0.3, 1.6)
    skin_ijk = np.clip(wide + 0.8 * _field(grid, rng, 22.0), 0, 4)
    fluid_ijk = np.minimum(-outline_ijk - skin_ijk, cleft_ijk)
    # Furrows: the zero sheets of a random field, to some depth; the factor makes millimetres of its value.
    furrow_ijk = 5.0 * np.abs(_field(grid, rng, 8.0)) - rng.uniform(0.5, 1.0)
    depth_ijk = -outline_ijk - 16 - 5 * _field(grid, rng, 26.0)
    np.minimum(fluid_ijk, rounded_max(furrow_ijk, depth_ijk, 2.0), out=fluid_ijk)
    np.minimum(fluid_ijk, _pair(grid, (54, 4, -2), (18, 26, 2.2)), out=fluid_ijk)
    return fluid_ijk


def _both_sides(grid: Grid, points_na: Array, radii_mm: list[float], rng: np.random.Generator) -> Array:
    """A tube on each side, alike but not equal."""
    sides = []
    for side in (-1.0, 1.0):
        moved_na = points_na * [side, 1, 1] + rng.normal(0, 1.2, points_na.shape)
        sides.append(tube(grid, *curve(moved_na, (rng.uniform(0.85, 1.15) * np.array(radii_mm)).tolist())))
    return np.minimum(sides[0], sides[1])


def _ventricles(inner: Grid, rng: np.random.Generator) -> Array:
    wide = rng.uniform(0.75, 1.4)
    lateral_mm = (wide * np.array([4.0, 5.0, 4.5, 6.5, 5.0, 2.0])).tolist()
    fluid_ijk = _both_sides(inner, _VENTRICLE, lateral_mm, rng)
    np.minimum(fluid_ijk, _both_sides(inner, _TEMPORAL_HORN, [4.0, 2.5, 2.0], rng), out=fluid_ijk)
    third_ijk = ellipsoid(inner, np.array([0.0, -4, 4]), _UPRIGHT, [1.8 * wide, 13, 10])
    fourth_ijk = ellipsoid(inner, np.array([0.0, -34, -36]), _UPRIGHT, [6.0, 4.0, 9.0])
    return np.minimum(fluid_ijk, np.minimum(third_ijk, fourth_ijk))


def _deep(inner: Grid, rng: np.random.Generator) -> Array:
    parts = (((11, -10, 8), (8.5, 14, 9)), ((14, 18, 14), (4.5, 11, 9)), ((26, 6, 3), (6, 16, 11)))
    deep_ijk = np.full(inner.shape, FAR_MM)
    for centre, radii in parts:
        for side in (-1.0, 1.0):
            at_a = np.array(centre) * [side, 1, 1] + rng.normal(0, 1, 3)
            np.minimum(deep_ijk, ellipsoid(inner, at_a, _UPRIGHT, radii), out=deep_ijk)
    return deep_ijk + 0.8 * _field(inner, rng, 9.0)


def _vessels(grid: Grid, inner: Grid, rng: np.random.Generator) -> Array:
    """Arteries at the base and between the hemispheres, inner veins, and veins over the cortex."""
    vessels_ijk = _both_sides(inner, _MIDDLE_ARTERY, [1.7, 1.5, 1.3, 0.9], rng)
    for line_na in _MIDLINE:
        moved_na = line_na + rng.normal(0, 1, line_na.shape)
        np.minimum(vessels_ijk, tube(inner, *curve(moved_na, [1.3, 1.5, 2.0, 2.2])), out=vessels_ijk)
    for _ in range(int(rng.integers(10, 22))):
        turn, lift = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 1.2) + np.array([0.3, 0.1, -0.15])
        turns = turn + np.array([0.0, 0.1, 0.15]) * rng.normal(0, 2)
        outward_na = np.stack([np.cos(lift) * np.cos(turns), np.cos(lift) * np.sin(turns), np.sin(lift)], 1)
        points_na = np.array([0.0, 0, 13]) + rng.uniform(0.86, 0.96) * outward_na * [64, 82, 54]
        vein_ijk = tube(grid, *curve(points_na, (rng.uniform(0.8, 1.6) * np.array([1, 0.9, 0.6])).tolist()))
        np.minimum(vessels_ijk, vein_ijk, out=vessels_ijk)
    return vessels_ijk


def _spots(inner: Grid, rng: np.random.Generator) -> Array:
    """Caps of the horns and spots near the ventricles, more of them in some patients than in others."""
    spots_ijk = np.full(inner.shape, FAR_MM)
    load = rng.gamma(1.3, 1.0)
    for _ in range(6 + int(rng.poisson(8 * load))):
        near_a = _VENTRICLE[rng.integers(len(_VENTRICLE))] * [rng.choice([-1, 1]), 1, 1]
        centre_a = near_a + rng.normal(0, 1, 3) * [9, 8, 9] + [np.sign(near_a[0]) * 6, 0, 4]
        radii = (rng.uniform(2.0, 3.5 + load) * rng.uniform(0.6, 1.4, 3)).tolist()
        np.minimum(spots_ijk, ellipsoid(inner, centre_a, _UPRIGHT, radii), out=spots_ijk)
    return spots_ijk + 0.7 * _field(inner, rng, 8.0)
