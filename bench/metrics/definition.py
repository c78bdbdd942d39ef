"""What a measure is: its names, units and statuses, and the yardstick of a missing structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from types import MappingProxyType
from typing import Final

DEFINITIONS: Final = ("hvsmr2016", "medpy")

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
