"""``bench export predictions``: label maps of scans that have no label here, for whoever keeps the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import console
from bench.execution.predictions import predictions

if TYPE_CHECKING:
    from bench.execution.predictions import Request


def export(request: Request, *, as_json: bool) -> int:
    """Write the label maps and name them.

    Raises:
        UsageError: No such student in the store, or the folder holds something else.
        DataError: The data set has a label for each of its scans.
    """
    student, files = predictions(request)
    if as_json:
        console.say_json({"to": str(request.to), "student": student, "files": files})
    else:
        console.say(f"{len(files)} label maps by {student} are in {request.to}")
    return 0
