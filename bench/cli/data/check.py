"""``bench data check``: every case of a data set looked through, and all findings listed."""

from __future__ import annotations

import textwrap
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checks.data import findings
from bench.checks.data.finding import SEVERITIES
from bench.checks.data.survey import survey
from bench.cli import console
from bench.data.catalogue import is_made, listing_of
from bench.data.dataset import DataSettings
from bench.data.sources.cases import held_by
from bench.errors import DataError
from bench.plugins.datasets import sources_for
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.checks.data.finding import Finding
    from bench.data.images.grids import SpacingFrom
    from bench.data.sources.listing import Listing

WIDTH = 80


def check_data(spec: str, store_path: Path, *, as_json: bool, spacing_from: SpacingFrom = "") -> int:
    """Look through every case and say all that is amiss; 4 where there is an error, else 0.

    Headers that contradict themselves are no error where ``spacing_from`` says which voxel size holds.

    Raises:
        UsageError: No such name.
        DataError: There is nothing to look through: what the folder holds cannot be made out.
    """
    store = Store(store_path)
    complaints: list[str] = []
    with store.locked() if is_made(spec) else nullcontext():
        sources = sources_for(spec, store.workshop)
        listing = listing_of(spec, DataSettings(), store.workshop, complaints, sources)
        found = findings(survey(held_by(listing, spacing_from), complaints))
    facts = {
        "dataset": listing.name,
        "cases": len(listing.cases) + len(listing.unlabelled),
        **_shared_out(listing),
        "findings": [asdict(finding) for finding in found],
    }
    if as_json:
        console.say_json(facts)
    else:
        _say(listing, found)
    return DataError.exit_code if any(one.severity == "error" for one in found) else 0


def _shared_out(listing: Listing) -> dict[str, int]:
    """How many of the labelled cases are for training, and how many are test."""
    test = min(listing.test_by_seed, len(listing.cases)) or len(listing.test)
    return {"train": len(listing.cases) - test, "test": test}


def _say(listing: Listing, found: Sequence[Finding]) -> None:
    for finding in found:
        where = [part for part in (finding.case, "/".join(Path(finding.file).parts[-2:])) if part]
        console.say(f"{finding.severity}: {finding.check}: {', '.join(where) or listing.name}")
        for line in textwrap.wrap(finding.what, WIDTH - 4, break_long_words=False, break_on_hyphens=False):
            console.say(f"    {line}")
    if found:
        console.say()
    more = f", {len(listing.unlabelled)} without labels" if listing.unlabelled else ""
    shared = _shared_out(listing)
    numbers = f"({shared['train']} training, {shared['test']} test{more})"
    console.say(f"{listing.name}: {len(listing.cases)} cases {numbers}; {_counted(found)}")


def _counted(found: Sequence[Finding]) -> str:
    often = Counter(finding.severity for finding in found)
    said = [f"{often[one]} {one}{'s' * (often[one] != 1)}" for one in SEVERITIES if often[one]]
    return ", ".join(said) or "nothing is amiss"
