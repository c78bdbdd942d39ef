"""``bench verify``: a finished stage made again and compared with the first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.checks import verify as checks
from bench.cli import console
from bench.cli.signals import stoppable
from bench.errors import TOLERANCE_EXCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.checks.verify import Verification
    from bench.execution.scheduler import State
    from bench.store.store import Store


def verify(key: str, store_path: Path, *, chain: bool, as_json: bool, plugins: Sequence[Path] = ()) -> int:
    """Say whether a finished stage comes out the same; with ``chain``, with all that it came from.

    Raises:
        UsageError: No stage, or more than one, begins so, it was made on a device that is not here, or by a
            plug-in that is not named: code from a store is not run unasked.
        DataError: It is damaged, or what it was made from is gone.
        StageError: It could not be made again.
    """

    @contextmanager
    def watching(
        store: Store, titles: Mapping[str, str], *, device: str
    ) -> Iterator[Callable[[State], None]]:
        if not as_json:
            console.say(f"again    {len(titles)} stages on {device}: {list(titles.values())[-1]}")
        with console.watching(store, titles, quiet=as_json) as watch:
            yield watch

    with stoppable():
        found = checks.verify(key, store_path, chain=chain, watching=watching, plugins=plugins)
    if as_json:
        console.say_json(found.describe())
    else:
        _say(found)
    return 0 if found.is_equal else TOLERANCE_EXCEEDED


def _say(found: Verification) -> None:
    for one in found.verdicts:
        how = "differs" if one.apart else f"equal, {one.files} files bit for bit"
        console.say(f"{one.stage.key}  {how} ({one.seconds:.1f} s)")
        for difference in one.apart:
            console.say(f"  {difference.name}: {difference.what}")
    if not found.is_equal:
        for name, (then, now) in found.changed.items():
            console.say(f"changed  {name}: {then} then, {now} now")
        if not found.changed:
            console.say("changed  neither versions nor processor nor commit")
