"""``bench noise make``: noisy labels for the training cases of any data set, with the truth beside them."""

from __future__ import annotations

import json

from bench.cli import console
from bench.cli.noise.measure import say_summary
from bench.errors import UsageError
from bench.execution.noisy_labels import Request, document_of, order_of, write_case
from bench.files.atomic import whole_folder, write_text
from bench.stages.inject import MEASURED


def make(request: Request, *, as_json: bool) -> int:
    """Write ``labels``, ``truth``, ``theta`` and ``noise.json`` into a new folder, whole or not at all.

    Raises:
        UsageError: A word that cannot be, or the folder holds something.
        DataError: A label cannot be read.
    """
    order = order_of(request)
    if request.to.exists() and (not request.to.is_dir() or any(request.to.iterdir())):
        raise UsageError(f"{request.to} exists already and is not empty; name a new folder.")
    with whole_folder(request.to) as aside:
        cases = {case: write_case(order, case, aside) for case in order.dataset.train}
        document = document_of(order, cases)
        write_text(aside / MEASURED, json.dumps(document, indent=1) + "\n")
    if as_json:
        console.say_json({"to": str(request.to), **document})
        return 0
    say_summary(cases)
    console.say(
        f"{order.noise.kind}:{order.noise.rate}, {len(order.dataset.train)} cases of {order.dataset.name}:"
    )
    console.say(str(request.to))
    return 0
