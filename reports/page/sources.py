"""The stages that the numbers come from, each with all that is known of how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS: Final = ("stage", "kind", "title", "commit", "machine", "started", "seconds", "settings", "inputs")
"""Of ``Exhibits.provenance``: key, kind, a title in words, commit, machine, time of start, duration in
seconds, settings as JSON text, and the keys of the inputs with a blank between."""


def stage_table(records: pd.DataFrame, provenance: pd.DataFrame) -> pd.DataFrame:
    """One row for every stage that the provenance or a record names, in this order.

    Of a stage that only records name, the commit and the role stand there and nothing else is known.
    """
    known = provenance.reindex(columns=list(COLUMNS)).astype({"stage": object})
    named = records.drop_duplicates("stage").set_index("stage")
    absent = [stage for stage in named.index if stage and stage not in set(known["stage"])]
    rest = pd.DataFrame(
        {
            "stage": absent,
            "title": [f"scores, {role}: not in the provenance" for role in named.loc[absent, "role"]],
            "commit": named.loc[absent, "commit"].to_numpy(),
        },
        columns=list(COLUMNS),
    )
    parts = [part for part in (known, rest) if not part.empty]
    whole = pd.concat([part.astype(object) for part in parts], ignore_index=True) if parts else known
    texts = {name: whole[name].map(_text) for name in COLUMNS if name != "seconds"}
    seconds = pd.to_numeric(whole["seconds"], errors="coerce").astype(float)
    return pd.DataFrame(texts | {"seconds": seconds})[list(COLUMNS)]


def _text(value: object) -> str:
    """A cell as text: inputs may come as a list, and what is absent is empty."""
    if isinstance(value, (list, tuple)):
        return _joined(value)
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  (NaN)


def _joined(values: Iterable[object]) -> str:
    return " ".join(str(value) for value in values)
