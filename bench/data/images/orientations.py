"""The axes that voxels are stored along, and the same voxels along the canonical ones (RAS+)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

K = TypeVar("K", bound=np.generic)
"""What voxels are stored as."""


def orientation(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest axis of the world and its direction, of each axis of the voxels; NaN where there is none."""
    import nibabel

    found: NDArray[np.float64] = nibabel.io_orientation(affine)
    return found


def to_canonical(voxels: NDArray[K], affine: NDArray[np.float64]) -> NDArray[K]:
    """The voxels with their axes to the right, forward and up."""
    import nibabel

    return np.asanyarray(nibabel.orientations.apply_orientation(voxels, orientation(affine)))


def from_canonical(canonical_ijk: NDArray[K], affine: NDArray[np.float64]) -> NDArray[K]:
    """The voxels with the axes that an affine has."""
    import nibabel

    ras = nibabel.orientations.axcodes2ornt("RAS")
    back = nibabel.orientations.ornt_transform(ras, orientation(affine))
    return np.ascontiguousarray(nibabel.orientations.apply_orientation(canonical_ijk, back))


def canonical_affine(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """The affine of the voxels after ``to_canonical``: the same place in mm for each of them."""
    import nibabel

    turn = nibabel.orientations.inv_ornt_aff(orientation(affine), shape)
    return np.asarray(affine @ turn, np.float64)


def axis_codes(affine: NDArray[np.float64]) -> str:
    """Where the axes of the voxels run to, as ``RAS``."""
    import nibabel

    return "".join(code or "?" for code in nibabel.aff2axcodes(affine))
