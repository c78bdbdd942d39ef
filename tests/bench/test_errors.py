"""An error of the operating system is given in its own words, whichever library raised it."""

import errno

import pandas as pd
import pytest

from bench.errors import StoreError, reason_of
from bench.execution.worker import _answer
from bench.store.store import Store


def fill_the_disk():
    """The error of pyarrow on a full disk, whose ``strerror`` is a sentence of pyarrow's."""
    pd.DataFrame({"a": range(1000)}).to_parquet("/dev/full")


def test_pyarrow_says_something_of_its_own():
    with pytest.raises(OSError, match="No space left") as raised:
        fill_the_disk()
    assert raised.value.errno == errno.ENOSPC
    assert reason_of(raised.value) == "No space left on device"


def test_a_full_disk_reads_the_same_whoever_wrote(tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(StoreError, match=r"any more \(No space left on device\)"), store.locked():
        fill_the_disk()
    answer = _answer(fill_the_disk)
    assert (answer["error"], answer["halts"]) == ("No space left on device", True)


def test_an_error_without_a_number_keeps_its_text():
    assert reason_of(OSError("not a gzip file")) == "not a gzip file"
