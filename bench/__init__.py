"""The harness: from scans to records, one idempotent stage at a time; and its Python interface.

    run_sweep     what ``bench run`` does
    load_records  the records of a store as a DataFrame
    score         what ``bench score`` does, of arrays too
    load_dataset  a data set by name
    load_case     one case of it as arrays

``docs/python.md`` shows a session. What goes wrong in a user's terms is raised as a ``BenchError``; warnings
are logged under the logger "bench". Importing this package imports no numerical library: a name is imported
from its module when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bench.errors import BenchError, DataError, StoreError, UsageError

if TYPE_CHECKING:
    from bench.data.case import Case, load_case
    from bench.data.dataset import Dataset
    from bench.execution.sweep import run_sweep
    from bench.execution.sweep_run import SweepResult
    from bench.plan.words import load_dataset
    from bench.records.label_scores import score
    from bench.records.reading import load_records

__all__ = [
    "BenchError",
    "Case",
    "DataError",
    "Dataset",
    "StoreError",
    "SweepResult",
    "UsageError",
    "load_case",
    "load_dataset",
    "load_records",
    "run_sweep",
    "score",
]

_MODULES = {
    "Case": ("bench.data.case", "data"),
    "Dataset": ("bench.data.dataset", "data"),
    "SweepResult": ("bench.execution.sweep_run", "run"),
    "load_case": ("bench.data.case", "data"),
    "load_dataset": ("bench.plan.words", "data"),
    "load_records": ("bench.records.reading", "compare"),
    "run_sweep": ("bench.execution.sweep", "run"),
    "score": ("bench.records.label_scores", "compare"),
}
"""Name -> its module, and the command that needs the same packages."""


def __getattr__(name: str) -> object:
    """A name of the interface, imported when it is first asked for.

    Raises:
        AttributeError: There is no such name.
        UsageError: A package that it needs is not installed.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.files.packages import demand

    module, command = _MODULES[name]
    demand([command])
    found: object = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The names of the interface, for completion."""
    return sorted({*globals(), *__all__})
