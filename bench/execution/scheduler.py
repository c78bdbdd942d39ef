"""From a graph to results: what is missing is made, inputs first; what fails takes nothing else with it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from bench.errors import StoreError
from bench.execution.ready_queue import Agenda
from bench.settings.stage_specs import read
from bench.store.documents import FailureNote, StageDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.store.documents import PlannedRows
    from bench.store.stage import Stage
    from bench.store.store import Store

TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended."""

    key: str
    error: str = ""  # empty where it was made; else a sentence or two
    detail: str = ""  # the traceback, for --debug and the failure file
    halts: bool = False  # no other stage could fare better: the store cannot be written
    warnings: Sequence[str] = ()  # sentences that were logged while it was made


class Engine(Protocol):
    """Runs stages; a stage handed to it is idempotent and reads its inputs from the store."""

    slots: int

    def submit(self, document: Mapping[str, object]) -> None:
        """Start a stage; at most ``slots`` are started and not yet given back by ``wait``."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What has ended since the last call, after at most ``seconds``."""

    def close(self) -> None:
        """Stop everything that still runs; nothing half-made stays visible in the store."""


@dataclass(slots=True)
class State:
    """Where a run stands; what a progress display reads."""

    total: int
    cached: int
    effort_total: float
    done: int = 0
    effort_done: float = 0.0
    running: dict[str, float] = field(default_factory=dict)  # key -> when it started
    failed: dict[str, str] = field(default_factory=dict)  # key -> reason
    blocked: dict[str, str] = field(default_factory=dict)  # key -> the failed key it waited for
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """By the effort done so far; None before a hundredth is: what starts first is no measure."""
        if self.effort_done <= self.effort_total / 100:
            return None
        return (time.monotonic() - self.started) * (self.effort_total / self.effort_done - 1)


def alike(_stage: Stage) -> float:
    """Where nobody knows what stages take: one as long as another."""
    return 1.0


def run(
    stages: Sequence[Stage],
    store: Store,
    engine: Engine,
    watch: Callable[[State], None],
    *,
    rows: Callable[[Stage], PlannedRows | None],
    expected: Callable[[Stage], float] = alike,
) -> State:
    """Make all stages that the store lacks.

    Args:
        stages: Inputs before what reads them.
        store: Where results are and go.
        engine: Where the work is done; closed at the end, also when interrupted.
        watch: Called a few times a second.
        rows: The planned rows of a stage, written down with its failure.
        expected: About how long a stage takes, in any unit: for the order and the time left alone.

    Raises:
        StoreError: The store cannot be written any more; what is finished is kept.
    """
    there = store.finished()
    missing = {stage.key: stage for stage in stages if stage.key not in there}
    state = State(len(stages), len(stages) - len(missing), sum(map(expected, missing.values())))
    agenda = Agenda(list(missing.values()), expected)
    try:
        while agenda or state.running:
            while len(state.running) < engine.slots and (stage := agenda.take(engine.slots)):
                state.running[stage.key] = time.monotonic()
                engine.submit(stage.document())
            for outcome in engine.wait(TICK_SECONDS):
                if outcome.halts:
                    raise StoreError(store.unwritable(outcome.error))
                stage = missing[outcome.key]
                del state.running[stage.key]
                state.effort_done += expected(stage)
                if not outcome.error and store.has(stage.key):
                    state.done += 1
                    agenda.done(stage.key)
                else:
                    blocked = agenda.drop(stage.key)
                    state.effort_done += sum(map(expected, blocked))
                    _book_failure(outcome, stage, blocked, state, store, rows)
            watch(state)
    finally:
        engine.close()
    return state


def _book_failure(
    outcome: Outcome,
    stage: Stage,
    blocked: Sequence[Stage],
    state: State,
    store: Store,
    rows: Callable[[Stage], PlannedRows | None],
) -> None:
    """Write down a failure, and what it blocks."""
    error = outcome.error or f"its folder {store.folder(stage.key)} cannot be made; remove it and run again."
    state.failed[stage.key] = error
    store.fail(stage.key, _failure(error, stage, rows, outcome.detail))
    for one in blocked:
        state.blocked[one.key] = stage.key
        store.fail(one.key, _failure(f"blocked: {stage.key} failed.", one, rows))


def _failure(
    error: str, stage: Stage, rows: Callable[[Stage], PlannedRows | None], detail: str = ""
) -> FailureNote:
    return FailureNote(
        error=error,
        detail=detail,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        stage=read(StageDocument, stage.document(), stage.key),
        planned_rows=rows(stage),
    )


def summary(stages: Sequence[Stage], store: Store) -> dict[str, dict[str, int]]:
    """How many stages of each kind there are, and how many the store has."""
    there = store.finished()
    total, cached = Counter(s.kind for s in stages), Counter(s.kind for s in stages if s.key in there)
    return {kind: {"stages": count, "cached": cached[kind]} for kind, count in total.items()}
