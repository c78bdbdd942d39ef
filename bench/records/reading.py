"""The records of a store as a verb reads them: published where they are not yet, superseded ones left out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bench.errors import DataError, UsageError
from bench.records import gather
from bench.records.publish import is_current, publish
from bench.store import run_log
from bench.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


LOGGER = logging.getLogger(__name__)


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
    from reports.inputs.absent import absent_sentences
    from reports.inputs.records import read

    try:
        records = read(store_path / "records.csv")
    except ValueError as error:
        raise DataError(str(error)) from error
    for run in run_log.without_plan(store):
        LOGGER.warning(
            f"warning: the plan of run {run} is damaged, so an older result may pass for the newest; "
            "the same `bench run` writes it again."
        )
    old = gather.superseded(store)
    if old:
        LOGGER.warning(
            f"note: {len(old)} older results are left out: of the same name, or of data that changed since."
        )
    records = records[~records["stage"].isin(old)] if old else records
    for sentence in absent_sentences(records):
        LOGGER.warning(f"warning: {sentence}, so it is left out of means and of the overall score.")
    return records


def leaks_of(store: Store) -> dict[str, str]:
    """Data set -> how many of its test cases are copies of training cases; only those that have any."""
    return {name: "; ".join(leak.sentence for leak in found) for name, found in run_log.leaks(store).items()}


def _bring_up_to_date(store: Store) -> None:
    """Gather the records anew; where another process holds the store, those that are there have to do."""
    if not store.keys("scores") and not store.failures():
        return
    try:
        with store.locked():
            publish(store)
    except UsageError as error:
        LOGGER.warning(f"note: the records of {store.path} may be behind: {error}")
