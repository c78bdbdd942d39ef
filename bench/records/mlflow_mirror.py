"""Filling the MLflow mirror of a run from what the store holds: bounded in time, and never twice the same.

Records are truth. The driver alone writes the mirror, in batches, when the work is done; it can be deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import re
import shlex
import shutil
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bench.errors import UsageError, reason_of
from bench.files.atomic import write_text
from bench.files.json_document import noted
from bench.records.mlflow_client import EXPERIMENT, PARENT, opened
from bench.records.mlflow_schema import difference, remedy
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.store.store import Store

LOGGER = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
"""Without a single stage written, before a mirror is given up: a server may answer a byte at a time."""


ARTIFACTS = "mlartifacts"  # beside the database
MISREAD = re.compile(r"\?|%[0-9A-Fa-f]{2}")
"""What SQLAlchemy reads otherwise in a path; where it is quoted, MLflow makes a folder of the quoted name."""


class MirrorError(UsageError):
    """The mirror cannot be filled; no result depends on it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a mirror was given, and what is not there yet."""

    run: str
    written: int
    planned: int
    lacking: int  # stages of the run that the store does not have


def database(store: Store) -> Path:
    """The store's own mirror."""
    return store.path.resolve() / "mlflow.db"


def default_uri(store: Store) -> str:
    """SQLite inside the store."""
    return f"sqlite:///{database(store)}"


def without_password(text: str) -> str:
    """The text as it may be printed: users and passwords of URIs left out."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One run as it is mirrored at one tracking URI.

    Args:
        store: Where the stages are.
        run: The run's name.
        titles: What a reader calls each stage of the run, by key.
        description: What was asked for.
        uri: MLflow's tracking URI.
    """

    store: Store
    run: str
    titles: Mapping[str, str]
    description: Mapping[str, object]
    uri: str

    @property
    def is_behind(self) -> bool:
        """Whether a finished stage is not noted as written; needs no mlflow."""
        there, finished = self._noted(), self.store.finished()
        return PARENT not in there or any(key in finished and key not in there for key in self.titles)

    def fill(self, finished: set[str]) -> Filled:
        """Write one parent for the run and one child for each finished stage that the mirror lacks.

        Args:
            finished: The stages that may be written.

        Raises:
            MirrorError: It could not be filled; what was written by then will not be written twice.
        """
        if self._is_own and (misread := MISREAD.search(str(database(self.store)))):
            what = f"MLflow cannot open a database with {misread[0]!r} in its path"
            raise self.error(f"{what}; give it another place with --uri or MLFLOW_TRACKING_URI")
        try:
            written = _patiently(lambda beat: self._fill(finished, beat))
        except MirrorError:
            raise
        except Exception as error:
            todo = remedy(str(error), shlex.quote(without_password(self.uri)))
            if (
                todo
            ):  # it names the database itself: the sentence must not become too long to be printed whole
                raise MirrorError(f"the MLflow mirror cannot be filled: {todo}.") from error
            raise self.error(_in_short(error)) from error
        lacking = sum(key not in finished for key in self.titles)
        return Filled(self.run, written, len(self.titles), lacking)

    @property
    def _is_own(self) -> bool:
        return self.uri == default_uri(self.store)

    def error(self, why: str) -> MirrorError:
        """What is raised where this mirror cannot be filled, for a reason in a clause."""
        return MirrorError(f"the MLflow mirror at {without_password(self.uri)} cannot be filled ({why}).")

    def _fill(self, finished: set[str], beat: Callable[[], None]) -> int:
        there = self._noted()
        book = opened(self.store, self.run, self.uri, self._artifacts())
        if not (PARENT in there and book.holds(there[PARENT])):
            there = book.found()
        beat()
        self.forget()  # a driver that is killed from here on leaves no note
        if PARENT not in there:
            there[PARENT] = book.new_parent()
        missing = [key for key in self.titles if key in finished and key not in there]
        for key in missing:
            there[key] = book.child(key, self.titles[key], there[PARENT])
            beat()
        there = book.found() if missing else there
        is_complete = there.keys() >= self.titles.keys()
        book.describe_parent(there[PARENT], self.description, complete=is_complete)
        with suppress(OSError):  # it only saves work
            write_text(self._note_path, json.dumps(there))
        return len(missing)

    def _artifacts(self) -> Path:
        """Where files go unless the mirror is a server; those of a database that was deleted are removed."""
        if not self._is_own:
            return self.store.path / f"mlartifacts-{self._short}"
        place = self.store.path / ARTIFACTS
        if not database(self.store).is_file():
            for note in self.store.path.glob(f"runs/*/{self._note_path.name}"):  # of other runs as well
                note.unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            for journal in database(self.store).parent.glob("mlflow.db-*"):  # a new file must not replay it
                journal.unlink()
        return place

    @property
    def _short(self) -> str:
        return hashlib.sha256(self.uri.encode()).hexdigest()[:8]

    @property
    def _note_path(self) -> Path:
        return self.store.path / "runs" / self.run / f"mirrored-{self._short}.json"

    def _noted(self) -> dict[str, str]:
        """Stage key -> MLflow run id of what the mirror is known to have; it may be more."""
        if self._is_own and not database(self.store).is_file():
            return {}
        return noted(self._note_path)

    def forget(self) -> None:
        """Drop the note, so that the mirror itself is asked what it has."""
        with suppress(OSError):
            self._note_path.unlink(missing_ok=True)


