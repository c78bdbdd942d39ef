"""The stages of a store as a graph again: each with its inputs, from their documents alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.files.names import is_safe_name
from bench.store.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.store.store import Store


def lineage(store: Store, keys: Iterable[str]) -> dict[str, Stage]:
    """The finished stages among ``keys`` and all that they came from, by key, inputs first.

    A stage whose own input is not there any more stands there without it.
    """
    found: dict[str, Stage] = {}

    def visit(key: str) -> Stage | None:
        if key in found:
            return found[key]
        if not is_safe_name(key) or not store.has(key):
            return None
        document = store.finished_stage(key)
        inputs = [(name, visit(needed)) for name, needed in document.inputs.items()]
        found[key] = Stage(
            key=key,
            kind=document.kind,
            version=document.version,
            settings=json.dumps(document.settings, sort_keys=True, separators=(",", ":")),
            dataset=document.dataset,
            dataset_id=document.dataset_id,
            images=tuple(document.images.items()),
            labels=tuple(document.labels.items()),
            inputs=tuple((name, one) for name, one in inputs if one is not None),
        )
        return found[key]

    for key in keys:
        visit(key)
    return found
