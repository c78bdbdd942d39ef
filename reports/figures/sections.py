"""P's Figure 5: wrong labels, what the attention weakens, and the prediction before and after retraining."""

# Legend: I J K voxel axes; R rows and C columns of a picture.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch

from reports.figures.slices import (
    MISSED,
    YELLOW,
    Section,
    colours,
    densest,
    grey,
    letters,
    outline,
    paint,
    show,
)
from reports.figures.style import GREY, blank, plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from reports.inputs.images import Exhibits, Scan

_NEEDED: Final = ("truth", "label", "before", "after", "f3", "f4")
_WIDTH: Final = 2.6  # of a picture, inches


def sections(exhibits: Exhibits, datasets: Collection[str]) -> Figure:
    """Two sections of one scan, an axial and a coronal, in five pictures each.

    Args:
        exhibits: With a scan of a withheld case that has the truth, the label that the student saw, the
            predictions before and after retraining, and what f3 and f4 keep.
        datasets: Of which data sets the scan may be.

    Raises:
        MissingExhibitError: There is no such scan.
    """
    scan = exhibits.scan("figure5", datasets, _NEEDED)
    truth_ijk = scan.layers["truth"]
    wrong_ijk = (scan.layers["label"] != truth_ijk) | (scan.layers["before"] != truth_ijk)
    chosen = (densest("axial", wrong_ijk), densest("coronal", wrong_ijk))
    heights = [_height(scan, section) for section in chosen]
    figure = blank(5 * _WIDTH + 0.4, _WIDTH * sum(heights) + 2.0)
    grid = figure.subplots(2, 5, height_ratios=heights)
    for row, section in zip(grid, chosen, strict=True):
        _row(list(row), scan, section)
        row[0].set_ylabel(str(section), fontsize=10)
    titles = (
        "(a) true labels",
        "(b) wrong labels and f3",
        "(c) wrong labels and f4",
        "(d) before",
        "(e) after",
    )
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, loc="left", fontsize=11)
    _numbers(list(grid[1]), scan)
    figure.legend(handles=_legend(scan), loc="outside lower center", ncols=6, frameon=False, fontsize=10)
    figure.suptitle(plain(_heading(scan)), fontsize=10, color=GREY)
    return figure


def _row(panels: list[Axes], scan: Scan, section: Section) -> None:
    """One section: labels and weights, then the predictions."""
    bare_rc3 = np.repeat(section.of(grey(scan)).astype(np.float64)[..., None], 3, axis=2)
    truth_rc = section.of(scan.layers["truth"])
    aspect = section.aspect(scan)
    show(panels[0], _labelled(bare_rc3, truth_rc, scan), aspect)
    letters(panels[0], section.plane)
    for axes, name in zip(panels[1:3], ("f3", "f4"), strict=True):
        _weakened(axes, bare_rc3, section, (scan, name))
    for axes, name in zip(panels[3:], ("before", "after"), strict=True):
        predicted_rc = section.of(scan.layers[name])
        picture_rc3 = _labelled(bare_rc3, predicted_rc, scan)
        # From the bare picture, so that a wrong voxel is yellow and not the mix of two colours.
        wrong_rc = predicted_rc != truth_rc
        picture_rc3[wrong_rc] = paint(bare_rc3, wrong_rc, YELLOW, 0.85)[wrong_rc]
        show(axes, picture_rc3, aspect)


def _labelled(
    bare_rc3: NDArray[np.float64], label_rc: NDArray[np.generic], scan: Scan
) -> NDArray[np.float64]:
    for number, colour in enumerate(colours(scan.structures), start=1):
        bare_rc3 = paint(bare_rc3, label_rc == number, colour)
    return bare_rc3


def _weakened(
    axes: Axes, picture_rc3: NDArray[np.float64], section: Section, shown: tuple[Scan, str]
) -> None:
    """Wrong labels in the colour of what they say, and yellow over all that an attention weakens."""
    scan, name = shown
    label_rc, truth_rc = section.of(scan.layers["label"]), section.of(scan.layers["truth"])
    wrong_rc = label_rc != truth_rc
    regions = [
        (wrong_rc & (label_rc == number), colour)
        for number, colour in enumerate((MISSED, *colours(scan.structures)))
    ]
    for region_rc, colour in regions:
        picture_rc3 = paint(picture_rc3, region_rc, colour, 0.8)
    lost_rc = 1.0 - section.of(scan.layers[name]).astype(np.float64)
    picture_rc3 = paint(picture_rc3, lost_rc * ~wrong_rc, YELLOW, 0.35)
    show(axes, paint(picture_rc3, lost_rc * wrong_rc, YELLOW, 0.9), section.aspect(scan))
    for region_rc, colour in regions:
        outline(axes, region_rc, colour)


def _numbers(panels: list[Axes], scan: Scan) -> None:
    """Under the pictures, of the whole volume: what the attention keeps, how many voxels are incorrect."""
    truth_ijk = scan.layers["truth"]
    wrong_ijk = scan.layers["label"] != truth_ijk
    words = [""]
    for name in ("f3", "f4"):
        kept_ijk = scan.layers[name].astype(np.float64)
        parts = [kept_ijk[mask_ijk] for mask_ijk in (wrong_ijk, ~wrong_ijk)]
        wrong, right = (f"{part.mean():.2f}" if part.size else "none" for part in parts)
        words.append(f"weight of wrong labels {wrong}\nof right labels {right}")
    for name in ("before", "after"):
        count = int((scan.layers[name] != truth_ijk).sum())
        words.append(f"{count:,} voxels incorrect")
    for axes, text in zip(panels, words, strict=True):
        axes.set_xlabel(text, fontsize=9, color=GREY)


def _height(scan: Scan, section: Section) -> float:
    """Of a picture of this section, where its width is 1."""
    rows, columns = section.of(scan.image_ijk).shape
    return float(np.clip(rows * section.aspect(scan) / columns, 0.4, 2.0))


def _heading(scan: Scan) -> str:
    before = scan.before or "an unnamed model"
    return (
        f"{scan.dataset}, case {scan.case}; {scan.method} at ξ = {scan.xi}, seed {scan.seed}\n"
        f"(d) before: {before}; (e) after: {scan.method}, retrained with pseudo labels"
    )


def _legend(scan: Scan) -> list[Patch]:
    named = zip(scan.structures, colours(scan.structures), strict=True)
    handles = [Patch(color=colour, label=plain(name.replace("_", " "))) for name, colour in named]
    missed = Patch(color=MISSED, label="structure missed (b, c)")
    return [*handles, missed, Patch(color=YELLOW, label="weakened (b, c), incorrect (d, e)")]
