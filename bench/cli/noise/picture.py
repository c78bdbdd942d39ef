"""Noisy labels as a picture: slices with the clean and the noisy outline and the wrong voxels."""

# Legend: I J K voxel axes, R rows and C columns of a picture.

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.data.images.grids import check_same_grid
from bench.data.images.volumes import canonical_spacing_mm, read_label
from bench.files.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from numpy.typing import NDArray

    from bench.cli.noise.measure import Measured
    from bench.data.noise.realised import MeasuredNoise
    from bench.data.noise.simulator import Spacing
    from reports.figures.slices import Plane

_PLANES: Final[tuple[Plane, ...]] = ("axial", "coronal", "sagittal")
_MOST_CASES: Final = 3
_COLOURS: Final = {"gained": "#E69F00", "lost": "#2F9BE8", "exchanged": "#B0509A"}  # colour-blind readers too
_CLEAN: Final = "#FFFFFF"
_NOISY: Final = "#F0E442"
_DARK: Final = 0.06  # brightness of the background
_GREY: Final = (0.28, 0.5)  # of the first and the last structure
_MARGIN: Final = 4  # voxels around all structures that a slice shows


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """One case."""

    title: str
    clean_ijk: NDArray[np.uint8]
    noisy_ijk: NDArray[np.uint8]
    spacing_mm: Spacing


def draw(folder: Path, cases: Measured, title: str, target: Path) -> None:
    """Draw the cases with the least, the median and the most noise.

    Raises:
        DataError: A label map is missing, damaged, or does not lie on its truth.
    """
    chosen = _chosen(cases)
    pairs = [_read(folder, case, cases[case]) for case in chosen]
    from reports.figures.style import own_settings

    with own_settings():
        figure = _drawn(pairs, title)
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=150)


def _drawn(pairs: list[_Pair], title: str) -> Figure:
    """A row for each case, a column for each plane."""
    from reports.figures.style import blank

    figure = blank(9.6, 3.3 * len(pairs) + 0.9)
    grid = figure.subplots(len(pairs), len(_PLANES), squeeze=False)
    for axes_row, pair in zip(grid, pairs, strict=True):
        for axes, plane in zip(axes_row, _PLANES, strict=True):
            _panel(axes, pair, plane)
        axes_row[0].set_ylabel(pair.title, fontsize=9)
    figure.suptitle(f"Label noise {title}", fontsize=12)
    figure.legend(
        handles=_handles(),
        loc="outside lower center",
        ncols=5,
        fontsize=8,
        facecolor="#5b6470",
        labelcolor="white",
    )
    return figure


def _chosen(cases: Measured) -> list[str]:
    """The cases with the least, the median and the most noise; all where there are few."""
    rate = {
        case: statistics.fmean(one.rate or 0.0 for one in structures.values())
        for case, structures in cases.items()
    }
    ranked = sorted(rate, key=lambda case: (rate[case], case))
    return list(dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]]))[:_MOST_CASES]


def _read(folder: Path, case: str, structures: Mapping[str, MeasuredNoise]) -> _Pair:
    """Both label maps of a case."""
    name = f"{checked_name(case, 'case')}.nii.gz"
    clean_ijk, grid = read_label(folder / "truth" / name)
    noisy_ijk, own = read_label(folder / "labels" / name)
    check_same_grid(grid, own, folder / "labels" / name)
    rates = [one.rate for one in structures.values() if one.rate is not None]
    title = f"{case[:24]}\nrate {', '.join(f'{rate:.2f}' for rate in rates[:5])}"
    return _Pair(title, clean_ijk, noisy_ijk, canonical_spacing_mm(grid))


def _panel(axes: Axes, pair: _Pair, plane: Plane) -> None:
    """The slice with most of the structures, cut to where there are any."""
    from reports.figures.slices import densest, letters, outline, paint, show

    section = densest(plane, pair.clean_ijk)
    clean_rc, noisy_rc = section.of(pair.clean_ijk), section.of(pair.noisy_ijk)
    rows, columns = _cut((np.asarray(clean_rc) > 0) | (np.asarray(noisy_rc) > 0))
    clean_rc, noisy_rc = clean_rc[rows, columns], noisy_rc[rows, columns]
    brightness = np.concatenate([[_DARK], np.linspace(*_GREY, max(int(pair.clean_ijk.max()), 2))])
    picture_rc3 = np.repeat(brightness[clean_rc][..., None], 3, axis=2)
    for name, where_rc in _wrong(clean_rc, noisy_rc).items():
        picture_rc3 = paint(picture_rc3, where_rc, _COLOURS[name], opacity=0.85)
    show(axes, picture_rc3, _aspect(pair.spacing_mm, plane))
    axes.set_title(str(section), fontsize=8)
    for structure in range(1, int(pair.clean_ijk.max()) + 1):
        outline(axes, noisy_rc == structure, _NOISY)
        outline(axes, clean_rc == structure, _CLEAN)
    letters(axes, plane)


def _wrong(clean_rc: NDArray[np.generic], noisy_rc: NDArray[np.generic]) -> dict[str, NDArray[np.bool_]]:
    """Wrong voxels by what became of them."""
    was_rc, is_rc = np.asarray(clean_rc) > 0, np.asarray(noisy_rc) > 0
    return {
        "gained": is_rc & ~was_rc,
        "lost": was_rc & ~is_rc,
        "exchanged": was_rc & is_rc & (np.asarray(clean_rc) != np.asarray(noisy_rc)),
    }


def _cut(there_rc: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns around what is there."""
    sides = []
    for axis in (0, 1):
        found = np.flatnonzero(there_rc.any(axis=1 - axis))
        low, high = (int(found[0]), int(found[-1])) if len(found) else (0, there_rc.shape[axis])
        sides.append(slice(max(low - _MARGIN, 0), high + 1 + _MARGIN))
    return sides[0], sides[1]


def _aspect(spacing_mm: Spacing, plane: Plane) -> float:
    """The height of a voxel over its width."""
    across = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}[plane]
    return spacing_mm[across[1]] / spacing_mm[across[0]]


def _handles() -> list[Patch | Line2D]:
    """The legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lines = [
        Line2D([], [], color=colour, linewidth=2, label=f"{name} outline")
        for name, colour in (("clean", _CLEAN), ("noisy", _NOISY))
    ]
    told = {
        "gained": "gained from background",
        "lost": "lost to background",
        "exchanged": "of another structure",
    }
    return [*lines, *(Patch(color=_COLOURS[name], label=text) for name, text in told.items())]
