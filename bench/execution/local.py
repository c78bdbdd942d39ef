"""Worker processes on this machine; each keeps its imports warm and runs one stage at a time."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.execution.scheduler import Outcome
from bench.files.limits import cores
from bench.settings.serialise import plain
from bench.stages.context import Conduct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.store.store import Store

__all__ = ("GRACE_SECONDS", "KEPT_PAGES", "LocalEngine", "cores", "surroundings")

LOGGER = logging.getLogger(__name__)

KEPT_PAGES = {"MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": "67108864"}
"""glibc keeps freed pages: the same result, and training no longer waits for the kernel to clear them."""


GRACE_SECONDS = 30.0
"""How long a stage that is asked to stop may take to reach its next step and keep what it has."""


def surroundings(threads: int) -> dict[str, str]:
    """The environment variables that a worker is given: its allocator and its threads."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return KEPT_PAGES | limits


class _Worker:
    """One process, spoken to in lines of JSON."""

    def __init__(self, store: Store, run: str, device: str, threads: int, conduct: Conduct) -> None:
        words = (str(store.path), run, device, json.dumps(plain(conduct)))
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the worker lives
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "bench.execution.worker", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **surroundings(threads)},
            start_new_session=True,  # Ctrl-C is the driver's to hear; it then stops the workers in order
        )
        self.key: str | None = None
        self.document: Mapping[str, object] = {}

    def start(self, document: Mapping[str, object]) -> None:
        assert self.process.stdin is not None
        self.key, self.document = str(document["key"]), document
        self.process.stdin.write(json.dumps(document).encode() + b"\n")
        self.process.stdin.flush()

    def outcome(self) -> Outcome | None:
        """Read the answer; a closed pipe means that the process is gone, None that it had not begun."""
        assert self.process.stdout is not None
        assert self.key is not None
        line = self.process.stdout.readline()
        key, self.key = self.key, None
        if not line.endswith(b"\n"):
            code = self.process.wait()
            if code == 0:  # told to stop before it took the stage up
                return None
            how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            hint = " (the system kills so where memory runs out)" if how == "SIGKILL" else ""
            sentence = f"its worker process ended by {how} before the stage did{hint}."
            return Outcome(key, sentence, self._last_words())
        answer = json.loads(line)
        if answer["retires"]:
            self.kill()
        return Outcome(key, answer["error"], answer["detail"], answer["halts"], answer["warnings"])

    def _last_words(self) -> str:
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(self._said.tell() - 4000, 0))
        return self._said.read().decode(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Close the pipe: the worker keeps what it has at its next step, and ends."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def end(self, deadline: float) -> None:
        """Wait for its end until then (``time.monotonic``), and end it where it has none."""
        try:
            self.process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class LocalEngine:
    """``jobs`` worker processes of ``threads`` threads each, started when they are first needed."""

    def __init__(
        self,
        store: Store,
        *,
        run: str,
        device: str,
        jobs: int,
        threads: int,
        conduct: Conduct | None = None,
    ) -> None:
        """Prepare; no process is started yet."""
        self.slots = jobs
        how = conduct or Conduct()
        self._new: Callable[[], _Worker] = lambda: _Worker(store, run, device, threads, how)
        self._workers: list[_Worker] = []
        self._warned: set[str] = set()

    def submit(self, document: Mapping[str, object]) -> None:
        """Hand a stage to an idle worker."""
        self._workers = [worker for worker in self._workers if worker.key is not None or worker.is_alive]
        worker = next((worker for worker in self._workers if worker.key is None), None)
        if worker is None:
            worker = self._new()
            self._workers.append(worker)
        try:
            worker.start(document)
        except BrokenPipeError:  # it died since it was looked at
            worker.kill()
            self._workers.remove(worker)
            self.submit(document)

    def wait(self, seconds: float) -> list[Outcome]:
        """What has ended, after at most ``seconds``."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                if worker.key is not None and worker.process.stdout is not None:
                    selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            ready = selector.select(seconds)
        ended = []
        for entry, _ in ready:
            outcome = entry.data.outcome()
            if outcome is None:
                self.submit(entry.data.document)
            else:
                ended.append(outcome)
                self._show(outcome.warnings)
        return ended

    def _show(self, warnings: Sequence[str]) -> None:
        """Log what a worker logged, once for all workers."""
        for sentence in warnings:
            if sentence not in self._warned:
                self._warned.add(sentence)
                LOGGER.warning(sentence)

    def close(self) -> None:
        """Ask all workers to keep what they have and stop; an interruption ends them at once."""
        deadline = time.monotonic() + GRACE_SECONDS + 5
        try:
            for worker in self._workers:
                worker.ask_to_stop()
            for worker in self._workers:
                worker.end(deadline)
        finally:
            for worker in self._workers:
                worker.kill()
            self._workers = []
