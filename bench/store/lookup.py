"""A store that must be there, and a stage of it by the beginning of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import DataError, UsageError
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def existing(path: Path) -> Store:
    """The store at a path.

    Raises:
        DataError: There is none.
    """
    if not Store(path).is_store:
        raise DataError(f"{path} is not a store; make one with `bench run --store {path}`.")
    return Store(path)


def one_key(store: Store, key: str, among: Iterable[str]) -> str:
    """The one stage among these that begins so.

    Raises:
        UsageError: There is none, or more than one.
    """
    found = [one for one in among if one.startswith(key)]
    if len(found) != 1:
        some = ", ".join(found[:3]) or "none"
        raise UsageError(
            f"{len(found)} stages of {store.path} begin with {key!r} ({some}); name one in full."
        )
    return found[0]
