"""A worker process: reads stage documents as lines of JSON, makes the stages, answers with lines of JSON."""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bench.errors import SHORT_OF_MEMORY, BenchError, reason_of
from bench.execution.execute import execute
from bench.execution.local import GRACE_SECONDS
from bench.files.packages import missing_in, sentence
from bench.files.process import settle
from bench.stages.context import Conduct
from bench.store.store import UNWRITABLE, Store

if TYPE_CHECKING:
    from collections.abc import Callable


class _Warnings(logging.Handler):
    """Collects what is logged while a stage is made: the driver shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._sentences.append(record.getMessage())

    def taken(self) -> list[str]:
        """The sentences since the last call."""
        taken, self._sentences = self._sentences, []
        return taken


class _Stop:
    """Asks the stage in hand to stop, and ends the process where it does not in time."""

    def __init__(self, tasks: queue.SimpleQueue[dict[str, object] | None]) -> None:
        self.asked = threading.Event()
        self._tasks = tasks

    def __call__(self, *_signal: object) -> None:
        if self.asked.is_set():
            return
        self.asked.set()
        self._tasks.put(None)
        last = threading.Timer(GRACE_SECONDS, os._exit, (1,))  # 0 says that no stage was in hand
        last.daemon = True
        last.start()


def _read(lines: IO[str], tasks: queue.SimpleQueue[dict[str, object] | None], stop: _Stop) -> None:
    with suppress(ValueError):  # a driver that died in the middle of a line
        for line in lines:
            tasks.put(json.loads(line))
    stop()  # the driver is gone or has closed the pipe


def _answer(make: Callable[[], None]) -> dict[str, object]:
    """What the driver is told: nothing, or a sentence, a traceback, and whether others would end so too.

    A process ``retires`` that has run out of memory, for what it holds on to must not cost the next stage, or
    that was told to stop.
    """
    try:
        make()
    except BenchError as error:
        return _failure(str(error))
    except OSError as error:
        if error.errno in UNWRITABLE:
            return _failure(reason_of(error), halts=True)
        return _failure(f"{type(error).__name__}: {error}")
    except Exception as error:
        if isinstance(error, MemoryError) or any(word in str(error) for word in SHORT_OF_MEMORY):
            said = f"out of memory; fewer --jobs or smaller settings may help ({_first_line(error)})."
            return _failure(said) | {"retires": True}
        missing = missing_in(error) if isinstance(error, ModuleNotFoundError) else ""
        return _failure(sentence([missing], "it") if missing else f"{type(error).__name__}: {error}")
    return {"error": "", "detail": "", "halts": False}


def _failure(sentence: str, *, halts: bool = False) -> dict[str, object]:
    return {"error": sentence, "detail": traceback.format_exc(), "halts": halts}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def main(store_path: str, run: str, device: str, conduct: str) -> None:
    """Serve until the driver closes the pipe, or until SIGTERM."""
    settle()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    tasks: queue.SimpleQueue[dict[str, object] | None] = queue.SimpleQueue()
    stop = _Stop(tasks)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=_read, args=(sys.stdin, tasks, stop), daemon=True).start()
    store = Store(Path(store_path))
    how = Conduct(**json.loads(conduct))
    warnings = _Warnings()
    logging.getLogger("bench").handlers = [warnings]
    while not stop.asked.is_set() and (document := tasks.get()) is not None:
        answer = _answer(
            partial(execute, document, store, run=run, device=device, conduct=how, stopping=stop.asked)
        )
        answer["retires"] = answer.get("retires", False) or stop.asked.is_set()
        answer["warnings"] = warnings.taken()
        with suppress(BrokenPipeError):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    os._exit(0)  # at once: no thread of a library, and no pipe that nobody reads, may hold it up


if __name__ == "__main__":
    main(*sys.argv[1:])
