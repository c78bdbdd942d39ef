"""How good a segmentation is: Dice, surface distances and the overall score of a case."""

from bench.metrics.case import background, score
from bench.metrics.definition import (
    DEFINITIONS,
    METRICS_OF,
    STATUSES,
    UNITS,
    Measure,
    diagonal_mm,
    iou_of,
    with_iou,
)
from bench.metrics.overall import overall, overall_of_means

__all__ = [
    "DEFINITIONS",
    "METRICS_OF",
    "STATUSES",
    "UNITS",
    "Measure",
    "background",
    "diagonal_mm",
    "iou_of",
    "overall",
    "overall_of_means",
    "score",
    "with_iou",
]
