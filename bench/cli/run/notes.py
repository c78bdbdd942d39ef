"""What is said of a sweep before it runs: changed data, doubtful splits, leaks, damaged results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import console
from bench.data.sources.changes import changes
from bench.errors import DataError
from bench.execution.sweep_run import keep_damaged_rows
from bench.store import run_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.copies import Leak
    from bench.data.dataset import Workshop
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage
    from bench.store.store import Store


MOST_DOUBTFUL = 5  # sentences on a plan that are told in full


def say_changes(store: Store, sweep: Sweep, workshop: Workshop) -> None:
    """Data that changed since the store last knew them, before anything is computed from them."""
    known = run_log.data_sets(store)
    for dataset in sweep.datasets:
        for sentence in changes(dataset, workshop, known):
            console.warn(sentence)


def say_doubtful(sweep: Sweep) -> None:
    """Say effects of the splits on the scores that are no reason to refuse."""
    found = sweep.doubtful()
    for sentence in found[:MOST_DOUBTFUL]:
        console.warn(f"note: {sentence}.")
    if len(found) > MOST_DOUBTFUL:
        console.warn(f"note: and {len(found) - MOST_DOUBTFUL} more like these.")


def refused(leaks: tuple[Leak, ...]) -> DataError:
    """The error that refuses test cases which are copies of training cases."""
    first = leaks[0]
    test, train = first.pairs[0]
    more = f" The same holds for {len(leaks) - 1} more splits." if len(leaks) > 1 else ""
    return DataError(
        f"{first.dataset}: {first.note.sentence}, the first is {test}, whose image is that of {train}; "
        f"leave the copies out, or add --allow-leaks, which goes on and marks every table.{more}"
    )


def say_damage(store: Store, stages: list[Stage], damaged: Mapping[str, str]) -> None:
    """Say which results were damaged; the rows of those that are not made again stay, without values."""
    keys = {stage.key for stage in stages}
    for key, what in damaged.items():
        then = "it is made again" if key in keys else "the run that planned it makes it again"
        console.warn(f"damaged: {key}: {what}; {then}. What was there is in {store.path / 'damaged'}.")
        if key not in keys:
            keep_damaged_rows(store, key, what)
