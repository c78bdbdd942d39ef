"""The revision of MLflow's database schema: of the installed MLflow, which is not imported, and of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_ASSIGNED = re.compile(r"^(down_)?revision\b[^=\n]*=(.*)$", re.MULTILINE)
_NAME = re.compile(r"""["']([0-9a-zA-Z_]+)["']""")


@dataclass(frozen=True, slots=True)
class Schema:
    """The revisions that an installed MLflow knows; ``head`` is the one that it works with."""

    head: str
    known: frozenset[str]


@cache
def installed() -> Schema | None:
    """The schema of the MLflow installed here; ``None`` where there is none or it cannot be told."""
    spec = find_spec("mlflow")
    if spec is None or spec.origin is None:
        return None
    names: dict[bool, set[str]] = {True: set(), False: set()}  # by whether it is what another one follows
    for path in (Path(spec.origin).parent / "store" / "db_migrations" / "versions").glob("*.py"):
        for below, value in _ASSIGNED.findall(path.read_text(encoding="utf-8")):
            names[bool(below)].update(_NAME.findall(value))
    heads = names[False] - names[True]
    return Schema(heads.pop(), frozenset(names[False])) if len(heads) == 1 else None


def difference(connection: sqlite3.Connection) -> str:
    """In a clause, how a database's schema differs from the installed MLflow's; empty where it does not."""
    here = installed()
    if here is None:
        return ""
    found = [str(row[0]) for row in connection.execute("SELECT version_num FROM alembic_version")]
    if found == [here.head]:
        return ""
    return f"has the schema {', '.join(found) or 'of no revision'} of another MLflow (here: {here.head})"


def remedy(said: str, uri: str) -> str:
    """In a clause, what to do about a database that MLflow refuses for its schema; empty for another error.

    Args:
        said: What MLflow or Alembic said.
        uri: Of the database, as it may be printed.
    """
    match = re.search(r"found version (\w+), but expected|locate revision identified by '(\w+)'", said)
    if match is None:
        return ""
    found, here = match[1] or match[2], installed()
    if here is not None and found in here.known:
        return (
            f"its database has the schema {found} of an older MLflow; back it up, then migrate it with "
            f"`mlflow db upgrade {uri}`"
        )
    return (
        f"the database {uri} has the schema {found}, which the MLflow installed here does not know; install "
        "the MLflow that wrote it (`pip install --upgrade mlflow` for a newer one), or name another database "
        "with --uri or MLFLOW_TRACKING_URI"
    )
