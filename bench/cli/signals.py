"""Signals that end a run: it stops in order, and a second one stops it at once."""

from __future__ import annotations

import signal

from bench.cli import console
from bench.execution.local import GRACE_SECONDS

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class stoppable:  # noqa: N801 - reads as a word of the with statement
    """Ctrl-C, SIGTERM and a lost terminal end a run alike: checkpoints kept, records published, exit 130."""

    def __enter__(self) -> None:
        self._is_asked = False
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, before in self._before.items():
            if before is not signal.SIG_IGN:  # nohup: a lost terminal is not to end it
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            console.go_silent()  # there is no terminal any more
        if not self._is_asked:
            console.warn(
                f"{signal.Signals(number).name}: stopping at the next step, {GRACE_SECONDS:.0f} s at most; "
                "once more to stop at once."
            )
        self._is_asked = True
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
