"""What can be wrong with a data set: one function a check, each given the whole survey.

A new check is one function and one line in ``CHECKS``. An error is what no stage could use or what makes
scores meaningless, a warning what someone should look at, a note what is worth knowing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.checks.data import contents, copies, places
from bench.checks.data.finding import SEVERITIES, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.checks.data.survey import Survey

CHECKS: tuple[Callable[[Survey], Iterable[Finding]], ...] = (
    contents.listing,
    contents.readable,
    places.affine,
    places.headers,
    places.place,
    places.spacing,
    places.orientation,
    contents.shapes,
    contents.intensities,
    contents.labels,
    contents.structures,
    copies.duplicates,
    copies.leaks,
)


def findings(survey: Survey) -> list[Finding]:
    """All that all checks find; errors first, then in the order of the checks."""
    all_found = [finding for check in CHECKS for finding in check(survey)]
    return sorted(all_found, key=lambda one: SEVERITIES.index(one.severity))