def flaw(path: Path) -> str:
    """Why a store's own SQLite file cannot be its mirror; empty where it can, or where none can tell now."""
    if not path.is_file():
        return ""
    try:
        # Writable, so that SQLite undoes what a killed driver left half-written; nothing else is written.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return "cannot be read"
            # The first row that is ours is written when all tables are made: a stop may break that off.
            ours = connection.execute(
                "SELECT artifact_location FROM experiments WHERE name = ?", (EXPERIMENT,)
            )
            found = ours.fetchone()
            other_schema = difference(connection)
    except sqlite3.DatabaseError as error:
        return _flaw_of(error)
    if found is None or other_schema:
        return other_schema or "is half made"
    place = Path(url2pathname(urlsplit(str(found[0])).path))
    if place != (path.parent / ARTIFACTS).resolve():  # a store that was moved or copied
        return f"keeps its files elsewhere ({place})"
    return ""


def _flaw_of(error: sqlite3.DatabaseError) -> str:
    """A file that another process holds, or that may not be opened, is not damaged."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_ERROR:  # no such table or column
        return "is half made"
    return "cannot be read" if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} else ""


def _patiently(work: Callable[[Callable[[], None]], int]) -> int:
    """What ``work`` gives; it is left behind where it goes too long without a beat."""
    said: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
    left = threading.Event()

    def beat() -> None:
        if left.is_set():
            raise MirrorError("given up.")
        said.put(None)

    def carry_out() -> None:
        try:
            said.put(work(beat))
        except BaseException as error:  # handed over, not swallowed
            said.put(error)

    threading.Thread(target=carry_out, daemon=True, name="mirror").start()
    while True:
        try:
            heard = said.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            left.set()
            raise TimeoutError(f"nothing came of it for {PATIENCE_SECONDS:.0f} seconds") from None
        if isinstance(heard, BaseException):
            raise heard
        if heard is not None:
            return heard


def _in_short(error: BaseException) -> str:
    """The first cause of an error, in a clause."""
    while (
        below := error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    ) is not None:
        error = below
    text = without_password(" ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def put_unsound_aside(store: Store, uri: str) -> bool:
    """Whether the store's own database had to make room for a new one; the store has all that is in it.

    Raises:
        MirrorError: It has to and cannot.
    """
    path = database(store)
    if uri != default_uri(store) or not (what := flaw(path)):
        return False
    try:
        aside = store.put_aside(path)
    except OSError as error:
        why = f"{path} {what} and cannot be put aside: {reason_of(error)}"
        raise MirrorError(f"the MLflow mirror cannot be filled ({why}).") from error
    LOGGER.warning(f"mirror: {path.name} {what}; it is written anew. What was there is {aside}.")
    return True
