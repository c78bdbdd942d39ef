"""``bench doctor``: one line for each thing that could be wrong with the machine or the store."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.checks.finding import Finding
from bench.checks.machine import of_machine
from bench.cli import console
from bench.errors import DataError
from bench.files.limits import cores
from bench.files.packages import missing_in, sentence

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 80
SIGNS = {"ok": "ok", "warning": "WARNING", "error": "ERROR"}


def doctor(store_path: Path, *, as_json: bool) -> int:
    """Check everything, say it, and exit with 4 where something stored is damaged or data is gone."""
    findings = list(of_machine(cores()))
    stored = _of_store(store_path)
    findings += stored or []
    is_store = stored is not None
    if as_json:
        plain = [asdict(one) for one in findings]
        console.say_json({"store": str(store_path), "is_store": is_store, "checks": plain})
    else:
        for finding in findings:
            _say(finding)
        if not is_store:
            console.say(f"{store_path} is no store yet; `bench run --store {store_path}` makes it one.")
    is_lost = any(one.state == "error" for one in findings)
    return DataError.exit_code if is_lost else 0


def _of_store(path: Path) -> list[Finding] | None:
    """The checks of a store, as far as the packages for them are there; ``None`` where there is no store."""
    try:
        from bench.checks.store import of_store
        from bench.store.store import Store

        store = Store(path)
        return list(of_store(store, _watch)) if store.is_store else None
    except ModuleNotFoundError as error:
        if not (name := missing_in(error)):
            raise
        return [Finding("store", "error", sentence([name], "looking through a store"))]


def _watch(done: int, total: int) -> None:
    """How far the checksums are, on a terminal alone."""
    if sys.stderr.isatty():
        end = "\r\033[K" if done == total else ""
        sys.stderr.write(f"\rchecksums {done}/{total}{end}")
        sys.stderr.flush()


def _say(finding: Finding) -> None:
    head = f"{finding.check:10} {SIGNS[finding.state]:8} "
    lines = textwrap.wrap(finding.says, WIDTH - len(head), break_on_hyphens=False) or [""]
    for place, line in enumerate(lines):
        console.say((" " * len(head) if place else head) + line)
