"""Which stage is next: the plan's order, but a long chain begins early enough to end with the rest."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from bench.store.stage import dependants, readers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.store.stage import Stage

URGENT = 0.5
"""A chain is begun at once where it is at least this share of what is left for each worker.

Simulated with the measured seconds of finished sweeps (docs/LOG.md, 2026-11-23): workers are nearly as busy
as with the longest chain always first, and results still appear ξ by ξ.
"""


class Agenda:
    """The stages of a run that are not there yet."""

    def __init__(self, missing: Sequence[Stage], seconds: Callable[[Stage], float]) -> None:
        """Take the missing stages, inputs before what reads them; ``seconds`` is what each may take."""
        self._seconds = {one.key: seconds(one) for one in missing}
        self._left = sum(self._seconds.values())
        self._readers = readers(missing)
        self._waiting = {one.key: one for one in missing}
        self._place = {key: place for place, key in enumerate(self._waiting)}
        self._lacks = {
            one.key: len({needed.key for _, needed in one.inputs} & self._waiting.keys()) for one in missing
        }
        self._chain = self._chains(missing)
        self._by_place: list[tuple[float, int, str]] = []
        self._by_chain: list[tuple[float, int, str]] = []
        for one in missing:
            if not self._lacks[one.key]:
                self._make_ready(one.key)

    def __len__(self) -> int:
        """How many stages wait to be begun."""
        return len(self._waiting)

    def _chains(self, missing: Sequence[Stage]) -> dict[str, float]:
        """Key -> the seconds of the longest chain that begins with the stage."""
        chain: dict[str, float] = {}
        for one in reversed(missing):
            after = [chain[reader.key] for reader in self._readers.get(one.key, ())]
            chain[one.key] = self._seconds[one.key] + max(after, default=0.0)
        return chain

    def _make_ready(self, key: str) -> None:
        heapq.heappush(self._by_place, (0.0, self._place[key], key))
        heapq.heappush(self._by_chain, (-self._chain[key], self._place[key], key))

    def take(self, workers: int) -> Stage | None:
        """The stage to begin now, of those whose inputs are there; None where there is none."""
        for heap in (self._by_place, self._by_chain):
            while heap and heap[0][-1] not in self._waiting:
                heapq.heappop(heap)  # taken from the other heap, or dropped
        if not self._by_place:
            return None
        is_urgent = -self._by_chain[0][0] >= URGENT * self._left / workers
        key = heapq.heappop(self._by_chain if is_urgent else self._by_place)[-1]
        self._left -= self._seconds[key]
        return self._waiting.pop(key)

    def done(self, key: str) -> None:
        """A stage is made: what lacked it alone is ready."""
        for reader in self._readers.get(key, ()):
            self._lacks[reader.key] -= 1
            if not self._lacks[reader.key]:
                self._make_ready(reader.key)

    def drop(self, key: str) -> list[Stage]:
        """A stage failed: all that waits for it, directly or through others, is taken off."""
        lost = dependants(self._readers, key) & self._waiting.keys()
        self._left -= sum(self._seconds[one] for one in lost)
        return [self._waiting.pop(one) for one in sorted(lost, key=self._place.__getitem__)]
