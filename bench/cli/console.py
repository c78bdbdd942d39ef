"""What a person sees: tables of 80 columns, a live view of a run on a terminal, plain lines elsewhere."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from bench.errors import UsageError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.execution.scheduler import State
    from bench.store.store import Store

    Watch = Callable[[State], None]

PLAIN_SECONDS = 15.0  # between two lines of progress where there is no terminal


def say(text: str = "") -> None:
    """One line for the reader, on stdout."""
    if reason := _write(sys.stdout, tame(text) + "\n"):
        warn(f"warning: the output cannot be written any more ({reason}); the work goes on without.")


def say_json(document: object) -> None:
    """The one document of ``--json``.

    Raises:
        UsageError: It cannot be written, though somebody waits for it.
    """
    if reason := _write(sys.stdout, _escaped(json.dumps(document, indent=1, ensure_ascii=False)) + "\n"):
        raise UsageError(f"the output cannot be written ({reason}).")


def warn(text: str) -> None:
    """One sentence on stderr."""
    _write(sys.stderr, tame(text) + "\n")


class Warnings(logging.Handler):
    """Shows what ``bench`` logs as a sentence on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message alone."""
        warn(record.getMessage())


def go_silent() -> None:
    """Say nothing more: the terminal is gone."""
    for stream in (sys.stdout, sys.stderr):
        _close(stream)


def _write(stream: TextIO, text: str) -> str:
    """Write; why it could not, where that is no reader who has enough (``| head``) or is gone."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _close(stream)
        return "" if error.errno in (errno.EPIPE, errno.EIO) else reason_of(error)
    return ""


def _close(stream: TextIO) -> None:
    """What is written to the stream from now on goes nowhere."""
    with suppress(OSError, ValueError):  # it may have no file under it
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tame(text: str) -> str:
    """The text with nothing in it that steers a terminal or turns the direction of reading."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def one_line(text: str) -> str:
    """The text tamed, on one line: a name must not look like a line of ours."""
    return tame(" ".join(text.split()))


def _escaped(text: str) -> str:
    """JSON whose strings hold such characters as escapes, which every reader turns back."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Columns padded to their widest cell; numbers to the right."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    numeric = [all(_is_number(row[place]) for row in cells[1:]) for place in range(len(header))]
    lines = []
    for row in cells:
        padded = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace("-", "", 1).isdigit() or cell in ("", "–")


def duration(seconds: float | None) -> str:
    """``1:02:03`` or ``2:03``; a dash where it is not known."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def headline(state: State) -> str:
    """The run in one line."""
    ended = state.cached + state.done
    parts = [f"{ended}/{state.total} stages", f"{state.cached} cached"]
    if state.failed:
        parts.append(f"{len(state.failed)} failed")
    if state.blocked:
        parts.append(f"{len(state.blocked)} blocked")
    spent = duration(time.monotonic() - state.started)
    return ", ".join(parts) + f" · {spent} spent, {duration(state.seconds_left)} left"


def _running(state: State, store: Store, titles: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for key in state.running:
        progress = store.progress(key)
        steps = f"{progress['step']}/{progress['steps']}" if progress else "starting"
        yield titles.get(key, key), steps, str(progress.get("note", ""))


@contextmanager
def watching(store: Store, titles: Mapping[str, str], *, quiet: bool) -> Iterator[Watch]:
    """A function to call with the state of the run, as often as one likes."""
    if quiet:
        yield lambda _state: None
    elif sys.stdout.isatty():
        with _live(store, titles) as watch:
            yield watch
    else:
        yield _lines(store, titles)


@contextmanager
def _live(store: Store, titles: Mapping[str, str]) -> Iterator[Watch]:
    from rich.console import Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    def picture(state: State) -> Group:
        rows = Table.grid(padding=(0, 2))
        for title, steps, note in _running(state, store, titles):
            rows.add_row(
                Text(one_line(title)), Text(steps, justify="right"), Text(one_line(note), style="dim")
            )
        bar = Table.grid()
        bar.add_row(ProgressBar(total=max(state.effort_total, 1.0), completed=state.effort_done, width=78))
        return Group(bar, Text(headline(state)), rows)

    with Live(refresh_per_second=2, transient=True) as live:
        yield lambda state: live.update(picture(state))


def _lines(store: Store, titles: Mapping[str, str]) -> Watch:
    last = [time.monotonic()]

    def watch(state: State) -> None:
        if time.monotonic() - last[0] < PLAIN_SECONDS:
            return
        last[0] = time.monotonic()
        running = "; ".join(f"{title} {steps}" for title, steps, _ in _running(state, store, titles))
        say(f"{headline(state)} · {running}")

    return watch
