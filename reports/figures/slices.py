"""Flat pictures of a volume: which slice, which way up, and how wide a voxel is."""

# Legend: I J K voxel axes, toward right, anterior and superior; R rows and C columns of a picture.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from matplotlib.colors import to_rgb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from reports.inputs.images import Scan

Plane = Literal["axial", "coronal", "sagittal"]
_AXES: Final[Mapping[Plane, int]] = {"sagittal": 0, "coronal": 1, "axial": 2}
# The letters at the left and at the upper edge in the radiological view.
_EDGES: Final[Mapping[Plane, tuple[str, str]]] = {
    "axial": ("R", "A"), "coronal": ("R", "S"), "sagittal": ("A", "S"),
}  # fmt: skip
YELLOW: Final = "#FFE100"
_HEART: Final[Mapping[str, str]] = {"myocardium": "#E0272E", "blood_pool": "#2FBF4A"}  # as P colours them
# Told apart by colour-blind readers, on grey and beside yellow.
_OTHERS: Final = ("#D55E00", "#0072B2", "#CC79A7", "#009E73", "#8C564B", "#6A51A3")
MISSED: Final = "#00E5FF"
"""Where the label is background and a structure is not."""


@dataclass(frozen=True, slots=True)
class Section:
    """One slice of a volume."""

    plane: Plane
    index: int

    def of(self, volume_ijk: NDArray[np.generic]) -> NDArray[np.generic]:
        """The slice in the radiological view: the patient's right, or front, on the left (R, C)."""
        flat: NDArray[np.generic] = np.take(volume_ijk, self.index, axis=_AXES[self.plane])
        return flat[::-1, ::-1].T

    def aspect(self, scan: Scan) -> float:
        """The height of a voxel over its width."""
        across, up = (size for axis, size in enumerate(scan.spacing_mm) if axis != _AXES[self.plane])
        return up / across

    def __str__(self) -> str:
        return f"{self.plane} slice {self.index}"


def densest(plane: Plane, marked_ijk: NDArray[np.generic]) -> Section:
    """The slice of this plane with the most marked voxels, the first of several."""
    others = tuple(axis for axis in range(3) if axis != _AXES[plane])
    return Section(plane, int(np.asarray(marked_ijk != 0).sum(axis=others).argmax()))


def grey(scan: Scan) -> NDArray[np.float64]:
    """The image as brightness in [0, 1], the darkest and the brightest hundredth cut off (I, J, K)."""
    low, high = np.percentile(scan.image_ijk, (1, 99))
    bright_ijk = (scan.image_ijk.astype(np.float64) - low) / max(float(high - low), 1e-6)
    return np.asarray(bright_ijk.clip(0, 1), dtype=np.float64)


def colours(structures: tuple[str, ...]) -> list[str]:
    """A colour for each structure: P's on a heart, else a list that colour-blind readers tell apart."""
    if set(structures) <= set(_HEART):
        return [_HEART[name] for name in structures]
    return [_OTHERS[place % len(_OTHERS)] for place in range(len(structures))]


def paint(
    picture_rc3: NDArray[np.float64], where_rc: NDArray[np.generic], colour: str, opacity: float = 0.55
) -> NDArray[np.float64]:
    """The picture with a colour laid over it; ``where`` is a mask or a share in [0, 1] of the opacity."""
    share_rc1 = opacity * np.asarray(where_rc, dtype=np.float64)[..., None]
    return picture_rc3 * (1 - share_rc1) + np.array(to_rgb(colour)) * share_rc1


def show(axes: Axes, picture: NDArray[np.generic], aspect: float) -> None:
    """A picture without ticks, with square millimetres."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect=aspect)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#b9bfc7")


def letters(axes: Axes, plane: Plane) -> None:
    """What lies at the left and at the upper edge: R right, A anterior, S superior."""
    left, upper = _EDGES[plane]
    for at, letter in (((0.02, 0.5), left), ((0.5, 0.97), upper)):
        axes.text(
            *at, letter, transform=axes.transAxes, color="white", fontsize=9, fontweight="bold",
            ha="left" if letter == left else "center", va="center" if letter == left else "top",
        )  # fmt: skip


def outline(axes: Axes, mask_rc: NDArray[np.generic], colour: str) -> None:
    """The edge of a region, along the voxels' borders."""
    mask = np.pad(np.asarray(mask_rc, dtype=np.int8), 1)
    row, column = np.nonzero(np.diff(mask, axis=0))
    axes.hlines(row - 0.5, column - 1.5, column - 0.5, colors=colour, linewidth=0.9)
    row, column = np.nonzero(np.diff(mask, axis=1))
    axes.vlines(column - 0.5, row - 1.5, row - 0.5, colors=colour, linewidth=0.9)
