"""Maps of doubt on a slice whose wrong labels are known: is what is doubted what is wrong?"""

# Legend: R rows and C columns of a picture.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.lines import Line2D

from reports.figures.slices import outline, show
from reports.figures.style import GREY, blank, label, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from reports.inputs.images import Overlay

_ACROSS: Final = 4
_WIDTH: Final = 2.9  # of a picture, inches
_WRONG: Final = "#00E5FF"


def overlays(shown: Overlay) -> Figure:
    """The image, then each map of doubt over it; wrong labels are outlined in all of them.

    Raises:
        ValueError: A slice has another shape than the image, or a doubt is not in [0, 1].
    """
    named = {f"{method}: {name}": doubt_rc for (method, name), doubt_rc in shown.doubts.items()}
    for name, slice_rc in {"the wrong labels": shown.wrong_rc, **named}.items():
        if slice_rc.shape != shown.image_rc.shape:
            raise ValueError(
                f"{shown.case}: the slice of {name} has shape {slice_rc.shape}, "
                f"the image {shown.image_rc.shape}"
            )
    across = min(_ACROSS, len(named) + 1)
    down = -(-(len(named) + 1) // across)
    rows, columns = shown.image_rc.shape
    tall = float(np.clip(rows * shown.aspect / columns, 0.4, 2.0))
    figure = blank(across * _WIDTH + 0.9, down * (_WIDTH * tall + 0.45) + 0.6)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(named) + 1 :]:
        axes.set_visible(False)
    bright_rc = _bright(shown.image_rc)
    show(panels[0], bright_rc, shown.aspect)
    panels[0].set_title("image, wrong labels outlined", loc="left", fontsize=10)
    outline(panels[0], shown.wrong_rc, _WRONG)
    for axes, (name, doubt_rc) in zip(panels[1:], named.items(), strict=False):
        _doubted(axes, bright_rc, (shown, name, doubt_rc))
    _scale(figure, list(panels[: len(named) + 1]))
    where = f"{shown.dataset}, noise {shown.noise}, ξ = {shown.xi}, seed {shown.seed}"
    where = f"{where}, case {shown.case}, {shown.section}"
    figure.suptitle(plain(where), fontsize=10, color=GREY)
    wrong = Line2D([], [], color=_WRONG, linewidth=1.6, label="label is wrong")
    figure.legend(handles=[wrong], loc="outside lower center", frameon=False, fontsize=9)
    return figure


def _doubted(
    axes: Axes, bright_rc: NDArray[np.float64], doubted: tuple[Overlay, str, NDArray[np.float32]]
) -> None:
    """One map, and below it the mean doubt of wrong and of right labels in this slice."""
    shown, name, doubt_rc = doubted
    if not bool(((doubt_rc >= 0) & (doubt_rc <= 1)).all()):
        raise ValueError(f"{shown.case}: the doubt of {name} is not in [0, 1]")
    show(axes, 0.45 * bright_rc, shown.aspect)
    axes.imshow(
        doubt_rc, cmap="inferno", vmin=0, vmax=1, alpha=0.25 + 0.75 * doubt_rc, aspect=shown.aspect,
        interpolation="nearest",
    )  # fmt: skip
    outline(axes, shown.wrong_rc, _WRONG)
    axes.set_title(label(name), loc="left", fontsize=10)
    parts = (doubt_rc[shown.wrong_rc], doubt_rc[~shown.wrong_rc])
    wrong, right = (f"{part.mean():.2f}" if part.size else "none" for part in parts)
    axes.set_xlabel(f"mean doubt of wrong {wrong}, of right {right}", fontsize=8.5, color=GREY)


def _scale(figure: Figure, panels: list[Axes]) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(ScalarMappable(cmap="inferno"), ax=panels, shrink=0.7, aspect=30, pad=0.01)
    bar.set_label("doubt: share of the voxel's gradient removed", fontsize=9)
    bar.outline.set_visible(False)


def _bright(image_rc: NDArray[np.float32]) -> NDArray[np.float64]:
    """The slice as brightness in [0, 1], the darkest and the brightest hundredth cut off."""
    low, high = np.percentile(image_rc, (1, 99))
    bright_rc = (image_rc.astype(np.float64) - low) / max(float(high - low), 1e-6)
    return np.asarray(bright_rc.clip(0, 1), dtype=np.float64)
