"""P's Figure 4: the inside of the spatial and of the channel-wise attention, from the same layers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reports.figures.diagram import Point, arrow, board, box, box_size, circle, width_of, word
from reports.figures.layers import FUSIONS, Layer, by_block, is_channel_wise, read, title
from reports.figures.style import COLOURS, GREY
from reports.inputs.images import MissingExhibitError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _OWN, _MAP = COLOURS[0], COLOURS[2], COLOURS[1]
_GAP: Final = 0.42  # between two boxes, inches
_LANE: Final = 0.62  # from the middle to a stream's own layers
_OUTER: Final = 1.35  # from the middle to the feature that is scaled
_PANEL: Final = 4.15  # the height of a diagram
_MARGIN: Final = 0.15
_RADIUS: Final = 0.14


@dataclass(frozen=True, slots=True)
class _Diagram:
    """One kind of attention: the same operations, at one site or at several."""

    heading: str
    notes: list[str]
    before: list[list[str]]  # boxes of either stream, as lines
    sign: str
    between: list[str]
    last: list[str]
    maps: int
    map_size: str
    gain: str


def attention(table: pd.DataFrame) -> Figure:
    """The spatial attention (a) and the channel-wise attention (b), with the numbers of this network.

    Args:
        table: Rows of LAYER_COLUMNS.

    Raises:
        MissingExhibitError: There is neither among the rows.
        ValueError: A column is missing.
    """
    blocks = {name: rows for name, rows in by_block(read(table)).items() if rows[-1].gain}
    channel = [rows for rows in blocks.values() if is_channel_wise(rows)]
    spatial = [rows for rows in blocks.values() if not is_channel_wise(rows)]
    kinds = [("spatial attention", spatial), ("channel-wise attention", channel)]
    diagrams = [
        _diagram(f"({letter}) {kind}", found)
        for letter, (kind, found) in zip("ab", [kind for kind in kinds if kind[1]], strict=False)
    ]
    if not diagrams:
        raise MissingExhibitError("figure4", "there is no description of a spatial or channel-wise attention")
    width = max(max(_widths(diagram), width_of(_notes(diagram)) + 2 * _MARGIN) for diagram in diagrams)
    figure, axes = board(width, _PANEL * len(diagrams))
    for place, diagram in enumerate(diagrams):
        _draw(axes, diagram, _PANEL * (len(diagrams) - place - 1) + 1.75)
    return figure


def _diagram(heading: str, blocks: list[list[Layer]]) -> _Diagram:
    first = blocks[0]
    at = next(place for place, layer in enumerate(first) if layer.operation in FUSIONS)
    last = next(place for place in range(at + 1, len(first)) if first[place].learns)
    sites = [
        f"{rows[0].block} after {title(rows[0].site)}: M = {_side(rows[-1].resolution)}, "
        f"C = {rows[-1].channels_out}"
        for rows in blocks
    ]
    return _Diagram(
        heading=heading,
        notes=sites,
        before=[_lines(blocks, place) for place in range(at)],
        sign=FUSIONS[first[at].operation],
        between=[", ".join(layer.name for layer in first[at + 1 : last])],
        last=[*_lines(blocks, last), first[last + 1].name],
        maps=sum(layer.operation == "sigmoid" for layer in first),
        map_size="1 × C" if is_channel_wise(first) else f"M³ × {first[last].channels_out}",
        gain=first[-1].gain,
    )


def _lines(blocks: list[list[Layer]], place: int) -> list[str]:
    """One layer in a box, with its channels at each site."""
    layer = blocks[0][place]
    if not layer.learns:
        return [layer.name]
    if len(blocks) == 1:
        return [layer.name, f"{layer.channels_in} → {layer.channels_out}"]
    channels = [(rows[0].block, rows[place].channels_in, rows[place].channels_out) for rows in blocks]
    return [layer.name, *(f"{name}: {taken} → {given}" for name, taken, given in channels)]


def _side(share: float) -> str:
    return (
        "the image's side" if share == 1 else f"{Fraction(share).limit_denominator(64)} of the image's side"
    )


def _notes(diagram: _Diagram) -> str:
    return "; ".join(diagram.notes)


def _widths(diagram: _Diagram) -> float:
    """How much room the diagram takes from left to right, inches."""
    boxes = [*diagram.before, diagram.between, diagram.last]
    inside = sum(box_size("", lines)[0] + _GAP for lines in boxes) + 2 * _RADIUS + _GAP
    return 2 * _MARGIN + 2 * _feature()[0] + inside + _map_gap(diagram) + 2 * _RADIUS + 2 * _GAP


def _feature() -> Point:
    return box_size("ô", ["M³ × C"])


def _map_gap(diagram: _Diagram) -> float:
    """The room for a map's name and size on its arrow."""
    return width_of(f"â: {diagram.map_size}") + 0.25


