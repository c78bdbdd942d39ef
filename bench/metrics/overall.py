"""The overall score of the HVSMR 2016 challenge: one number from the measures of all structures."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench.metrics.definition import STATUSES, UNITS, Measure

# The challenge's weights are in no paper; these rebuild the overall scores of its leaderboard, as printed in
# "Two-Stream Mutual Attention Network" (Min et al., AAAI 2019, Table 3), to the rounding of the columns.
WEIGHTS: Final[Mapping[str, float]] = {"dice": 1 / 2, "adb": -1 / 4, "hdd": -1 / 30}


def overall_of_means(means: Mapping[str, Mapping[str, float]]) -> float:
    """The overall score of a table row, from means over cases.

    Args:
        means: For each structure its mean `dice` (0 to 1), `adb` (mm) and `hdd` (mm); others are ignored.

    Returns:
        The sum over structures of 1/2 Dice - 1/4 ADB - 1/30 HDD; with two structures 1 is perfect.

    Raises:
        ValueError: If there is no structure, or one lacks a metric.
    """
    if not means:
        raise ValueError("the overall score needs at least one structure, got none")
    for structure, of_metric in means.items():
        if missing := [metric for metric in WEIGHTS if metric not in of_metric]:
            raise ValueError(f"the overall score needs {', '.join(missing)} of structure {structure}")
    return float(sum(weight * row[metric] for row in means.values() for metric, weight in WEIGHTS.items()))


def overall(measures: Sequence[Measure]) -> Measure:
    """The overall score of one case, under structure 0, with the worst status of its structures.

    Args:
        measures: What `score` returned for one case; metrics that the formula does not name are ignored.

    Returns:
        The sum over structures of 1/2 Dice - 1/4 ADB - 1/30 HDD.

    Raises:
        ValueError: If a structure lacks a metric or has one twice, or the definitions are mixed.
    """
    definitions = sorted({measure.definition for measure in measures})
    if len(definitions) > 1:
        raise ValueError(f"an overall score cannot mix the definitions {' and '.join(definitions)}")
    means: dict[str, dict[str, float]] = {}
    for measure in measures:
        row = means.setdefault(str(measure.structure), {})
        if measure.metric in row:
            raise ValueError(
                f"an overall score is of one case: structure {measure.structure} has {measure.metric} twice"
            )
        row[measure.metric] = measure.value
    value = overall_of_means(means)
    status = max((measure.status for measure in measures), key=STATUSES.index)
    return Measure(0, "overall", value, UNITS["overall"], definitions[0], status)
