"""P's Figure 1: the self-training pipeline, drawn from the graph of its stages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from reports.figures.diagram import arrow, board, box, box_size
from reports.figures.style import COLOURS, GREY
from reports.inputs.images import MissingExhibitError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MOST: Final = 12  # boxes; of a larger graph the largest groups become one box each
_KEY: Final = 10  # characters of a key that are shown
_WRAP: Final = 20  # characters of a title in a line
_GAP: Final = 0.75  # between two columns, inches
_ROW: Final = 0.22  # between two boxes of a column, inches
_LANE: Final = 0.16  # between two long arrows under the boxes, inches
_MARGIN: Final = 0.15
_HUES: Final = {
    "split": GREY, "teacher": COLOURS[0], "pseudo": COLOURS[1], "student": COLOURS[2], "scores": COLOURS[3],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Node:
    """One box: a stage, or several of a kind that stand equally far from the start."""

    kind: str
    title: str
    key: str
    inputs: frozenset[str]  # names of other boxes
    column: int
    count: int = 1

    @property
    def words(self) -> tuple[str, list[str]]:
        """The head and the lines of the box."""
        kind = "pseudo labels" if self.kind == "pseudo" else self.kind
        head = kind if self.count == 1 else f"{kind} × {self.count}"
        return head, wrap(self.title, _WRAP, max_lines=3, placeholder=" …")

    @property
    def foot(self) -> str:
        """The beginning of the key."""
        return self.key[:_KEY] if self.count == 1 else ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        return box_size(*self.words, foot=self.foot)


def pipeline(stages: pd.DataFrame) -> Figure:
    """The stages as boxes with their keys, left to right in the order in which each can be made.

    Args:
        stages: Rows of STAGE_COLUMNS.

    Raises:
        MissingExhibitError: There are no stages.
        ValueError: The stages depend on one another in a circle.
    """
    if stages.empty:
        raise MissingExhibitError("figure1", "there is no graph of stages")
    nodes = _collapsed(_nodes(stages))
    lanes = [name for name in nodes if any(_spans(nodes, name, other) > 1 for other in nodes)]
    below = _MARGIN + _LANE * len(lanes) + (_ROW if lanes else 0.0)
    places, (width, height) = _places(nodes, below)
    figure, axes = board(width, height)
    for name, node in nodes.items():
        place = places[name]
        size = (2 * place.half_width, 2 * place.half_height)
        box(axes, (place.x, place.y), size, node.words, _hue(node), foot=node.foot)
        for source in sorted(node.inputs):
            lane = lanes.index(source) if _spans(nodes, source, name) > 1 else None
            arrow(axes, _way(places[source], place, lane), _hue(nodes[source]))
    return figure


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box stands, in inches, and whether no other stands below it."""

    x: float
    y: float
    half_width: float
    half_height: float
    lowest: bool


def _places(nodes: dict[str, _Node], below: float) -> tuple[dict[str, _Place], tuple[float, float]]:
    """Where each box stands, columns centred above the lanes, and the size of the whole."""
    columns: dict[int, list[str]] = {}
    for name, node in nodes.items():
        columns.setdefault(node.column, []).append(name)
    heights = {at: sum(nodes[name].size[1] + _ROW for name in names) - _ROW for at, names in columns.items()}
    highest = max(heights.values())
    places: dict[str, _Place] = {}
    left = _MARGIN
    for at in sorted(columns):
        width = max(nodes[name].size[0] for name in columns[at])
        top = below + (highest + heights[at]) / 2
        for name in columns[at]:
            tall = nodes[name].size[1]
            lowest = name == columns[at][-1]
            places[name] = _Place(left + width / 2, top - tall / 2, width / 2, tall / 2, lowest)
            top -= tall + _ROW
        left += width + _GAP
    return places, (left - _GAP + _MARGIN, highest + below + _MARGIN)


def _way(start: _Place, end: _Place, lane: int | None) -> list[tuple[float, float]]:
    """The corners of an arrow: straight to the next column, by a lane under all boxes to a later one."""
    leave, enter = start.x + start.half_width, end.x - end.half_width
    if lane is None:
        return [(leave, start.y), (enter, end.y)]
    floor, aside = _MARGIN + _LANE * lane, 0.14 + 0.06 * lane
    shift = 0.1 * lane
    first = [(leave, start.y - 0.1), (leave + aside, start.y - 0.1), (leave + aside, floor)]
    if start.lowest:
        first = [(start.x, start.y - start.half_height), (start.x, floor)]
    last = [(enter - aside, floor), (enter - aside, end.y - 0.14), (enter, end.y - 0.14)]
    if end.lowest:
        last = [(end.x + shift, floor), (end.x + shift, end.y - end.half_height)]
    return [*first, *last]


def _hue(node: _Node) -> str:
    return _HUES.get(node.kind, GREY)


def _spans(nodes: dict[str, _Node], source: str, target: str) -> int:
    """How many columns the arrow from one box to another crosses; 0 without an arrow."""
    node = nodes[target]
    return node.column - nodes[source].column if source in node.inputs else 0


def _nodes(stages: pd.DataFrame) -> dict[str, _Node]:
    """A box a stage; its column is the length of the longest way to it."""
    rows = {str(row.stage): row for row in stages.itertuples()}
    inputs = {key: frozenset(str(row.inputs).split()) & rows.keys() for key, row in rows.items()}
    columns: dict[str, int] = {}
    while len(columns) < len(rows):
        ready = [key for key in rows if key not in columns and inputs[key] <= columns.keys()]
        if not ready:
            circle = ", ".join(sorted(rows.keys() - columns.keys()))
            raise ValueError(f"the stages {circle} depend on one another in a circle")
        for key in ready:
            columns[key] = 1 + max((columns[source] for source in inputs[key]), default=-1)
    return {
        key: _Node(str(row.kind), str(row.title), key, inputs[key], columns[key]) for key, row in rows.items()
    }


def _collapsed(nodes: dict[str, _Node]) -> dict[str, _Node]:
    """Few enough boxes: the largest group of a kind in a column becomes one box, then the next largest."""
    while len(nodes) > _MOST:
        groups = Counter((node.column, node.kind) for node in nodes.values())
        chosen, count = max(groups.items(), key=lambda item: (item[1], item[0]))
        if count == 1:
            break
        members = {name for name, node in nodes.items() if (node.column, node.kind) == chosen}
        nodes = _merged(nodes, members)
    return nodes


def _merged(nodes: dict[str, _Node], members: set[str]) -> dict[str, _Node]:
    first = min(members, key=list(nodes).index)
    found = [nodes[name] for name in nodes if name in members]
    titles = list(dict.fromkeys(node.title for node in found))
    title = titles[0] if len(titles) == 1 else f"{titles[0]}, …"
    one = replace(
        nodes[first], title=title, count=sum(node.count for node in found),
        inputs=frozenset().union(*(node.inputs for node in found)) - members,
    )  # fmt: skip
    merged: dict[str, _Node] = {}
    for name, node in nodes.items():
        if name == first:
            merged[name] = one
        elif name not in members:
            inputs = frozenset(first if source in members else source for source in node.inputs)
            merged[name] = replace(node, inputs=inputs)
    return merged
