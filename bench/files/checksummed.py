"""Documents that bear a checksum of themselves: a single flipped bit is found when they are read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEAL = "seal"
"""The entry of a document that holds the checksum of all its others."""


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with a checksum of itself."""
    as_read = json.loads(json.dumps(document))
    return {**as_read, SEAL: _seal(as_read)}


def unsealed(path: Path) -> dict[str, Any]:
    """A document that ``sealed`` gave, or one from before there were seals.

    Raises:
        ValueError: It is not what was written.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(document, dict):
        raise ValueError("no object")  # noqa: TRY004 - of a file
    if SEAL in document and document.pop(SEAL) != _seal(document):
        raise ValueError("its seal is broken")
    return document


def _seal(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
