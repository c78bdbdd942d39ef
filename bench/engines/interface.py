"""What an engine is: somewhere that stages run, given their documents and a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended."""

    key: str
    error: str = ""  # empty where it was made; else a sentence or two
    detail: str = ""  # the traceback, for --debug and the failure file


class Engine(Protocol):
    """Runs stages; a stage handed to it is idempotent and reads its inputs from the store."""

    slots: int

    def submit(self, document: Mapping[str, Any]) -> None:
        """Start a stage; at most ``slots`` are started and not yet given back by ``wait``."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What has ended since the last call, after at most ``seconds``."""

    def close(self) -> None:
        """Stop everything that still runs; nothing half-made stays visible in the store."""