def _draw(axes: Axes, diagram: _Diagram, middle: float) -> None:
    """One diagram, left to right around its middle line."""
    axes.text(_MARGIN, middle + 2.22, diagram.heading, fontsize=11, fontweight="bold", va="center")
    axes.text(_MARGIN, middle + 1.94, _notes(diagram), fontsize=9, color=GREY, va="center")
    size = _feature()
    left = _MARGIN + size[0]
    fork = left + 0.2
    x = fork + _GAP
    for lines in diagram.before:
        wide = box_size("", lines)[0]
        for side in (1, -1):
            y = middle + side * _LANE
            box(axes, (x + wide / 2, y), box_size("", lines), ("", lines), _OWN)
            start = [(fork, middle + side * _OUTER)] if lines is diagram.before[0] else []
            arrow(axes, [*start, (x - _GAP if not start else fork, y), (x, y)])
        x += wide + _GAP
    plus = x - _GAP + 0.2 + _RADIUS
    for side in (1, -1):
        y = middle + side * _LANE
        arrow(axes, [(x - _GAP, y), (plus, y), (plus, middle + side * _RADIUS)])
    circle(axes, (plus, middle), diagram.sign, _BLUE, _RADIUS)
    x = plus + _RADIUS + _GAP
    wide, tall = box_size("", diagram.between)
    box(axes, (x + wide / 2, middle), (wide, tall), ("", diagram.between), GREY)
    arrow(axes, [(plus + _RADIUS, middle), (x, middle)])
    right = _last(axes, diagram, (x + wide, middle))
    _scaled(axes, diagram, (right, middle), left)


def _last(axes: Axes, diagram: _Diagram, start: Point) -> float:
    """The layers behind the fusion, one a map; gives their right edge."""
    from_x, middle = start
    x = from_x + _GAP
    size = box_size("", diagram.last)
    lanes = [_LANE, -_LANE] if diagram.maps > 1 else [0.0]
    for lane in lanes:
        box(axes, (x + size[0] / 2, middle + lane), size, ("", diagram.last), _MAP)
        bend = [(from_x + 0.15, middle), (from_x + 0.15, middle + lane)] if lane else []
        arrow(axes, [(from_x, middle), *bend, (x, middle + lane)])
    return x + size[0]


def _scaled(axes: Axes, diagram: _Diagram, start: Point, left: float) -> None:
    """Either feature on its way past the attention, scaled by its map at the end."""
    right, middle = start
    times = right + _map_gap(diagram) + _RADIUS
    size = _feature()
    for side, name in ((1, "o"), (-1, "ô")):
        y = middle + side * _OUTER
        map_name = "â" if side < 0 and diagram.maps > 1 else "a"
        lane = middle + side * _LANE if diagram.maps > 1 else middle
        box(axes, (left - size[0] / 2, y), size, (name, ["M³ × C"]), _BLUE)
        arrow(axes, [(left, y), (times - _RADIUS, y)])
        arrow(axes, [(right, lane), (times, lane), (times, y - side * _RADIUS)], _MAP)
        if diagram.maps > 1 or side > 0:
            word(axes, ((right + times) / 2, lane + 0.12), f"{map_name}: {diagram.map_size}", colour=_MAP)
        gain = diagram.gain.replace("a", map_name)
        word(axes, (times + 0.25, (lane + y) / 2), gain, colour=_MAP)
        circle(axes, (times, y), "×", GREY, _RADIUS)
        end = times + _RADIUS + _GAP
        arrow(axes, [(times + _RADIUS, y), (end, y)])
        box(axes, (end + size[0] / 2, y), size, (name, ["M³ × C"]), _BLUE)
