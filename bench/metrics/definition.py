"""What a measure is: its names, units and statuses, and the yardstick of a missing structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot
from types import MappingProxyType
from typing import Final

DEFINITIONS: Final = ("hvsmr2016", "medpy")

# What a scores stage measures; IoU follows from Dice (docs/decisions/0028).
# adb is medpy's assd and hdd its hd; in hvsmr2016 hdd is a 95th percentile already.
METRICS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"hvsmr2016": ("dice", "adb", "hdd"), "medpy": ("dice", "adb", "hdd", "hd95")}
)

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {"dice": "", "adb": "mm", "hdd": "mm", "hd95": "mm", "overall": "", "iou": ""}
)

# From best to worst: the overall score of a case carries the worst status of its structures.
STATUSES: Final = ("ok", "both_empty", "empty_reference", "empty_prediction", "failed")


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about one structure of one case.

    Attributes:
        structure: The label in the label map, from 1 upwards; 0 stands for all structures together.
        metric: A key of `UNITS`.
        value: The number, in `unit`.
        unit: `mm`, or empty for a pure number.
        definition: One of `DEFINITIONS`.
        status: One of `STATUSES`.
    """

    structure: int
    metric: str
    value: float
    unit: str
    definition: str
    status: str


def iou_of(dice: float) -> float:
    """Intersection over union, |A ∩ B| / |A ∪ B|, of two masks by their Dice D: D / (2 - D).

    1 where both masks are empty and 0 where one is, as Dice.
    """
    return dice / (2 - dice)


def with_iou(measures: Sequence[Measure]) -> list[Measure]:
    """The measures with the IoU of each structure after its Dice."""
    found: list[Measure] = []
    for one in measures:
        found.append(one)
        if one.metric == "dice":
            found.append(replace(one, metric="iou", value=iou_of(one.value), unit=UNITS["iou"]))
    return found


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """The diagonal of a volume: the distance given to a structure that only one side has.

    Args:
        shape: Voxels along each axis.
        spacing_mm: Voxel size along each axis, in mm.

    Returns:
        The length of the volume's diagonal, edge to edge, in mm.

    Raises:
        ValueError: If the two differ in length.
    """
    if len(shape) != len(spacing_mm):
        raise ValueError(f"a volume of {len(shape)} axes cannot have {len(spacing_mm)} spacings")
    return float(hypot(*(size * step for size, step in zip(shape, spacing_mm, strict=True))))
