"""The records of a store as commands and notebooks read them: brought up to date, without superseded ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.copies import leak_sentence
from bench.errors import DataError, UsageError
from bench.records import gather
from bench.records.publish import is_current, publish
from bench.store import run_log
from bench.store.store import Store

if TYPE_CHECKING:
    import os

    import pandas as pd


LOGGER = logging.getLogger(__name__)


def load_records(store: str | os.PathLike[str] = "results") -> pd.DataFrame:
    """The records of a store, one row for each stage, case, structure and metric.

    They are brought up to date first. Results of which the store has newer ones of the same name are left
    out, as ``bench report`` leaves them out.

    Args:
        store: A folder that ``run_sweep`` or ``bench run`` filled, or one with a ``records.csv``.

    Returns:
        The columns of ``records.csv``, as text but for ``value`` (float, NaN where a stage failed).

    Raises:
        DataError: There are no records, or they break the contract of their columns.

    Example:
        >>> import bench
        >>> records = bench.load_records("results")
        >>> dice = records[(records["metric"] == "dice") & (records["role"] == "student")]
        >>> sorted(dice.groupby("method")["value"].mean().index)
        ['densevoxnet', 'tsman']
    """
    store_path = Path(store)
    results = Store(store_path)
    if results.is_store and not is_current(results):
        _bring_up_to_date(results)
    if not (store_path / "records.csv").is_file():
        raise DataError(f"{store_path} holds no records; make some with `bench run --store {store_path}`.")
    from reports.inputs.absent import absent_sentences
    from reports.inputs.records import read

    try:
        records = read(store_path / "records.csv")
    except ValueError as error:
        raise DataError(str(error)) from error
    for run in run_log.without_plan(results):
        LOGGER.warning(
            f"warning: the plan of run {run} is damaged, so an older result may pass for the newest; "
            "the same `bench run` writes it again."
        )
    old = gather.superseded(results)
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
    return {name: "; ".join(map(leak_sentence, found)) for name, found in run_log.leaks(store).items()}


def _bring_up_to_date(store: Store) -> None:
    """Gather the records anew; where another process holds the store, those that are there have to do."""
    if not store.keys("scores") and not store.failures():
        return
    try:
        with store.locked():
            publish(store)
    except UsageError as error:
        LOGGER.warning(f"note: the records of {store.path} may be behind: {error}")
