"""P's Figure 2: the two streams and the attention between them, drawn from a description of the layers."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from reports.figures.diagram import Point, arrow, board, box, box_size, circle, word
from reports.figures.layers import FUSIONS, Layer, by_block, is_channel_wise, lines, read, resolution, title
from reports.figures.style import COLOURS, GREY
from reports.inputs.images import MissingExhibitError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STREAM, _AUXILIARY, _LOSS = COLOURS[0], COLOURS[3], GREY
_HUES: Final = {"f1": COLOURS[2], "f2": COLOURS[2], "f3": COLOURS[1], "f4": COLOURS[4]}
_GAP: Final = 0.62  # between two stages with an attention there, inches
_SHORT_GAP: Final = 0.42
_TAP, _TIMES = 0.13, 0.40  # where in a gap an attention reads the feature and where it scales it
_MARGIN: Final = 0.12
_BETWEEN: Final = 0.42  # between a stream and the attention


@dataclass(frozen=True, slots=True)
class _Stage:
    """A box of either stream."""

    site: str
    words: tuple[str, list[str]]
    foot: str
    colour: str
    left: float
    width: float
    scaled: bool  # by an attention that follows it

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def middle(self) -> float:
        """Its centre, left to right."""
        return self.left + self.width / 2


def network(table: pd.DataFrame) -> Figure:
    """Two mirrored streams left to right, each attention after the stage that it follows.

    Args:
        table: Rows of LAYER_COLUMNS.

    Raises:
        MissingExhibitError: There are no rows.
        ValueError: A column is missing.
    """
    if table.empty:
        raise MissingExhibitError("figure2", "there is no description of the network's layers")
    layers = read(table)
    attentions = by_block(layers)
    sites = {rows[0].site for rows in attentions.values()}
    stages = _stages(layers, sites)
    auxiliary = [layer for layer in layers if layer.block == "auxiliary"]
    half = max(box_size(*stage.words, foot=stage.foot)[1] for stage in stages) / 2
    inner = max([0.5, *(box_size(*_words(rows))[1] / 2 for rows in attentions.values())])
    outer = box_size("auxiliary", lines(auxiliary))[1] if auxiliary else 0.0
    reach = inner + _BETWEEN + 2 * half + (outer + 0.25 if auxiliary else 0.0) + _MARGIN
    figure, axes = board(stages[-1].right + _MARGIN, 2 * reach)
    far = inner + _BETWEEN + half
    for side in (1, -1):
        _stream(axes, stages, reach + side * far, half)
        if auxiliary:
            lift = reach + side * (far + half + 0.25 + outer / 2)
            _branch(axes, stages, auxiliary, (reach + side * far, lift), outer)
    _image(axes, stages, (reach, far))
    for name, rows in attentions.items():
        _attention(axes, stages, (name, rows), (reach, far))
    return figure


def _stages(layers: list[Layer], attended: set[str]) -> list[_Stage]:
    """The image, the stages of a stream and the loss, one after the other."""
    sites: dict[str, list[Layer]] = {}
    for layer in layers:
        if layer.block == "stream":
            sites.setdefault(layer.site, []).append(layer)
    channels = layers[0].channels_in
    image = ("image", [f"{channels} channel{'s' * (channels != 1)}"])
    drawn = [("", image, "", GREY)]
    for site, rows in sites.items():
        words = (title(site), lines(rows))
        drawn.append((site, words, resolution(rows[-1].resolution), _STREAM))
    drawn.append(("loss", ("loss", ["cross-", "entropy"]), "", _LOSS))
    last = drawn[-2][0]
    stages: list[_Stage] = []
    left = _MARGIN
    for site, words, foot, colour in drawn:
        width = box_size(*words, foot=foot)[0]
        scaled = site in attended or (site == last and "softmax" in attended)
        stages.append(_Stage(site, words, foot, colour, left, width, scaled))
        left += width + (_GAP if scaled else _SHORT_GAP)
    return stages


def _stream(axes: Axes, stages: list[_Stage], y: float, half: float) -> None:
    """One stream: its boxes, and arrows that stop where an attention scales the feature."""
    for place, stage in enumerate(stages[1:], start=1):
        box(axes, (stage.middle, y), (stage.width, 2 * half), stage.words, stage.colour, foot=stage.foot)
        if place + 1 < len(stages):
            after = stages[place + 1].left
            if stage.scaled:
                times = stage.right + _TIMES
                arrow(axes, [(stage.right, y), (times - 0.12, y)])
                circle(axes, (times, y), "×", GREY, radius=0.12)
                arrow(axes, [(times + 0.12, y), (after, y)])
            else:
                arrow(axes, [(stage.right, y), (after, y)])


def _image(axes: Axes, stages: list[_Stage], rows: Point) -> None:
    """The image between the streams, and its way into both."""
    image, first = stages[0], stages[1]
    (middle, far) = rows
    size = box_size(*image.words)
    box(axes, (image.middle, middle), size, image.words, image.colour)
    for side in (1, -1):
        corner = (image.middle, middle + side * far)
        arrow(axes, [(image.middle, middle + side * size[1] / 2), corner, (first.left, corner[1])])


def _branch(
    axes: Axes, stages: list[_Stage], rows: list[Layer], heights: tuple[float, float], height: float
) -> None:
    """The auxiliary branch: from the feature behind its stage outwards."""
    place = next(at for at, stage in enumerate(stages) if stage.site == rows[0].site)
    after = stages[place + 1]
    words = ("auxiliary", lines(rows))
    width = box_size(*words)[0]
    stream, lift = heights
    rise = after.left - 0.08
    arrow(axes, [(rise, stream), (rise, lift), (after.left + 0.15, lift)])
    middle = after.left + 0.15 + width / 2
    box(axes, (middle, lift), (width, height), words, _AUXILIARY)
    end = middle + width / 2 + 0.45
    arrow(axes, [(middle + width / 2, lift), (end, lift)])
    loss = box_size("auxiliary loss", [])
    box(axes, (end + loss[0] / 2, lift), loss, ("auxiliary loss", []), _LOSS)


def _words(rows: list[Layer]) -> tuple[str, list[str]]:
    """An attention in a box: its kind, then what it learns and how wide it is."""
    name = rows[0].block
    if any(layer.operation == "exclusive or" for layer in rows):
        return f"{name} loss", [layer.name for layer in rows[:-1]]
    told = [layer for layer in rows if layer.kernel or layer.learns or layer.operation in FUSIONS]
    names = ", ".join(dict.fromkeys(layer.name for layer in told))
    learned = [layer for layer in rows if layer.learns]
    chain = [learned[0].channels_in, learned[0].channels_out, learned[-1].channels_out]
    kind = "channel-wise" if is_channel_wise(rows) else "spatial"
    return f"{name} {kind}", [*wrap(names, 15), " → ".join(map(str, chain))]


def _attention(axes: Axes, stages: list[_Stage], found: tuple[str, list[Layer]], rows: Point) -> None:
    """One attention between the streams: it reads both features and scales both."""
    name, layers = found
    middle, far = rows
    site = layers[0].site
    place = next((at for at, stage in enumerate(stages) if stage.site == site), len(stages) - 2)
    right = stages[place].right
    words = _words(layers)
    size = box_size(*words)
    colour = _HUES.get(name, COLOURS[2])
    centre = right + (_TAP + _TIMES) / 2
    centre = min(centre, stages[-1].right - size[0] / 2)
    box(axes, (centre, middle), size, words, colour)
    maps = sum(layer.operation == "sigmoid" for layer in layers)
    for side in (1, -1):
        y, edge = middle + side * far, middle + side * size[1] / 2
        arrow(axes, [(right + _TAP, y), (right + _TAP, edge)], colour)
        arrow(axes, [(right + _TIMES, edge), (right + _TIMES, y - side * 0.12)], colour)
        gain = layers[-1].gain.replace("a", "â") if side < 0 and maps > 1 else layers[-1].gain
        word(axes, (right + _TIMES + 0.14, middle + side * (size[1] / 2 + 0.2)), gain or "w", colour=colour)
