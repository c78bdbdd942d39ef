"""Where stages lie: a folder each, whole or absent, found by key.

<store>/stages/<key>/     results of a stage, with stage.json
<store>/failed/<key>.json why a stage has no result
<store>/work/<key>/       scratch, progress and checkpoints of a running stage
<store>/data/             made data sets, manifests, fingerprints
<store>/plugins/          sources of methods that a run brought along; run only where named
<store>/runs/<run>/       what was asked for, and which stages that takes
<store>/records.csv       all scores
<store>/damaged/<key>/    what was found to be no longer what was written; made anew in stages/
<store>/sound.json        which folders were found sound, so that they are read again only where they changed
<store>/records.state     what the records follow from, so that they are gathered again only where it changed
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.data.dataset import Workshop
from bench.errors import DataError, StoreError, UsageError, reason_of
from bench.files.atomic import whole_folder, write_text
from bench.files.checksummed import sealed, unsealed
from bench.files.json_document import noted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path


MARK = "store.json"
_ASIDE = re.compile(r"\.(?P<of>.+)\.([a-z0-9_]{8}|aside)")
"""What ``write_text`` and ``whole_folder`` call what is not whole yet; nothing else is ever swept up."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What the system says where a disk is full, a quota used up, or a file system read-only."""


def _is_note(said: Mapping[str, Any]) -> bool:
    """Whether a document has what a note of a failure must have."""
    planned = said.get("planned_rows")
    needed = {"identity", "cases", "structures", "metrics", "definition", "stage"}
    whole = planned is None or (isinstance(planned, dict) and needed <= planned.keys())
    return whole and isinstance(said.get("error"), str) and isinstance(said.get("stage", {}), dict)


