"""P's Figure 3: where the two streams disagree, and what smoothing makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.figures.slices import densest, grey, letters, show
from reports.figures.style import GREY, blank, plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from reports.inputs.images import Exhibits


def disagreement(exhibits: Exhibits, datasets: Collection[str]) -> Figure:
    """A slice, the disagreement in black, and the weight that smoothing makes of it.

    Args:
        exhibits: With a scan of a withheld case that has the layers disagreement and f4.
        datasets: Of which data sets the scan may be.

    Raises:
        MissingExhibitError: There is no such scan.
    """
    scan = exhibits.scan("figure3", datasets, ("disagreement", "f4"))
    differs_ijk, weight_ijk = scan.layers["disagreement"], scan.layers["f4"]
    section = densest("axial", differs_ijk)
    panels = [
        ("(a) image", section.of(grey(scan))),
        ("(b) disagreement", 1.0 - section.of(differs_ijk).astype(np.float64)),
        ("(c) smoothed: f4", 1.0 - section.of(weight_ijk).astype(np.float64)),
    ]
    rows, columns = panels[0][1].shape
    aspect = section.aspect(scan)
    figure = blank(9.6, 3.1 * min(max(rows * aspect / columns, 0.4), 2.0) + 0.85)
    for axes, (title, picture) in zip(figure.subplots(1, 3), panels, strict=True):
        show(axes, picture, aspect)
        axes.set_title(title, loc="left", fontsize=11)
    letters(figure.axes[0], section.plane)
    figure.axes[1].set_xlabel(f"{_share(differs_ijk)} of all voxels disagree", fontsize=9, color=GREY)
    figure.axes[2].set_xlabel(f"{_share(weight_ijk)} of all voxels take part", fontsize=9, color=GREY)
    figure.suptitle(
        plain(
            f"{scan.dataset}, case {scan.case}, {section}; {scan.method} at ξ = {scan.xi}, seed {scan.seed}"
        ),
        fontsize=10, color=GREY,
    )  # fmt: skip
    return figure


def _share(map_ijk: NDArray[np.generic]) -> str:
    return f"{np.count_nonzero(map_ijk) / map_ijk.size:.1%}"
