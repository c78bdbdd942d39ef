"""The tumour: a glioma in numbers, and the signed distances to its four tissues."""

# I J K voxel axes, A the body's directions.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.phantom.brain import Brain
from bench.data.phantom.field import smooth
from bench.data.phantom.grid import Grid, rotation
from bench.data.phantom.shape import FAR_MM, ellipsoid_in

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lesion:
    """One patient's glioma; lengths in mm.

    Attributes:
        centre: In the white matter of one hemisphere, shape (3,).
        frame: Its axes as columns, shape (3, 3).
        radii: Of its core before lobes.
        lobes: How far lobes stand out of the core, relative to its size.
        oedema: How far the oedema reaches beyond the core.
        oedema_shift: Where the oedema lies more than elsewhere, shape (3,).
        push: How far the neighbours have given way.
        rim: Depth of solid tumour over necrosis; nothing deeper is necrotic where it is larger than the core.
        dull: Above which level of a field of mean 0 and deviation 1 solid tumour does not enhance.
    """

    centre: Array
    frame: Array
    radii: Array
    lobes: float
    oedema: float
    oedema_shift: Array
    push: float
    rim: float
    dull: float

    @property
    def size(self) -> float:
        """Radius of a ball as large as the core."""
        return float(np.prod(self.radii) ** (1 / 3))


@dataclass(frozen=True, slots=True, eq=False)
class Tissues:
    """Signed distances in mm, each of shape (I, J, K); a later one lies over an earlier one.

    Attributes:
        oedema: Swollen white matter.
        enhancing: The whole core.
        dull: Its part that does not enhance.
        necrosis: Its dead part.
    """

    oedema: Array
    enhancing: Array
    dull: Array
    necrosis: Array


def lesion(rng: np.random.Generator) -> Lesion:
    """Draw a glioma: three in four have a wide necrotic middle, one in six is of low grade."""
    low_grade, solid = rng.random(2) < [0.16, 0.12]
    size = rng.uniform(17, 26) if low_grade else rng.uniform(14, 30)
    radii = size * np.exp(rng.normal(0, 0.16, 3))
    depth = rng.uniform(0.45, 0.7) if low_grade or solid else rng.uniform(0.18, 0.36)
    turn, lift, far = rng.uniform(0, 2 * np.pi), rng.uniform(-0.1, 1.1), rng.uniform(0.42, 0.72)
    outward = np.array([np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)])
    centre = np.array([0.0, 0, 12]) + far * outward * [64, 76, 54]
    # Off the midline: white matter begins beside the ventricles.
    centre[0] = np.copysign(max(abs(centre[0]), 20.0), centre[0])
    return Lesion(
        centre=centre,
        frame=rotation(rng.uniform(-np.pi, np.pi, 3)),
        radii=radii,
        lobes=rng.uniform(0.15, 0.27),
        oedema=rng.uniform(2, 7) if low_grade else rng.uniform(3, 11),
        oedema_shift=rng.normal(0, 3.5, 3),
        push=rng.uniform(0.1, 0.4) * size,
        rim=FAR_MM if low_grade and rng.random() < 0.3 else float(depth * size),
        dull=rng.uniform(-1.2, -0.6) if low_grade else rng.uniform(-0.2, 0.8),
    )


def tissues(grid: Grid, body: Brain, patient: Lesion, rng: np.random.Generator) -> Tissues:
    """Lay one patient's glioma into a brain."""

    def field(knot_mm: float) -> Array:
        return smooth(rng, grid.shape, grid.extent_mm, knot_mm)

    size = patient.size
    core_ijk = ellipsoid_in(grid.place_aijk, patient.centre, patient.frame, patient.radii.tolist())
    core_ijk += patient.lobes * size * field(16.0) + 0.45 * patient.lobes * size * field(7.0)
    # A tumour fills furrows, but neither ventricles nor the gap between the hemispheres.
    for wall_ijk in (body.outline + 0.5, -body.ventricles, -0.6 - body.falx):
        np.maximum(core_ijk, wall_ijk, out=core_ijk)

    middle_a = patient.centre + patient.oedema_shift
    wide = (patient.radii + patient.oedema).tolist()
    oedema_ijk = ellipsoid_in(grid.place_aijk, middle_a, patient.frame, wide)
    oedema_ijk += 0.3 * patient.oedema * field(20.0) + 0.35 * patient.oedema * field(9.0)
    np.minimum(oedema_ijk, core_ijk - 1.0, out=oedema_ijk)
    # Oedema runs in white matter and hardly into cortex, which gives it fingers.
    for wall_ijk in (1.2 - body.fluid, -body.ventricles, -body.falx, body.outline + 1):
        np.maximum(oedema_ijk, wall_ijk, out=oedema_ijk)

    patch_ijk = 8.0 * (patient.dull - field(16.0)) + 1.2 * field(6.0)
    hollow_ijk = core_ijk + patient.rim * (1 + 0.4 * field(12.0)) + 0.5 * field(5.0)
    return Tissues(oedema_ijk, core_ijk, np.maximum(core_ijk, patch_ijk), np.maximum(core_ijk, hollow_ijk))