@dataclass(frozen=True, slots=True)
class Store:
    """A store on any file system that renames folders atomically."""

    path: Path

    @property
    def workshop(self) -> Workshop:
        """The data side of the store."""
        return Workshop(self.path / "data")

    @property
    def plugins(self) -> Path:
        """The sources of methods that runs brought along."""
        return self.path / "plugins"

    def folder(self, key: str) -> Path:
        """The folder of a stage, there or not."""
        return self.path / "stages" / key

    def scratch(self, key: str) -> Path:
        """The folder of a stage in the making."""
        return self.path / "work" / key

    def has(self, key: str) -> bool:
        """Whether the stage has its result."""
        return (self.folder(key) / "stage.json").is_file()

    def finished(self) -> set[str]:
        """The keys of all finished stages, by one listing: for many keys much faster than ``has``."""
        return {name for name, is_whole in self._listed() if is_whole and not name.startswith(".")}

    def _listed(self) -> Iterator[tuple[str, bool]]:
        """Each thing among the stages, and whether it is a folder with a result."""
        place = str(self.path / "stages")  # plain text: a Path for each of thousands costs more than the stat
        names = os.listdir(place) if os.path.isdir(place) else []  # noqa: PTH112, PTH208
        return ((name, os.path.isfile(f"{place}/{name}/stage.json")) for name in names)  # noqa: PTH113

    def keys(self, kind: str = "") -> list[str]:
        """The keys of all finished stages of a kind, sorted."""
        return sorted(key for key in self.finished() if key.startswith(f"{kind}-" if kind else ""))

    def stage(self, key: str) -> dict[str, Any]:
        """What ``stage.json`` of a finished stage says.

        Raises:
            DataError: It is no longer what was written.
        """
        path = self.folder(key) / "stage.json"
        try:
            return unsealed(path)
        except ValueError as error:
            raise DataError(f"{path} is damaged; the `bench run` that made it makes it anew.") from error

    def fail(self, key: str, reason: dict[str, Any]) -> None:
        """Write down why a stage has no result."""
        write_text(self.path / "failed" / f"{key}.json", json.dumps(sealed(reason), indent=1))

    def failures(self) -> dict[str, dict[str, Any]]:
        """Key -> reason of all stages that failed and were not made since."""
        found = {}
        for path in sorted((self.path / "failed").glob("*.json")):
            if not self.has(path.stem):
                with suppress(ValueError):  # a torn note: it fails again
                    said = unsealed(path)
                    if _is_note(said):
                        found[path.stem] = said
        return found

    def progress(self, key: str) -> dict[str, Any]:
        """What a running stage last said of itself; empty where it has said nothing."""
        return noted(self.scratch(key) / "progress.json")

    @contextmanager
    def making(self, key: str) -> Iterator[Path]:
        """A folder to fill that becomes the stage's when the block ends well."""
        with whole_folder(self.folder(key)) as aside:
            yield aside
        (self.path / "failed" / f"{key}.json").unlink(missing_ok=True)
        shutil.rmtree(self.scratch(key), ignore_errors=True)

    @contextmanager
    def at_work(self, key: str) -> Iterator[None]:
        """Hold one stage: a worker that outlived its driver may still be writing its last checkpoint."""
        import filelock

        while True:
            self.scratch(key).mkdir(parents=True, exist_ok=True)
            held = filelock.FileLock(self.scratch(key) / ".lock")
            try:
                held.acquire()
            except FileNotFoundError:
                continue  # that worker has just finished the stage and removed its scratch folder
            break
        try:
            yield
        finally:
            held.release()

    def _is_at_work(self, key: str) -> bool:
        import filelock

        lock = self.scratch(key) / ".lock"
        if not lock.is_file():
            return False
        try:
            with filelock.FileLock(lock, timeout=0):
                return False
        except filelock.Timeout:
            return True

    def checkpointed(self) -> list[str]:
        """The keys of the stages that go on from a checkpoint, sorted."""
        files = [*(self.path / "work").glob("*/checkpoint-*.safetensors")]
        files += (self.path / "work").glob("*/checkpoint-cases.json")
        return sorted({path.parent.name for path in files})

    def strangers(self) -> list[str]:
        """What lies among the stages under a name of its own and is no finished one: nothing of ours."""
        return sorted(name for name, is_whole in self._listed() if not is_whole and not name.startswith("."))

    def put_aside(self, path: Path) -> Path:
        """Move what is damaged out of the way, to be made again; where it is then."""
        place = self.path / "damaged"
        place.mkdir(exist_ok=True)
        names = (place / f"{path.name}.{number}" for number in count(1))
        return path.rename(next(name for name in names if not name.exists()))

    def sweep_up(self) -> None:
        """Remove what killed processes left half-made, but checkpoints; only under the lock."""
        self.drop_scratch(but=self.checkpointed())
        places = (self.path, self.path / "stages", self.path / "data", self.path / "failed", self.plugins)
        for folder in (*places, *self.path.glob("runs/*")):
            for aside in folder.glob(".*.*"):
                name = _ASIDE.fullmatch(aside.name)
                if name is None or self._is_at_work(name["of"]):
                    continue
                if aside.is_dir() and not aside.is_symlink():
                    shutil.rmtree(aside, ignore_errors=True)
                else:
                    aside.unlink(missing_ok=True)
        for aside in (self.path / "work").glob("*/*.aside"):
            if not self._is_at_work(aside.parent.name):
                aside.unlink(missing_ok=True)

    def drop_scratch(self, *, but: Collection[str] = ()) -> int:
        """Remove the scratch of all stages that nobody holds, but of some; how many."""
        work = [place for place in (self.path / "work").glob("*") if place.name not in but]
        dropped = [place for place in work if not self._is_at_work(place.name)]
        for place in dropped:
            shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # it holds others
            (self.path / "work").rmdir()
        return len(dropped)

    @property
    def is_store(self) -> bool:
        """Whether a driver has made this folder a store; its mark may be lost, its stages say so too."""
        return (self.path / MARK).is_file() or any(is_whole for _, is_whole in self._listed())

    def _claim(self) -> None:
        """Make a new or empty folder a store; sweeping must never meet somebody else's files."""
        if (self.path / MARK).is_file():
            return
        self.refuse_foreign()
        write_text(self.path / MARK, json.dumps({"store": "tsman-bench", "layout": 1}))

    def refuse_foreign(self) -> None:
        """Refuse a folder with somebody else's files.

        Raises:
            UsageError: It is no store and holds something, or it is no folder and cannot become one.
        """
        whole = self.path.absolute()
        there = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
        if not there.is_dir():
            what = "no folder" if there.exists() else "a link to nothing"
            where = "it" if there == whole else there
            raise UsageError(
                f"the store {self.path} cannot be written: {where} is {what}; name another with --store."
            )
        if not self.path.exists():
            return
        ours = (".lock", "README.md", "reference")
        others = [path.name for path in self.path.iterdir() if path.name not in ours]
        if others and not self.is_store:
            raise UsageError(
                f"{self.path} is no store and holds {others[0]!r}; name a new or empty folder with --store."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for one driver.

        Raises:
            UsageError: Another process holds it, or it cannot be written.
            StoreError: It cannot be written any more: the disk is full, say.
        """
        import filelock

        try:
            self.refuse_foreign()  # before a lock is left in somebody else's folder
            self.path.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path / ".lock", timeout=0)
            lock.acquire()
        except filelock.Timeout:
            raise UsageError(
                f"the store {self.path} is in use by another process; wait for it, or name another (--store)."
            ) from None
        except OSError as error:
            raise UsageError(
                f"the store {self.path} cannot be written ({reason_of(error)}); name another."
            ) from error
        try:
            if not os.access(self.path, os.W_OK):
                raise UsageError(f"the store {self.path} cannot be written; name another with --store.")
            self._claim()
            yield
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            raise StoreError(self.unwritable(reason_of(error))) from error
        finally:
            lock.release()

    def unwritable(self, reason: str) -> str:
        """A sentence for a disk that has no room, or that has become read-only."""
        return (
            f"the store {self.path} cannot be written any more ({reason}); what is finished is kept: make "
            "room and run the same command again."
        )
