"""The records of a store as a verb reads them: published where they are not yet, superseded ones left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import console, record, runs
from bench.data.copies import leak_sentence
from bench.errors import DataError, UsageError
from bench.publication import is_current, publish
from bench.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def records_of(store_path: Path) -> pd.DataFrame:
    """The records of a store, each result as its newest stage has it.

    Raises:
        DataError: There are none, or they break the contract.
    """
    store = Store(store_path)
    if store.is_store and not is_current(store):
        _bring_up_to_date(store)
    if not (store_path / "records.csv").is_file():
        raise DataError(f"{store_path} holds no records; make some with `bench run --store {store_path}`.")
    from reports.absent import absent_sentences
    from reports.columns import read

    try:
        records = read(store_path / "records.csv")
    except ValueError as error:
        raise DataError(str(error)) from error
    for run in runs.without_plan(store):
        console.warn(
            f"warning: the plan of run {run} is damaged, so an older result may pass for the newest; "
            "the same `bench run` writes it again."
        )
    old = record.superseded(store)
    if old:
        console.warn(
            f"note: {len(old)} older results are left out: of the same name, or of data that changed since."
        )
    records = records[~records["stage"].isin(old)] if old else records
    for sentence in absent_sentences(records):
        console.warn(f"warning: {sentence}, so it is left out of means and of the overall score.")
    return records


def leaks_of(store: Store) -> dict[str, str]:
    """Data set -> how many of its test cases are copies of training cases; only those that have any."""
    return {name: "; ".join(map(leak_sentence, found)) for name, found in runs.leaks(store).items()}


def _bring_up_to_date(store: Store) -> None:
    """Gather the records anew; where another process holds the store, those that are there have to do."""
    if not store.keys("scores") and not store.failures():
        return
    try:
        with store.locked():
            publish(store)
    except UsageError as error:
        console.warn(f"note: the records of {store.path} may be behind: {error}")
