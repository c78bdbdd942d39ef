"""A sweep planned over its data while its store is locked, and the warnings that planning it gives."""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.sources.changes import changes
from bench.errors import DataError
from bench.files.checksummed import unsealed
from bench.plan.request import planned, understood
from bench.plan.words import datasets_of
from bench.settings.stage_specs import read
from bench.store import run_log
from bench.store.documents import FailureNote, FinishedStage
from bench.store.integrity import put_damaged_aside
from bench.store.record import planned_rows
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.data.copies import Leak
    from bench.data.dataset import Workshop
    from bench.plan.request import Asked, Request
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage


LOGGER = logging.getLogger(__name__)
MOST_DOUBTFUL = 5  # sentences on a plan that are told in full


@dataclass(frozen=True, slots=True)
class PlannedSweep:
    """A sweep over data that were opened, with its stages; nothing of it is computed yet."""

    request: Request
    asked: Asked
    store: Store
    sweep: Sweep
    stages: Sequence[Stage]  # inputs before what reads them
    left_out: Sequence[str]  # a sentence for everything that was asked for and fits no data set
    damaged: Mapping[str, str]  # key -> what was wrong with a result, which was moved out of the way

    def refuse_leaks(self) -> None:
        """Refuse test cases that are copies of training cases, unless the request allows them.

        Raises:
            DataError: Names the first of them.
        """
        if self.sweep.allowed_leaks and not self.request.allow_leaks:
            raise _refused(self.sweep.allowed_leaks)


@contextmanager
def planned_sweep(request: Request, asked: Asked | None = None) -> Iterator[PlannedSweep]:
    """Plan a sweep; its store is locked until the context ends, and what is damaged there is moved aside.

    For a dry run nothing is locked or written, and data that have to be made lie in a temporary folder
    until the context ends. What is odd about the data is logged as warnings.

    Args:
        request: What is asked for.
        asked: The request as ``understood`` gave it, where the caller has it already.

    Raises:
        UsageError: A name or value that cannot be, or the store is in use by another process.
        DataError: Data are missing or invalid; test cases are copies of training cases, and that is neither
            allowed nor a dry run.
    """
    asked = asked or understood(request)
    store = Store(request.store)
    with _held(store, dry_run=request.dry_run) as workshop:
        sweep, left_out = planned(asked, datasets_of(asked.datasets, asked.recipe.data, workshop))
        leaks = sweep.leaks()
        if leaks and not request.allow_leaks and not request.dry_run:
            raise _refused(leaks)
        sweep = replace(sweep, allowed_leaks=leaks)
        stages = sweep.stages()
        _warn_of_changes(store, sweep, workshop)
        _warn_of_splits(sweep)
        damaged = {} if request.dry_run else put_damaged_aside(store, stages)
        _warn_of_damage(store, stages, damaged)
        yield PlannedSweep(request, asked, store, sweep, stages, left_out, damaged)


@contextmanager
def _held(store: Store, *, dry_run: bool) -> Iterator[Workshop]:
    """The store's data, under its lock; for a plan alone nothing is locked or written there."""
    if dry_run:
        store.refuse_foreign()
        with tempfile.TemporaryDirectory(prefix="bench-plan-") as spare:
            yield replace(store.workshop, spare=Path(spare))
        return
    with store.locked():
        yield store.workshop


def _refused(leaks: tuple[Leak, ...]) -> DataError:
    """The error that refuses test cases which are copies of training cases."""
    first = leaks[0]
    test, train = first.pairs[0]
    more = f" The same holds for {len(leaks) - 1} more splits." if len(leaks) > 1 else ""
    return DataError(
        f"{first.dataset}: {first.note.sentence}, the first is {test}, whose image is that of {train}; leave "
        f"the copies out, or add --allow-leaks, which goes on and marks every table.{more}"
    )


def _warn_of_changes(store: Store, sweep: Sweep, workshop: Workshop) -> None:
    """Warn of data that changed since the store last knew them, before anything is computed from them."""
    known = run_log.data_sets(store)
    for dataset in sweep.datasets:
        for sentence in changes(dataset, workshop, known):
            LOGGER.warning(sentence)


def _warn_of_splits(sweep: Sweep) -> None:
    """Warn of effects of the splits on the scores that are no reason to refuse."""
    sentences = sweep.doubtful()
    for sentence in sentences[:MOST_DOUBTFUL]:
        LOGGER.warning(f"note: {sentence}.")
    if len(sentences) > MOST_DOUBTFUL:
        LOGGER.warning(f"note: and {len(sentences) - MOST_DOUBTFUL} more like these.")


def _warn_of_damage(store: Store, stages: Sequence[Stage], damaged: Mapping[str, str]) -> None:
    """Warn of results that were damaged; the rows of those that are not made again stay, without values."""
    keys = {stage.key for stage in stages}
    for key, what in damaged.items():
        then = "it is made again" if key in keys else "the run that planned it makes it again"
        LOGGER.warning(f"damaged: {key}: {what}; {then}. What was there is in {store.path / 'damaged'}.")
        if key not in keys:
            _keep_damaged_rows(store, key, what)


def _keep_damaged_rows(store: Store, key: str, what: str) -> None:
    """A result that this run does not make again is missing, not forgotten: its rows stay, without values."""
    error = f"damaged: {what}; the run that planned it makes it again."
    reason = FailureNote(error=error)
    with suppress(ValueError, DataError):  # what it was may not be known any more
        path = max((store.path / "damaged").glob(f"{key}.*"), key=_number) / "stage.json"
        described = read(FinishedStage, unsealed(path), str(path))
        reason = replace(reason, stage=described, planned_rows=planned_rows(described))
    store.fail(key, reason)


def _number(path: Path) -> int:
    """Which of several things of one name was put aside; the last has the highest."""
    return int(path.suffix[1:])
