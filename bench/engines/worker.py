"""A worker process: reads stage documents as lines of JSON, makes the stages, answers with lines of JSON."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

from bench.errors import BenchError
from bench.execute import execute
from bench.store import Store


def _read(lines: IO[str], tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in lines:
        tasks.put(json.loads(line))
    # The driver is gone or has closed the pipe: stop at once, even in the middle of a stage.
    os._exit(0)


def _answer(document: dict[str, Any], store: Store, run: str, device: str) -> dict[str, str]:
    try:
        execute(document, store, run=run, device=device)
    except BenchError as error:
        return {"error": str(error), "detail": traceback.format_exc()}
    except (Exception, MemoryError) as error:
        return {"error": f"{type(error).__name__}: {error}", "detail": traceback.format_exc()}
    return {"error": "", "detail": ""}


def main(store_path: str, run: str, device: str) -> None:
    """Serve until the driver closes the pipe."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, tasks), daemon=True).start()
    store = Store(Path(store_path))
    while True:
        answer = _answer(tasks.get(), store, run, device)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
